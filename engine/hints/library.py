"""controlnet-aux, loaded when it is needed and without what it tells developers; it reads no file and asks no host."""

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def module(path: str) -> Any:
    """A module of controlnet-aux, by its path within."""
    with quiet(), _usable_mediapipe():
        found: Any = importlib.import_module(f"controlnet_aux.{path}")
    vars(found)["print"] = _say_nothing  # standard output belongs to those who run workflows
    return found


@contextmanager
def quiet() -> Generator[None]:
    """Keeps the warnings of the library and of its own libraries to itself: users can do nothing about them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def knows_faces() -> bool:
    """Whether there is a mediapipe with the face meshes that the library draws; later ones left them out."""
    spec = importlib.util.find_spec("mediapipe")
    homes = spec.submodule_search_locations if spec is not None else None
    return any(Path(home, "python", "solutions").is_dir() for home in homes or ())


@contextmanager
def _usable_mediapipe() -> Generator[None]:
    """Hides a mediapipe that the library could not use: it looks for face meshes while it is loaded, and would fail."""
    if knows_faces():
        yield
        return
    hidden = sys.modules.get("mediapipe")
    sys.modules["mediapipe"] = None  # pyright: ignore[reportArgumentType] (so that importing it fails)
    try:
        yield
    finally:
        del sys.modules["mediapipe"]
        if hidden is not None:
            sys.modules["mediapipe"] = hidden


def _say_nothing(*_words: object, **_how: object) -> None:
    pass
