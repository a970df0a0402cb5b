"""How much time may go into what is nice to have, and how long such work is going to take."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_GROWTH = 4  # times the largest size that was tried: as far as a guess is trusted


@dataclass
class Allowance:
    """A share of the time that goes by: work begins only when it is paid for, so its sum never exceeds the share."""

    share: float  # of 1
    clock: Callable[[], float] = time.perf_counter
    spent: float = 0.0  # seconds
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def allows(self, seconds: float) -> bool:
        """Whether work that takes so long may begin."""
        return self.spent + seconds <= self.share * (self.clock() - self.began)

    def will_allow(self, seconds: float, done: float) -> bool:
        """Whether work that takes so long may begin before all is done, if this share of 1 is done now."""
        elapsed = self.clock() - self.began
        return self.spent + seconds <= self.share * elapsed / done if done > 0 else True

    def charge(self, seconds: float) -> None:
        """Work took so long."""
        self.spent += seconds


@dataclass
class Stopwatch:
    """How much work in this thread can have cost others, in seconds, since the watch was made.

    That is no more than the time that went by, and on the processor no more than the thread's own time on each of the
    cores that it may use: what it waits for a turn it takes from nobody.
    """

    clock: Callable[[], float] = time.perf_counter
    busy: Callable[[], float] = time.thread_time
    cores: int | None = 1  # None: the work is another device's
    _began: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock(), self.busy()

    def seconds(self) -> float:
        wall, own = self.clock() - self._began[0], self.busy() - self._began[1]
        return wall if self.cores is None else min(wall, own * self.cores)


@dataclass
class Pace:
    """How long one kind of work takes by its size, in any unit, as far as that was seen."""

    first: int = 1  # the size that may be tried without knowing anything
    seen: dict[int, float] = field(default_factory=dict[int, float])  # size -> seconds

    def expected(self, size: int) -> float:
        """Seconds, at least as many as work of that kind and size should take; 0 where nothing was seen."""
        if size in self.seen:
            return self.seen[size]
        smaller = max((each for each in self.seen if each < size), default=None)
        if smaller is not None:
            return self.seen[smaller] * size / smaller
        return min(self.seen.values(), default=0.0)

    def next_try(self, size: int) -> int:
        """This size, or a smaller one that is to be tried before, as nothing near it was seen."""
        largest = max(self.seen, default=0)
        return min(size, max(self.first, _GROWTH * largest))

    def took(self, size: int, seconds: float) -> None:
        """Note how long it took. Slow times are believed at once, fast ones by half."""
        before = self.seen.get(size)
        self.seen[size] = seconds if before is None else max(seconds, (before + seconds) / 2)
