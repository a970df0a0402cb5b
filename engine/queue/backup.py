"""A copy of the queue's file, taken beside a server that uses it or without one: checked, and whole or not there."""

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from engine.node import crash_points
from engine.queue.schema import StoreError, open_to_read, unusable
from engine.weights.write_whole import written_whole


def back_up(source: Path, target: Path, *, overwrite: bool = False) -> Mapping[str, int]:
    """Copy the queue as it is at one moment; says how many jobs stand where in the copy. Raises StoreError.

    The server goes on writing meanwhile. The copy is one file, and as readable for others as the original.
    """
    if not source.is_file():
        raise StoreError(f"{source} is not there: there is no queue to copy; --user-directory says where it lies")
    if not target.parent.is_dir():
        raise StoreError(f"{target} cannot be written: there is no folder {target.parent}")
    if target.exists() and (not overwrite or target.is_dir() or target.samefile(source)):
        raise StoreError(f"{target} is there already: choose another name{_or_overwrite(source, target)}")
    try:
        with written_whole(target, overwrite=overwrite) as copy:
            try:
                _copy(source, copy, target)
                return _looked_through(copy)
            finally:
                for suffix in ("-journal", "-wal", "-shm"):
                    copy.with_name(copy.name + suffix).unlink(missing_ok=True)
    except FileExistsError as error:
        raise StoreError(f"{target} has appeared meanwhile: choose another name") from error
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror}; nothing was changed") from error


def _or_overwrite(source: Path, target: Path) -> str:
    is_file = target.is_file() and not target.samefile(source)
    return ", or say --overwrite" if is_file else ""


def _copy(source: Path, copy: Path, target: Path) -> None:
    copy.touch()
    shutil.copymode(source, copy)
    try:
        with closing(open_to_read(source)) as theirs, closing(sqlite3.connect(copy, isolation_level=None)) as mine:
            with crash_points.around("backup"):
                theirs.backup(mine)  # all in one step: a server's writes would have smaller ones begin again
            mine.execute("PRAGMA journal_mode = DELETE")  # nothing of it in a -wal beside it
    except sqlite3.Error as error:
        raise unusable(target if "full" in str(error) else source, error) from error


def _looked_through(copy: Path) -> dict[str, int]:
    """How many jobs stand where in a copy that is sound. Raises StoreError for one that is not."""
    try:
        with closing(open_to_read(copy)) as connection:
            told = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            if told == ["ok"]:
                return dict(connection.execute("SELECT state, number FROM counts WHERE number > 0"))
    except sqlite3.Error as error:
        told = [str(error)]
    raise StoreError(f"the queue is damaged, its copy is not kept: {'; '.join(told)}")
