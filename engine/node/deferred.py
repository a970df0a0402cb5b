"""Let node files name torch and the floors that need it, and load them only when a node runs.

Node files describe themselves at import: `heddle validate` and the server read those descriptions and must not
wait seconds for torch. So a node file says

    with deferred():
        import torch

        from engine.pictures import resample

and both names are ordinary modules to the reader, the type checker and the function bodies; each is loaded at the
first attribute that is asked of it.
"""

import importlib.util
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from threading import RLock
from types import ModuleType
from typing import Any

_OURS = ("engine", "nodes")
_LOADING = RLock()
_METADATA = frozenset({"__cached__", "__file__", "__loader__", "__package__", "__path__", "__spec__"})


class _Waiting(ModuleType):
    """A module that holds no more than its spec, and fills itself when anything else is asked of it.

    The standard library's LazyLoader will not do: there a second `import` of the module, which looks at its
    `__spec__`, loads it.
    """

    def __getattr__(self, name: str) -> Any:
        if name in _METADATA:  # the import system looks for these before it sets them
            raise AttributeError(name)
        with _LOADING:
            if type(self) is _Waiting:
                _fill(self)
        return getattr(self, name)


class _Postponing(Loader):
    """Makes a waiting module in place of a loaded one."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Waiting(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing yet."""


def _fill(module: ModuleType) -> None:
    spec = module.__spec__
    assert spec is not None
    assert isinstance(spec.loader, _Postponing)
    postponing = spec.loader
    spec.loader = module.__loader__ = postponing.loader
    module.__class__ = ModuleType
    try:
        postponing.loader.exec_module(module)
    except BaseException:
        spec.loader = module.__loader__ = postponing
        module.__class__ = _Waiting
        raise


class _Deferring(MetaPathFinder):
    """Answers imports with modules that wait."""

    def __init__(self) -> None:
        self._asking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if self._asking:
            return None
        self._asking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._asking = False
        if spec is not None and spec.loader is not None and _is_deferrable(spec):
            spec.loader = _Postponing(spec.loader)
        return spec


def _is_deferrable(spec: ModuleSpec) -> bool:
    """Whole third-party packages, and our own modules; our own packages are empty and load at once."""
    is_package = spec.submodule_search_locations is not None
    return not is_package if spec.name.partition(".")[0] in _OURS else "." not in spec.name


@contextmanager
def deferred() -> Generator[None]:
    """Import modules (not names out of them) without loading them yet."""
    finder = _Deferring()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
