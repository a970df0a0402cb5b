"""Where node code runs: inside one private asyncio loop, under inference mode, and knowing which call it is.

The loop turns only while node code runs or is waited for, never while whoever drives the run has the turn; so no
setting of torch leaks to the driver.
"""

import asyncio
import inspect
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from engine.node.context import Executing, entered

PATIENCE = 5.0  # seconds that cancelled tasks get to tidy up


class Flight:
    """The asynchronous calls of one step, begun in their order; those of blocked elements are results already."""

    def __init__(self, calls: Sequence["asyncio.Task[Any] | Any"]) -> None:
        self._calls = calls
        self._open = 0
        self.when_landed: Callable[[], None] | None = None
        for call in calls:
            if isinstance(call, asyncio.Task):
                self._open += 1
                call.add_done_callback(self._one_ended)

    @property
    def is_going(self) -> bool:
        return self._open > 0

    def results(self) -> list[Any]:
        """What all calls gave, in their order; raises what the first failed one raised."""
        return [call.result() if isinstance(call, asyncio.Task) else call for call in self._calls]

    def _one_ended(self, task: "asyncio.Task[Any]") -> None:
        _notice(task)
        self._open -= 1
        if not self._open and self.when_landed is not None:
            self.when_landed()


class Stage:
    """One private loop for one run. Close it, or its tasks outlive the run."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._landed: deque[str] = deque()
        self._alarm: asyncio.Future[None] | None = None

    def call(self, call: Executing, function: Callable[[], Any]) -> Any:
        """What the function gives; a promise is waited for on the spot."""
        return self._turn(_within(call, function))

    def start(self, call: Executing, function: Callable[[], Any]) -> "asyncio.Task[Any]":
        """Begin an asynchronous call, which goes on whenever the loop turns."""
        return self._loop.create_task(_within(call, function))

    def launch(self, node_id: str, calls: Sequence["asyncio.Task[Any] | Any"]) -> Flight:
        """Give begun calls one turn. A flight that still goes on then is told of by `landed` when it ends."""
        flight = Flight(calls)
        self._turn(asyncio.sleep(0))
        flight.when_landed = partial(self._land, node_id)
        return flight

    def landed(self) -> list[str]:
        """The steps whose last call ended since this was asked, in the order of their ending."""
        landed = list(self._landed)
        self._landed.clear()
        return landed

    def wait(self, seconds: float) -> None:
        """Let tasks go on until a flight lands, for at most so long."""
        self._turn(self._until_landed(seconds))

    def close(self) -> None:
        """Cancel what still goes on, and close the loop."""
        if self._loop.is_closed():
            return
        try:
            if tasks := asyncio.all_tasks(self._loop):
                for task in tasks:
                    task.cancel()
                self._turn(_ended(tasks))
            self._turn(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()

    def _turn(self, coroutine: Any) -> Any:
        with torch.inference_mode():
            return self._loop.run_until_complete(coroutine)

    def _land(self, node_id: str) -> None:
        self._landed.append(node_id)
        if self._alarm is not None and not self._alarm.done():
            self._alarm.set_result(None)

    async def _until_landed(self, seconds: float) -> None:
        if not self._landed:
            self._alarm = self._loop.create_future()
            await asyncio.wait([self._alarm], timeout=seconds)


async def _within(call: Executing, function: Callable[[], Any]) -> Any:
    with entered(call):
        outcome = function()
        return await outcome if inspect.isawaitable(outcome) else outcome


async def _ended(tasks: set["asyncio.Task[Any]"]) -> None:
    ended, _ = await asyncio.wait(tasks, timeout=PATIENCE)
    for task in ended:
        _notice(task)


def _notice(task: "asyncio.Task[Any]") -> None:
    """Look at how a task ended, so that asyncio does not report an error as never seen."""
    if not task.cancelled():
        task.exception()
