"""The ecosystem's `extra_model_paths.yaml`: more folders for models and packs, shared with other programs."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from engine.node.deferred import deferred
from engine.weights.folders import Folders

with deferred():
    import yaml

log = logging.getLogger(__name__)
NAME = "extra_model_paths.yaml"


class ExtraFoldersError(ValueError):
    """The file cannot be meant; the text names the file, the section, the key, and what would be right."""


class ExtraFolder(NamedTuple):
    """One more directory of a model folder."""

    name: str
    path: Path
    is_first: bool = False  # before those of the installation, so that what is saved goes there


def read(file: Path) -> list[ExtraFolder]:
    """The folders that a file names, in its order; one that is not there is warned of. Raises ExtraFoldersError."""
    found = [each for section, content in _sections(file) for each in _folders(file, section, content)]
    for each in found:
        if not os.path.isdir(each.path):
            log.warning("%s: the folder for %s is not there: %s", file, each.name, each.path)
    return found


def apply(extra: Iterable[ExtraFolder], folders: Folders) -> None:
    """Have these directories looked through too: the first ones before all others, in their order."""
    extra = list(extra)
    for each in reversed(extra):
        if each.is_first:
            folders.add(each.name, each.path, first=True)
    for each in extra:
        if not each.is_first:
            folders.add(each.name, each.path)


def _sections(file: Path) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    try:
        content: Any = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise ExtraFoldersError(f"{file}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ExtraFoldersError(f"{file}: is no YAML: {error}") from error
    if content is None:
        return
    if not isinstance(content, dict):
        raise ExtraFoldersError(f"{file}: wanted are sections of folders, such as 'shared:'; it is {_shortly(content)}")
    for section, folders in content.items():
        if folders is None:  # all of its lines are comments
            continue
        if not isinstance(folders, dict):
            msg = (
                f"{file}: {section}: wanted are lines such as 'loras: models/loras' below it; it is {_shortly(folders)}"
            )
            raise ExtraFoldersError(msg)
        yield str(section), folders


def _folders(file: Path, section: str, content: Mapping[Any, Any]) -> Iterator[ExtraFolder]:
    where = f"{file}: {section}"
    is_first = content.get("is_default", False)
    if not isinstance(is_first, bool):
        raise ExtraFoldersError(f"{where}: is_default: wanted is true or false; it is {is_first!r}")
    base = file.absolute().parent
    if "base_path" in content:
        base /= _expanded(_text(f"{where}: base_path", content["base_path"]).strip())
    for name, paths in content.items():
        if name in ("base_path", "is_default"):
            continue
        lines = _text(f"{where}: {name}", paths).splitlines()
        for line in filter(None, map(str.strip, lines)):
            yield ExtraFolder(_text(f"{where}: the name of a folder", name), _joined(base, line), is_first)


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str):
        wanted = "a text; of several folders each has its line below 'name: |'"
        raise ExtraFoldersError(f"{where}: wanted is {wanted}; it is {_shortly(value)}")
    return value


def _joined(base: Path, line: str) -> Path:
    return Path(os.path.normpath(base / _expanded(line)))


def _expanded(text: str) -> str:
    return os.path.expandvars(os.path.expanduser(text))


def _shortly(value: Any) -> str:
    return "nothing" if value is None else repr(value)[:80]
