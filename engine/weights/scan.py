"""The files below some directories, and whether a list of them made earlier still holds."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SETTLED_NS = 2_000_000_000  # a directory changed this shortly before a walk may change again within its clock's tick


@dataclass(frozen=True)
class Scan:
    """What one walk saw: file names relative to their directory, and when each directory had last changed."""

    directories: tuple[str, ...]
    files: tuple[str, ...]
    changed: dict[str, int]  # walked directory -> its time of change in ns; -1 where there was none
    taken: int  # time of the walk in ns

    def holds_for(self, directories: Sequence[str]) -> bool:
        """Whether a new walk over these directories would see the same names."""
        if tuple(directories) != self.directories:
            return False
        return all(_changed(each) == at and at < self.taken - _SETTLED_NS for each, at in self.changed.items())


def scan(directories: Sequence[str]) -> Scan:
    """Walk directories and all below, through links, but not into `.git`. What cannot be read is passed over."""
    taken = time.time_ns()
    changed: dict[str, int] = {}
    files = [file for directory in directories for file in _walk(directory, "", frozenset(), changed)]
    return Scan(tuple(directories), tuple(files), changed, taken)


def _walk(root: str, below: str, above: frozenset[tuple[int, int]], changed: dict[str, int]) -> Iterator[str]:
    """Names below `root/below`; `above` are the directories on the way here, so that a circle of links ends."""
    here = os.path.join(root, below) if below else root
    changed[here] = _changed(here)
    try:
        stat = os.stat(here)
        entries = sorted(os.scandir(here), key=lambda entry: entry.name)
    except OSError:
        return
    identity = (stat.st_dev, stat.st_ino)
    if identity in above:
        return
    for entry in entries:
        name = os.path.join(below, entry.name)
        if entry.is_dir():
            if entry.name != ".git":
                yield from _walk(root, name, above | {identity}, changed)
        elif entry.is_file():
            yield name


def _changed(directory: str) -> int:
    try:
        return os.stat(directory).st_mtime_ns
    except OSError:
        return -1
