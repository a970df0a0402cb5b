"""Node packs on disk: found, imported in isolation, their node classes registered. One that fails stops nobody."""

import asyncio
import importlib.util
import inspect
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from engine.compat.classes import Classes
from engine.compat.pack_web import web_folders
from engine.compat.schema.extension import ComfyExtension

log = logging.getLogger(__name__)

PRESTARTUP = "prestartup_script.py"


@dataclass(frozen=True)
class Pack:
    """What became of one pack. `error` says why it did not load; its side effects may be there nevertheless."""

    name: str
    path: Path
    seconds: float
    node_ids: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()  # names of its nodes that were taken before any pack was loaded
    error: str | None = None
    traceback: str = ""


@dataclass(frozen=True)
class Script:
    """What became of a script that ran before everything else."""

    path: Path
    seconds: float
    error: str | None = None


@dataclass(frozen=True)
class Report:
    """All packs in the order of loading. `web` has the folders that clients are served from, by extension name."""

    packs: tuple[Pack, ...]
    web: Mapping[str, Path]
    module_dirs: Mapping[str, Path]

    @property
    def failed(self) -> tuple[Pack, ...]:
        return tuple(pack for pack in self.packs if pack.error is not None)

    def __str__(self) -> str:
        lines = ["Import times for custom nodes:"]
        for pack in sorted(self.packs, key=lambda each: each.seconds):
            failed = " (IMPORT FAILED)" if pack.error else ""
            lines.append(f"{pack.seconds:6.1f} seconds{failed}: {pack.path}")
        return "\n".join(lines)


def find_packs(roots: Sequence[Path], only: Collection[str] | None = None) -> Iterator[Path]:
    """The packs in these folders: Python files, and any folder; with `only` just the entries of exactly these names."""
    for root in roots:
        for name in sorted(os.listdir(root)) if root.is_dir() else ():
            path = root / name
            is_one = path.is_dir() or name.endswith(".py")
            if (
                not is_one
                or name == "__pycache__"
                or name.endswith(".disabled")
                or (only is not None and name not in only)
            ):
                continue
            yield path.absolute()


def run_prestartup_scripts(packs: Sequence[Path]) -> tuple[Script, ...]:
    """Run each pack's script that must come before heavy imports; one that fails is logged and passed over."""
    scripts = [_run_script(pack / PRESTARTUP) for pack in packs if (pack / PRESTARTUP).is_file()]
    if scripts:
        lines = (
            f"{each.seconds:6.1f} seconds{' (PRESTARTUP FAILED)' if each.error else ''}: {each.path.parent}"
            for each in sorted(scripts, key=lambda each: each.seconds)
        )
        log.info("Prestartup times for custom nodes:\n%s", "\n".join(lines))
    return tuple(scripts)


def load_packs(packs: Sequence[Path], classes: Classes) -> Report:
    """Import each pack and register its nodes. A name that is taken already stays with whom it belongs to.

    Between packs the last one that claims a name has it.
    """
    taken = frozenset(classes)
    web: dict[str, Path] = {}
    module_dirs: dict[str, Path] = {}
    loaded = tuple(_load(path, classes, taken, web, module_dirs) for path in packs)
    report = Report(loaded, web, module_dirs)
    if loaded:
        log.info("%s", report)
    return report


def _load(
    path: Path, classes: Classes, taken: frozenset[str], web: dict[str, Path], module_dirs: dict[str, Path]
) -> Pack:
    started = time.perf_counter()
    name = path.name if path.is_dir() else str(path.with_suffix(""))
    registration = _Registration(path.stem if path.is_file() else path.name, classes, taken)
    error, trace = None, ""
    try:
        module = _imported(path)
        module_dirs[name] = path if path.is_dir() else path.parent
        web.update(web_folders(name, module_dirs[name], getattr(module, "WEB_DIRECTORY", None), path.is_dir()))
        error = registration.register(module)
        if error:
            log.warning("Skip %s module for custom nodes due to the lack of NODE_CLASS_MAPPINGS: %s", path, error)
    except (Exception, SystemExit) as raised:  # packs are other people's code: whatever they raise is theirs
        error, trace = f"{type(raised).__name__}: {raised}", traceback.format_exc()
        log.warning("%s\nCannot import %s module for custom nodes: %s", trace, path, raised)
    seconds = time.perf_counter() - started
    return Pack(name, path, seconds, tuple(registration.added), tuple(registration.ignored), error, trace)


class _Registration:
    """Takes the nodes of one pack over into the classes."""

    def __init__(self, name: str, classes: Classes, taken: frozenset[str]) -> None:
        self.module_name = f"custom_nodes.{name}"
        self.classes = classes
        self.taken = taken
        self.added: list[str] = []
        self.ignored: list[str] = []

    def register(self, module: ModuleType) -> str | None:
        """Register what the module exports; the reason if it exports nothing."""
        mappings: Mapping[str, Any] | None = getattr(module, "NODE_CLASS_MAPPINGS", None)
        if mappings is not None:
            for id, cls in mappings.items():
                self._add(id, cls)
            titles: Mapping[str, str] = getattr(module, "NODE_DISPLAY_NAME_MAPPINGS", None) or {}
            for id, title in titles.items():
                if id not in self.taken:
                    self.classes.titles[id] = title
            return None
        if hasattr(module, "comfy_entrypoint"):
            for cls in settled(_node_list(module.comfy_entrypoint)):
                self._add(cls.GET_SCHEMA().node_id, cls)
            return None
        return "it exports neither NODE_CLASS_MAPPINGS nor comfy_entrypoint"

    def _add(self, id: str, cls: Any) -> None:
        if id in self.taken:
            self.ignored.append(id)
            return
        cls.RELATIVE_PYTHON_MODULE = self.module_name
        self.classes[id] = cls
        self.added.append(id)


async def _node_list(entry: Any) -> list[Any]:
    """The node classes of a V3 extension. Raises TypeError for an entry point that is not what it should be."""
    if not callable(entry):
        msg = f"comfy_entrypoint is a {type(entry).__name__}; it should be a function that returns a ComfyExtension"
        raise TypeError(msg)
    extension: Any = entry()
    if inspect.isawaitable(extension):
        extension = await extension
    if not isinstance(extension, ComfyExtension):
        msg = f"comfy_entrypoint returned a {type(extension).__name__}; it should return a ComfyExtension"
        raise TypeError(msg)
    await extension.on_load()
    nodes: Any = await extension.get_node_list()
    if not isinstance(nodes, list):
        msg = f"get_node_list returned a {type(nodes).__name__}; it should return a list of node classes"
        raise TypeError(msg)
    return cast("list[Any]", nodes)


def settled(promise: Any) -> Any:
    """The value of a promise, also where an event loop is running already."""
    outcome: list[Any] = []

    def wait() -> None:
        try:
            outcome.append(asyncio.run(promise))
        except BaseException as error:  # handed on to the caller below
            outcome.append(error)

    thread = threading.Thread(target=wait, name="pack entry point")
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _imported(path: Path) -> ModuleType:
    """Run a pack as a module under the name that the ecosystem gives it; relative imports inside its folder work."""
    name = str(path).replace(".", "_x_") if path.is_dir() else str(path.with_suffix(""))
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        msg = f"{path} has no __init__.py"
        raise FileNotFoundError(msg)
    module = _executed(name, file, lambda module: sys.modules.__setitem__(name, module))
    return sys.modules.get(name, module)


def _executed(name: str, file: Path, before: Callable[[ModuleType], None] | None = None) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        msg = f"{file} is not a Python file"
        raise ImportError(msg)
    module = importlib.util.module_from_spec(spec)
    if before is not None:
        before(module)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _run_script(path: Path) -> Script:
    started = time.perf_counter()
    error = None
    try:
        _executed(str(path.with_suffix("")), path)
    except (Exception, SystemExit) as raised:  # as with packs
        error = f"{type(raised).__name__}: {raised}"
        log.exception("Failed to execute startup-script: %s / %s", path, raised)
    return Script(path, time.perf_counter() - started, error)
