"""controlnet-aux, loaded when it is needed and without what it tells developers; it reads no file and asks no host."""

import importlib
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


def module(path: str) -> Any:
    """A module of controlnet-aux, by its path within."""
    with quiet():
        found: Any = importlib.import_module(f"controlnet_aux.{path}")
    vars(found)["print"] = _say_nothing  # standard output belongs to those who run workflows
    return found


@contextmanager
def quiet() -> Generator[None]:
    """Keeps the warnings of the library and of its own libraries to itself: users can do nothing about them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _say_nothing(*_words: object, **_how: object) -> None:
    pass
