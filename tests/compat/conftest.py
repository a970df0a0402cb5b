"""A host with packs: the modules they import, over a registry of its own, and folders that are thrown away."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.compat.classes import Classes
from engine.compat.legacy.install import HostModules, install
from engine.node.registry import Registry
from engine.weights import folders
from nodes import built_in_registry


@pytest.fixture
def registry() -> Registry:
    return built_in_registry()


@pytest.fixture
def host(registry: Registry, tmp_path: Path) -> Iterator[Classes]:
    """Installs the host's modules and takes them away again."""
    before = folders.current()
    folders.use(folders.Folders.under(tmp_path))
    known = set(sys.modules)
    yield install(registry, tmp_path)
    folders.use(before)
    sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, HostModules)]
    for name in set(sys.modules) - known:
        if not name.startswith(("engine.", "nodes.")) and (name.startswith(str(tmp_path)) or "comfy" in name):
            del sys.modules[name]
