"""Questions to workers, about what only they can tell where packs are involved: whether a prompt is valid, say."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from engine.queue.lane import Lane

Answer = Mapping[str, Any]


class NoWorker(RuntimeError):
    """No worker could answer; the text says why."""


@dataclass
class Checks:
    """The questions that wait for an answer."""

    _open: dict[int, tuple[Lane, "asyncio.Future[Answer]"]] = field(
        default_factory=dict[int, tuple[Lane, "asyncio.Future[Answer]"]]
    )
    _numbers: "count[int]" = field(default_factory=count)

    async def ask(self, lane: Lane, kind: str, asked: Mapping[str, Any]) -> Answer:
        """Ask a lane's worker. Raises NoWorker if it ends before it answers."""
        number, answer = next(self._numbers), asyncio.get_running_loop().create_future()
        self._open[number] = lane, answer
        assert lane.process is not None
        lane.process.send(kind, {"request": number, **asked})
        try:
            return await answer
        finally:
            self._open.pop(number, None)

    def answered(self, told: Answer) -> None:
        """A worker answered."""
        _, answer = self._open.get(told["request"], (None, None))
        if answer is not None and not answer.done():
            answer.set_result(told)

    def gone(self, lane: Lane) -> None:
        """A lane's worker ended."""
        for asked, answer in self._open.values():
            if asked is lane and not answer.done():
                answer.set_exception(NoWorker("workers ended while they looked at the prompt: the log says why"))
