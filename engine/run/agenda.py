"""Which step is next. Knows ids and what waits for what; not what a node does, nor what it made.

Among the steps that wait for nothing: output nodes and asynchronous ones first, so that pictures appear early and
waiting overlaps; then steps that an output node waits for; then those one further; then the rest. Equals go in the
order in which they came. Every operation is near-linear in the steps and links it touches.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count


@dataclass(frozen=True)
class Need:
    """What the agenda is told of a step: which steps must be done first, and how urgent it is by its kind."""

    sources: Sequence[str]
    is_output: bool = False
    is_async: bool = False


@dataclass
class _Step:
    need: Need
    turn: int  # the place in the order of coming
    distance: int = 3  # links to the nearest output node that waits for it; 3 is far
    waits: dict[str, None] = field(default_factory=dict[str, None])
    queued: int | None = None  # the rank under which it stands in the queue
    is_taken: bool = False
    is_held: bool = False

    @property
    def rank(self) -> int:
        return 0 if self.need.is_output or self.need.is_async else self.distance

    @property
    def is_ready(self) -> bool:
        return not (self.waits or self.is_taken or self.is_held)


class Agenda:
    """The steps that are still to do.

    `describe` tells of a step when it comes onto the agenda; `is_done` says whether a result is there already, so
    that the step and its sources need not be done.
    """

    def __init__(self, describe: Callable[[str], Need], is_done: Callable[[str], bool]) -> None:
        self._describe = describe
        self._is_done = is_done
        self._steps: dict[str, _Step] = {}
        self._blocks: dict[str, dict[str, None]] = {}  # source -> the steps that wait for it, in order
        self._queue: list[tuple[int, int, str]] = []
        self._turns = count()

    def __len__(self) -> int:
        return len(self._steps)

    def __contains__(self, id: object) -> bool:
        return id in self._steps

    def add(self, id: str) -> None:
        """Put a step on the agenda with all that must be done before it: depth first, the last source first."""
        added: list[str] = []
        links: list[tuple[str, str]] = []
        waiting = [id]
        while waiting:
            each = waiting.pop()
            if each in self._steps:
                continue
            self._steps[each] = _Step(self._describe(each), next(self._turns))
            added.append(each)
            if not self._is_done(each):
                sources = [source for source in self._steps[each].need.sources if not self._is_done(source)]
                for source in sources:
                    self._block(each, source)
                    links.append((each, source))
                waiting += sources
        for consumer, source in links:
            self._urge(consumer, source)
        for each in added:
            self._enqueue(each)

    def require(self, id: str, sources: Iterable[str]) -> None:
        """Let a step wait for further sources, which come onto the agenda where they are not done."""
        for source in sources:
            if not self._is_done(source):
                self._block(id, source)
                self.add(source)
                self._urge(id, source)

    def take(self) -> str | None:
        """The step to do next, or None if none is ready. It stays on the agenda until it is finished."""
        while self._queue:
            rank, turn, id = heappop(self._queue)
            step = self._steps.get(id)
            if step is not None and (step.queued, step.turn) == (rank, turn):
                step.queued = None
                if step.is_ready:
                    step.is_taken = True
                    return id
        return None

    def put_back(self, id: str) -> None:
        """Let a step that was taken wait for its turn again."""
        self._steps[id].is_taken = False
        self._enqueue(id)

    def hold(self, id: str) -> None:
        """Put a step back until `release`: it waits for something outside the agenda."""
        self._steps[id].is_held = True
        self.put_back(id)

    def release(self, id: str) -> None:
        self._steps[id].is_held = False
        self._enqueue(id)

    def finish(self, id: str) -> None:
        """Strike a step off; those that waited for it alone become ready."""
        del self._steps[id]
        for consumer in self._blocks.pop(id, ()):
            if (step := self._steps.get(consumer)) is not None:
                step.waits.pop(id, None)
                self._enqueue(consumer)

    def circle(self) -> list[str]:
        """The steps that wait for each other in circles, and those between; meaningful when none is ready."""
        kept = dict.fromkeys(self._steps)
        blocking = {id: len(self._blocks.get(id, ())) for id in kept}
        ends = [id for id, held_up in blocking.items() if not held_up]
        while ends:
            id = ends.pop()
            del kept[id]
            for source in self._steps[id].waits:
                blocking[source] -= 1
                if not blocking[source]:
                    ends.append(source)
        return list(kept)

    def _block(self, id: str, source: str) -> None:
        self._steps[id].waits[source] = None
        self._blocks.setdefault(source, {})[id] = None

    def _enqueue(self, id: str) -> None:
        step = self._steps[id]
        if step.is_ready and step.queued != step.rank:
            step.queued = step.rank
            heappush(self._queue, (step.rank, step.turn, id))

    def _urge(self, consumer: str, source: str) -> None:
        """Pass urgency back along one link: to what an output node waits for, and to what such a step waits for."""
        step = self._steps[consumer]
        distance = 1 if step.need.is_output else step.distance + 1
        if distance < self._steps[source].distance:
            self._bring_near(source, distance)
            if distance == 1:
                for further in self._steps[source].waits:
                    if self._steps[further].distance > 2:
                        self._bring_near(further, 2)

    def _bring_near(self, id: str, distance: int) -> None:
        self._steps[id].distance = distance
        self._enqueue(id)
