"""Files appear whole or not at all: written under a temporary name beside their place, then renamed."""

import os
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from engine.node import crash_points


@contextmanager
def written_whole(path: Path, *, overwrite: bool = True) -> Generator[Path]:
    """Give a temporary path to write; what was written takes the place of `path` when the block ends without error.

    Raises FileExistsError where nothing is to be overwritten and `path` is there by then.
    """
    temporary = _beside(path)
    try:
        yield temporary
        with crash_points.around("sync of a whole file"):
            _settle(temporary)
        with crash_points.around("rename of a whole file"):
            if overwrite:
                os.replace(temporary, path)
            elif not _publish(temporary, path):
                raise FileExistsError(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_new(folder: Path, name: Callable[[int], str], counter: int, write: Callable[[Path], object]) -> Path:
    """Write a file under the first free name: `name(counter)`, or of the counters after it. Never replaces a file.

    Two processes that save with the same counter at once get two names.
    """
    temporary = _beside(folder / name(counter))
    try:
        write(temporary)
        _settle(temporary)
        while True:
            path = folder / name(counter)
            if _publish(temporary, path):
                return path
            counter += 1
    finally:
        temporary.unlink(missing_ok=True)


def _publish(temporary: Path, path: Path) -> bool:
    """Give the file its name unless the name is taken."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if path.exists():
            return False
        os.replace(temporary, path)
    return True


def _beside(path: Path) -> Path:
    """A hidden name in the same folder, with the same suffix: some writers choose their format by it."""
    return path.with_name(f".{secrets.token_hex(6)}.part{path.suffix}")


def _settle(path: Path) -> None:
    """Have the bytes on the disk before the name is: a power cut leaves no empty file."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
