"""Let node files name torch and the floors that need it, and load them only when a node runs.

Node files describe themselves at import: `heddle validate` and the server read those descriptions and must not
wait seconds for torch. So a node file says

    with deferred():
        import torch

        from engine.diffusion import resample

and both names are ordinary modules to the reader, the type checker and the function bodies; each is loaded at the
first attribute that is asked of it.
"""

import importlib.util
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Deferring(MetaPathFinder):
    """Answers imports with modules that load themselves on first use."""

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
        if spec is None or spec.loader is None or not _is_deferrable(spec):
            return spec
        spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


def _is_deferrable(spec: ModuleSpec) -> bool:
    """Whole third-party packages, and our own modules; our own packages are empty and load at once."""
    is_package = spec.submodule_search_locations is not None
    return not is_package if spec.name.partition(".")[0] in ("engine", "nodes") else "." not in spec.name


@contextmanager
def deferred() -> Generator[None]:
    """Import modules (not names out of them) without loading them yet."""
    finder = _Deferring()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
