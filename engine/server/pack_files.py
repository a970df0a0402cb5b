"""What node packs bring for the canvas besides scripts: translations and example workflows."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)
_TEMPLATES = ("example_workflows", "example", "examples", "workflow", "workflows")
_SECTIONS = {"nodeDefs.json": "nodeDefs", "commands.json": "commands", "settings.json": "settings"}


def template_folder(pack: Path) -> Path | None:
    """Where a pack keeps its example workflows."""
    return next((pack / name for name in _TEMPLATES if (pack / name).is_dir()), None)


def templates(roots: Sequence[Path]) -> dict[str, list[str]]:
    """Pack -> the names of its example workflows."""
    found: dict[str, list[str]] = {}
    for pack in _packs(roots):
        folder = template_folder(pack)
        names = sorted(path.stem for path in folder.glob("*.json")) if folder else []
        if names:
            found[pack.name] = names
    return found


def translations(roots: Sequence[Path]) -> dict[str, Any]:
    """Language -> what packs translate, merged; a file that cannot be read is logged and passed over."""
    merged: dict[str, Any] = {}
    for pack in _packs(roots):
        for folder in sorted((pack / "locales").glob("*/")):
            language = merged.setdefault(folder.name, {})
            _merge(language, _read(folder / "main.json"))
            for file, section in _SECTIONS.items():
                if texts := _read(folder / file):
                    _merge(language.setdefault(section, {}), texts)
    return {language: texts for language, texts in merged.items() if texts}


def _packs(roots: Sequence[Path]) -> Iterator[Path]:
    for root in roots:
        for path in sorted(root.iterdir()) if root.is_dir() else ():
            if path.is_dir() and not path.name.startswith((".", "_")) and not path.name.endswith(".disabled"):
                yield path


def _read(path: Path) -> Mapping[str, Any]:
    try:
        texts = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("%s is passed over: %s", path, error)
        return {}
    return texts if isinstance(texts, Mapping) else {}


def _merge(into: dict[str, Any], texts: Mapping[str, Any]) -> None:
    for name, value in texts.items():
        known = into.get(name)
        if isinstance(known, dict) and isinstance(value, Mapping):
            _merge(known, value)
        else:
            into[name] = value
