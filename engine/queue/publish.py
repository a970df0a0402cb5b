"""Files become visible: staged ones get their names, each once, however often a crash has it done again."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.node import crash_points
from engine.queue.job import File


class NotPublished(RuntimeError):
    """A file could not get its name; the text says which and why. What was staged is still there."""


def publish(staging: Path, output: Path, files: Iterable[File]) -> None:
    """Give staged files their names below the outputs. Doing it again is doing it once; no foreign file is replaced.

    Raises NotPublished.
    """
    folders: set[Path] = set()
    for file in files:
        source, place = staging / file.staged, output / file.final
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            _name(source, place)
        except OSError as error:
            msg = f"{place} could not be published: {error.strerror or error}; it is kept as {source}"
            raise NotPublished(msg) from error
        folders.add(place.parent)
    for folder in folders:
        _settle(folder)


def staged_files(staging: Path) -> Iterator[str]:
    """Every whole file below a staging folder, relative to it; what is still being written has a hidden name."""
    for path in sorted(staging.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path.relative_to(staging).as_posix()


def _name(source: Path, place: Path) -> None:
    if not source.exists():
        if place.exists():
            return  # done before a crash
        raise FileNotFoundError(2, "neither staged nor published", str(source))
    try:
        with crash_points.around("link of an output"):
            os.link(source, place)
    except FileExistsError:
        if not os.path.samefile(source, place):  # linked, then crashed before the next line
            raise
    except OSError:  # a file system without hard links
        if place.exists():
            raise
        with crash_points.around("rename of an output"):
            os.rename(source, place)
        return
    with crash_points.around("unlink of a staged file"):
        os.unlink(source)


def _settle(folder: Path) -> None:
    """Have the names on the disk, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with crash_points.around("sync of an output's folder"):
            os.fsync(handle)
    finally:
        os.close(handle)
