"""The modules that packs import from their host, in one table; and putting them where `import` finds them."""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.compat.classes import Classes
from engine.compat.legacy import core_nodes, folder_paths
from engine.node.registry import Registry

_HERE = "engine.compat.legacy"
_SCHEMA = "engine.compat.schema"

MODULES = {
    "folder_paths": f"{_HERE}.folder_paths",
    "node_helpers": f"{_HERE}.node_helpers",
    "server": f"{_HERE}.server",
    "comfy.utils": f"{_HERE}.comfy_utils",
    "comfy.model_management": f"{_HERE}.model_management",
    "comfy.cli_args": f"{_HERE}.cli_args",
    "comfy.comfy_types": f"{_HERE}.comfy_types",
    "comfy.comfy_types.node_typing": f"{_HERE}.comfy_types",
    "comfy_execution.graph": f"{_HERE}.execution_graph",
    "comfy_execution.graph_utils": f"{_HERE}.graph_utils",
    "comfy_execution.utils": f"{_HERE}.execution_context",
    "comfy_execution.validation": f"{_HERE}.execution_validation",
    "comfy_api.latest": f"{_HERE}.latest",
    "comfy_api.latest._io": f"{_SCHEMA}.io",
    "comfy_api.latest._ui": f"{_HERE}.ui",
    "comfy_api.v0_0_2": f"{_HERE}.latest",
    "comfy_api.v0_0_1": f"{_HERE}.latest",
    "comfy_api.input": f"{_HERE}.media_kinds",
    "comfy_api.input_impl": f"{_HERE}.media",
    "comfy_api.util": f"{_HERE}.media_kinds",
}
"""What packs import -> the module that answers. It is the same object under both names: what packs set, we see."""

PACKAGES = ("comfy", "comfy_execution", "comfy_api", "comfy_extras")
NODE_MODULES = (
    "comfy_extras.nodes_upscale_model",
    "comfy_extras.nodes_mask",
    "comfy_extras.nodes_custom_sampler",
    "comfy_extras.nodes_clip_sdxl",
    "comfy_extras.nodes_model_advanced",
)
"""Modules of which packs only want node classes: each has all of them."""

ABSENT = ("comfy", "comfy_execution", "comfy_api", "comfy_extras", "execution", "latent_preview", "comfy_api_nodes")


def install(registry: Registry, root: Path | None = None) -> Classes:
    """Make the host's modules importable, over this registry; again for another one, which then takes its place.

    `root` is what packs take for the host's directory (by default the working directory); gives back the classes
    of all node types, as `nodes.NODE_CLASS_MAPPINGS` is.
    """
    classes = core_nodes.fill(registry)
    # Packs take the directory of this file for the host's root.
    folder_paths.__file__ = str((root or Path.cwd()) / "folder_paths.py")
    for name in NODE_MODULES:
        sys.modules.pop(name, None)
    sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, HostModules)]
    sys.meta_path.insert(0, HostModules(classes))
    return classes


class HostModules(MetaPathFinder, Loader):
    """Answers the imports of the host's modules, and says plainly which parts of the host are not there."""

    def __init__(self, classes: Classes) -> None:
        self._classes = classes
        self._own_specs: dict[str, Any] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in MODULES or fullname in PACKAGES or fullname in NODE_MODULES:
            return ModuleSpec(fullname, self, is_package=fullname in PACKAGES)
        if fullname.partition(".")[0] in ABSENT:
            # Without a name: `from comfy import samplers` would otherwise hide this text behind its own.
            msg = f"{fullname} is not there yet: this host does not have that part of the reference host's program"
            raise ModuleNotFoundError(msg)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        name = spec.name
        if name in MODULES:
            module = importlib.import_module(MODULES[name])
            self._own_specs[name] = module.__spec__
            if any(other.startswith(f"{name}.") for other in MODULES):
                module.__path__ = []  # packs import modules below it
            return module
        module = ModuleType(name, "A part of the host that node packs import.")
        if name in NODE_MODULES:
            vars(module)["__getattr__"] = core_nodes.finder(module, self._classes)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to run; a module of ours gets its own spec back, which importing it again has replaced."""
        spec = module.__spec__
        if spec is not None and spec.name in self._own_specs:
            module.__spec__ = self._own_specs.pop(spec.name)
