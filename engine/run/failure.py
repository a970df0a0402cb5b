"""An exception in a run, told as an event: where it happened, in the words and shapes that clients know."""

import asyncio
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.device import memory
from engine.run.events import RunFailed

LONGEST = 2000  # characters of an input's text form
OUT_OF_MEMORY = (
    "There was not enough memory for this step. Make the picture, the batch or the model smaller, decode in tiles, or "
    "let go of other models and results, then run again: what was finished is kept."
)
_OWN_CODE = tuple(str(Path(__file__).parents[2] / folder) for folder in ("engine", "nodes"))
_MACHINERY = tuple(str(Path(file).parent) for file in (__file__, asyncio.__file__))


class At(Exception):  # noqa: N818 - a place, not an error
    """Carries an error to the node that it belongs to, where that is not the one that was being worked on."""

    def __init__(self, node_id: str, error: Exception) -> None:
        super().__init__(str(error))
        self.node_id = node_id
        self.error = error


def failed(
    error: BaseException,
    *,
    node_id: str,
    node_type: str,
    inputs: Mapping[str, Iterable[Any]],
    outputs: Iterable[str],
    executed: Iterable[str],
) -> RunFailed:
    """Describe a failure."""
    out_of_memory = memory.is_shortage(error)
    return RunFailed(
        node_id=node_id,
        node_type=node_type,
        message=f"{error}\n{OUT_OF_MEMORY if out_of_memory else ''}",
        exception_type=type_name(error),
        traceback=tuple(_own_frames(error)),
        inputs={name: [_in_words(value) for value in values] for name, values in inputs.items()},
        outputs=tuple(outputs),
        executed=tuple(executed),
        out_of_memory=out_of_memory,
        explained=out_of_memory or _is_explained(error),
    )


def free(error: BaseException) -> None:
    """Let go of what the failed call left behind in its frames, so that the next run finds the memory."""
    traceback.clear_frames(error.__traceback__)
    error.__traceback__ = None
    memory.release()


def type_name(error: BaseException) -> str:
    """The name clients know an exception by: with its module, unless built in."""
    type_ = type(error)
    if known_as := getattr(type_, "known_as", None):
        return known_as
    return type_.__qualname__ if type_.__module__ == "builtins" else f"{type_.__module__}.{type_.__qualname__}"


def _is_explained(error: BaseException) -> bool:
    """Whether our own code refused a file, a size or a setting, in words meant for whoever gave it."""
    frames = traceback.extract_tb(error.__traceback__)
    return isinstance(error, (ValueError, OSError)) and bool(frames) and frames[-1].filename.startswith(_OWN_CODE)


def _own_frames(error: BaseException) -> list[str]:
    """The traceback from where the node's own code begins."""
    frames = traceback.extract_tb(error.__traceback__)
    while frames and frames[0].filename.startswith(_MACHINERY):
        frames.pop(0)
    return frames.format()


def _in_words(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    try:
        text = str(value)
    except Exception as error:  # a pack's value may fail to show itself; the failure at hand matters more
        return f"<{type(value).__name__} that cannot be shown: {error}>"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
