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
    _since: float | None = None  # when work that is going on began

    def __post_init__(self) -> None:
        self.began = self.clock()

    def allows(self, seconds: float) -> bool:
        """Whether work that takes so long may begin."""
        return self.spent + seconds <= self.share * (self.clock() - self.began)

    def will_allow(self, seconds: float, done: float) -> bool:
        """Whether work that takes so long may begin before all is done, if this share of 1 is done now."""
        elapsed = self.clock() - self.began
        return self.spent + seconds <= self.share * elapsed / done if done > 0 else True

    def resume(self) -> None:
        """Work begins now, if it has not yet: what came before was waiting."""
        if self._since is None:
            self._since = self.clock()

    def pay(self) -> None:
        """The work is done, and is charged for."""
        if self._since is not None:
            self.spent += self.clock() - self._since
            self._since = None


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
