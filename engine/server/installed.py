"""Where installed packages keep the ecosystem's browser frontend, its templates and its nodes' help; imports none."""

import pkgutil
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

FRONTEND = "comfyui_frontend_package"
_TEMPLATES = "comfyui_workflow_templates"  # a package with this name, or several that begin with it
_HELP = "comfyui_embedded_docs"


def stock_frontend() -> Path:
    """The folder of the stock frontend's files. Raises LookupError where it is not installed."""
    for folder in _folders(FRONTEND, "static"):
        if (folder / "index.html").is_file():
            return folder
    raise LookupError(
        "the stock frontend is not installed: install Heddle with its extra stock-frontend, "
        f"or pip install {FRONTEND.replace('_', '-')}"
    )


def shelves() -> Mapping[str, Sequence[Path]]:
    """The folders behind `/templates` and `/docs`, each looked through in turn."""
    names = sorted(each.name for each in pkgutil.iter_modules() if each.name.startswith(_TEMPLATES))
    return {
        "templates": [folder for name in names for folder in _folders(name, "templates")],
        "docs": _folders(_HELP, "docs"),
    }


def _folders(package: str, below: str) -> list[Path]:
    spec = find_spec(package)
    places = (spec and spec.submodule_search_locations) or ()
    return [folder for place in places if (folder := Path(place) / below).is_dir()]
