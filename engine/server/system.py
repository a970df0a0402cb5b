"""What clients are told of the machine and the program."""

import os
import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import psutil

PROTOCOL = "0.3.64"  # the version of the ecosystem's host whose protocol is spoken
FRONTEND = "1.27.10"


def describe() -> Mapping[str, Any]:
    """The `system` part of `/system_stats`."""
    memory = psutil.virtual_memory()
    return {
        "os": os.name,
        "ram_total": memory.total,
        "ram_free": memory.available,
        "comfyui_version": PROTOCOL,
        "heddle_version": _version("heddle"),
        "required_frontend_version": FRONTEND,
        "installed_templates_version": _version("comfyui-workflow-templates"),
        "required_templates_version": None,
        "python_version": sys.version,
        "pytorch_version": _version("torch"),
        "embedded_python": False,
        "argv": ["heddle", "serve", "--disable-api-nodes"],  # the frontend then asks nobody outside for news
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
