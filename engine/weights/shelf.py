"""What was read from disk lately, so that the same file is not read twice: by file and settings, up to a size."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from engine.device import memory
from engine.device.probe import probe

T = TypeVar("T")


@dataclass(frozen=True)
class Identity:
    """A file as it is now: written anew, it is another one."""

    path: str
    size: int  # bytes
    changed: int  # nanoseconds

    @classmethod
    def of(cls, path: Path) -> "Identity":
        """Raises FileNotFoundError."""
        state = path.stat()
        return cls(str(path.resolve()), state.st_size, state.st_mtime_ns)


class Shelf:
    """Keeps the things read last while their files are no larger than `capacity` bytes together, and always one."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._kept: OrderedDict[Hashable, tuple[int, Any]] = OrderedDict()
        self._lock = RLock()

    def get(self, read: Callable[[], T], files: tuple[Path, ...], *settings: Hashable) -> T:
        """What `read` gave for these files and settings, reading only if it is not kept. Raises what `read` raises."""
        identities = tuple(map(Identity.of, files))
        key = (identities, settings)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][1]
            size = sum(each.size for each in identities)
            self._make_room(size)  # before reading: two large models may not fit at once
            made = read()
            self._kept[key] = (size, made)
            return made

    def clear(self) -> None:
        """Keep nothing; what is in use elsewhere stays alive there."""
        with self._lock:
            self._kept.clear()

    def _make_room(self, size: int) -> None:
        while self._kept and sum(each for each, _ in self._kept.values()) + size > self.capacity:
            self._kept.popitem(last=False)


class _Current:
    shelf: Shelf | None = None


def current() -> Shelf:
    """The shelf of this process; before one was chosen, one for files that take up half of main memory."""
    if _Current.shelf is None:
        _Current.shelf = Shelf(probe().memory // 2)
        memory.on_shortage(clear)
    return _Current.shelf


def use(shelf: Shelf | None) -> None:
    """Make this the shelf of this process; None goes back to choosing."""
    _Current.shelf = shelf


def clear() -> None:
    """Empty the shelf of this process."""
    if _Current.shelf is not None:
        _Current.shelf.clear()
