"""What the pool is made of: the lanes of its devices, how long it waits for what, and who is told."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engine.queue.account import Account, Message
from engine.queue.job import Job
from engine.queue.process import Process
from engine.queue.states import State
from engine.run.events import Event


class Listener(Protocol):
    """Who is told what happens. Calls come in order, from the server's loop, and must not wait."""

    def leased(self, job: Job) -> None: ...
    def shows_previews(self, job: Job) -> bool: ...
    def happened(self, job: Job, event: Event, message: Message | None, preview: bytes) -> None: ...
    def parked(self, job: Job, evidence: Mapping[str, Any]) -> None: ...
    def ended(self, job: Job, state: State) -> None: ...
    def ready(self, described: Mapping[str, Any]) -> None: ...
    def said(self, event: Any, data: Any, to: str | None, body: bytes, during: Job | None) -> None: ...
    def wrote(self, worker: str, line: str) -> None: ...


@dataclass(frozen=True)
class Limits:
    """How long to wait for what, in seconds, and how often to try."""

    retries: int = 2  # of a job whose worker died
    hang: float = 60.0  # without a sign of life before a worker is killed
    grace: float = 5.0  # for a cancelled job to end by itself
    stop: float = 10.0  # for a worker to end at shutdown
    restart: float = 0.2  # before a worker is replaced; doubled while none comes up
    restart_most: float = 30.0
    patience: float = 60.0  # for a worker to come up that can check a prompt

    def pauses(self) -> Iterator[float]:
        """How long to wait before each next try at what fails: ever longer, up to a bound, without end."""
        pause = self.restart
        while True:
            yield pause
            pause = min(pause * 2, self.restart_most)


@dataclass(frozen=True)
class Journals:
    """Where runs keep what their models answered, so that a killed one goes on where it stood."""

    folder: Path
    after: float = 60.0  # seconds that a run lasts before it is worth it
    every: int = 1  # answers that are written at once

    def of(self, job: Job) -> Path:
        return self.folder / f"{job.id}.journal"


@dataclass
class Lane:
    """One device: its worker, and the job that this has."""

    name: str
    process: Process | None = None
    ready: bool = False
    starts: int = 0  # of workers
    failing: bool = False  # its last worker ended before it was ready
    job: Job | None = None
    account: Account | None = None
    resident: frozenset[str] = frozenset()
    asked: "asyncio.Task[Job | None] | None" = None  # for the next job

    @property
    def is_idle(self) -> bool:
        """Whether its worker could begin a job now, and none is asked for."""
        return self.ready and self.job is None and self.asked is None


def lanes_of(devices: Sequence[str]) -> list[Lane]:
    """A lane for each device, called after it, with a number where several share one."""
    counted = [(device, list(devices[:place]).count(device)) for place, device in enumerate(devices)]
    names = [f"{device}#{count}" if list(devices).count(device) > 1 else device for device, count in counted]
    return [Lane(name) for name in names]
