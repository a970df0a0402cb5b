"""Named points around what is written to the disk, where tests end the process; without the tests they do nothing.

`HEDDLE_CRASH_AT` names a folder. A process that passes the point whose name is in the folder's file `armed` takes that
file away and ends itself with SIGKILL, so it happens once. Every point that was passed has a file below `passed`.
"""

import os
import signal
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path

VARIABLE = "HEDDLE_CRASH_AT"


def around(*writes: str) -> AbstractContextManager[None]:
    """Points before and after a write, or several that are one."""
    return nullcontext() if _watched() is None else _around(writes)


@contextmanager
def _around(writes: Sequence[str]) -> Generator[None]:
    for write in writes:
        point(f"before {write}")
    yield
    for write in writes:
        point(f"after {write}")


def point(name: str) -> None:
    """A point between two writes, or in the middle of one."""
    folder = _watched()
    if folder is None:
        return
    (folder / "passed" / name).touch()
    try:
        if (folder / "armed").read_text("utf-8") != name:
            return
        (folder / "armed").unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


@cache
def _watched() -> Path | None:
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None
