"""All that a process does so that node packs run in it: the modules they import, their scripts, then the packs."""

from collections.abc import Collection, Sequence
from pathlib import Path

import nodes
from engine.compat import packs
from engine.compat.legacy.install import install
from engine.node.registry import Registry


def load_packs(
    roots: Sequence[Path], registry: Registry, *, only: Collection[str] | None = None, root: Path | None = None
) -> packs.Report:
    """Load the packs in these folders into the registry; with `only` just those of exactly these names.

    `root` is what packs take for the host's directory, by default the working directory.
    """
    classes = install(registry, root)
    found = list(packs.find_packs(roots, only))
    packs.run_prestartup_scripts(found)
    report = packs.load_packs(found, classes)
    nodes.__dict__["EXTENSION_WEB_DIRS"].update({name: str(folder) for name, folder in report.web.items()})
    nodes.__dict__["LOADED_MODULE_DIRS"].update({name: str(folder) for name, folder in report.module_dirs.items()})
    return report
