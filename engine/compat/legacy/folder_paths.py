"""The module that packs import as `folder_paths`: the folders in use, under the ecosystem's names.

Its directories are plain attributes that packs may set: setting one changes the folders of this process.
"""

import os
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.weights import folders
from engine.weights.folders import ALIASES, WEIGHT_SUFFIXES

supported_pt_extensions: set[str] = set(WEIGHT_SUFFIXES)

_DIRECTORIES = {  # attribute -> field of Folders
    "models_dir": "models",
    "output_directory": "output",
    "input_directory": "input",
    "temp_directory": "temp",
    "user_directory": "user",
}


class _LiveModule(ModuleType):
    """A module whose directories and folder names are those in use now, whoever set them."""

    def __getattr__(self, name: str) -> Any:
        if name in _DIRECTORIES:
            return str(getattr(folders.current(), _DIRECTORIES[name]))
        if name == "folder_names_and_paths":
            return folders.current().names
        if name == "base_path":
            return str(folders.current().models.parent)
        msg = f"module {self.__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _DIRECTORIES:
            setattr(folders.current(), _DIRECTORIES[name], Path(value))
        elif name == "folder_names_and_paths":
            folders.current().names = value
        else:
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _LiveModule


def map_legacy(folder_name: str) -> str:
    """The present name of a folder that was once called otherwise."""
    return ALIASES.get(folder_name, folder_name)


def get_folder_paths(folder_name: str) -> list[str]:
    """The directories of a model folder, as a copy. Raises KeyError."""
    return list(folders.current().names[map_legacy(folder_name)][0])


def add_model_folder_path(folder_name: str, full_folder_path: str, is_default: bool = False) -> None:
    """Add a directory to a model folder, or move it to the front."""
    folders.current().add(folder_name, full_folder_path, first=is_default)


def get_filename_list(folder_name: str) -> list[str]:
    """The files of a model folder, sorted, relative to its directories. Raises KeyError."""
    return folders.current().files(map_legacy(folder_name))


def get_full_path(folder_name: str, filename: str) -> str | None:
    """Where a file of a model folder lies, or None."""
    found = folders.current().find(map_legacy(folder_name), filename)
    return None if found is None else str(found)


def get_full_path_or_raise(folder_name: str, filename: str) -> str:
    """Where a file of a model folder lies. Raises FileNotFoundError that says where it was looked for."""
    return str(folders.current().require(map_legacy(folder_name), filename))


def get_output_directory() -> str:
    return str(folders.current().output)


def set_output_directory(output_dir: str) -> None:
    folders.current().output = Path(output_dir)


def get_input_directory() -> str:
    return str(folders.current().input)


def set_input_directory(input_dir: str) -> None:
    folders.current().input = Path(input_dir)


def get_temp_directory() -> str:
    return str(folders.current().temp)


def set_temp_directory(temp_dir: str) -> None:
    folders.current().temp = Path(temp_dir)


def get_user_directory() -> str:
    return str(folders.current().user)


def set_user_directory(user_dir: str) -> None:
    folders.current().user = Path(user_dir)


def get_directory_by_type(type_name: str) -> str | None:
    """The directory that clients call `input`, `output` or `temp`."""
    found = folders.current().directory(type_name)
    return None if found is None else str(found)


def annotated_filepath(name: str) -> tuple[str, str | None]:
    """`"x.png [output]"` as `("x.png", output directory)`; without an annotation the second is None."""
    bare, kind = folders.split_annotation(name)
    return bare, get_directory_by_type(kind) if kind else None


def get_annotated_filepath(name: str, default_dir: str | None = None) -> str:
    """The path of an annotated name; a bare one is in `default_dir`, or in the inputs. Raises ValueError if outside."""
    return str(folders.current().annotated(name, Path(default_dir) if default_dir else None))


def exists_annotated_filepath(name: str) -> bool:
    """Whether the file of an annotated name is there."""
    try:
        return folders.current().annotated(name).exists()
    except ValueError:
        return False


def filter_files_content_types(files: Iterable[str], content_types: Collection[str]) -> list[str]:
    """The files whose suffix speaks of one of these kinds: `image`, `video`, `audio`, `model`."""
    return folders.of_content(files, content_types)


def filter_files_extensions(files: Iterable[str], extensions: Collection[str]) -> list[str]:
    """The files with one of these suffixes, sorted; all of them if there are none."""
    return sorted(file for file in files if not extensions or os.path.splitext(file)[1].lower() in extensions)


def get_save_image_path(
    filename_prefix: str, output_dir: str, image_width: int = 0, image_height: int = 0
) -> tuple[str, str, int, str, str]:
    """Where a saver writes: full folder, file name, counter, sub-folder, prefix with its placeholders filled in."""
    target = folders.current().save_target(filename_prefix, Path(output_dir), image_width, image_height)
    return str(target.folder), target.filename, target.counter, target.subfolder, target.prefix


def recursive_search(
    directory: str, excluded_dir_names: Collection[str] | None = None
) -> tuple[list[str], dict[str, float]]:
    """The files below a directory, relative to it, and when each directory was last changed."""
    excluded = set(excluded_dir_names or ())
    files: list[str] = []
    changed: dict[str, float] = {}
    for folder, names, found in os.walk(directory, followlinks=True):
        names[:] = [each for each in names if each not in excluded]
        changed[folder] = os.path.getmtime(folder)
        files += [os.path.relpath(os.path.join(folder, each), directory) for each in found]
    return files, changed


def get_input_subfolders() -> list[str]:
    """The folders below the inputs, sorted, with forward slashes."""
    root = folders.current().input
    return sorted(Path(found).relative_to(root).as_posix() for found, _, _ in os.walk(root) if Path(found) != root)
