"""The folders of packs that clients are served from."""

import logging
import tomllib
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def web_folders(name: str, folder: Path, web_directory: str | None, has_project: bool) -> dict[str, Path]:
    """Extension name to folder: what the module's WEB_DIRECTORY and its pyproject.toml say, where they exist."""
    found: dict[str, Path] = {}
    if has_project and (project := _from_project(folder / "pyproject.toml")):
        found |= project
    if web_directory is not None and (folder / web_directory).is_dir():
        found[name] = (folder / web_directory).resolve()
    return found


def _from_project(file: Path) -> dict[str, Path]:
    """`[tool.comfy] web` under the project's name; a file that cannot be read is logged and passed over."""
    if not file.is_file():
        return {}
    try:
        project: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
        web = project.get("tool", {}).get("comfy", {}).get("web")
        folder = file.parent / web if isinstance(web, str) and web else None
        return {project["project"]["name"]: folder.resolve()} if folder is not None and folder.is_dir() else {}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        log.warning("%s says nothing of a web folder: %s", file, error)
        return {}
