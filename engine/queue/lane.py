"""What the pool is made of: the lanes of its devices, how long it waits for what, and who is told."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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


QUICK = 0.05  # seconds: after a run that took less, a worker is given the next job before it asks


@dataclass
class Held:
    """A job that a worker has, and what it told of it."""

    job: Job
    account: Account
    began: float | None = None  # when the run did

    def took(self) -> float:
        """Seconds since the run began."""
        return 0.0 if self.began is None else time.monotonic() - self.began

    def is_at(self, id: str, epoch: int) -> bool:
        """Whether a worker speaks of this lease."""
        return (self.job.id, self.job.epoch) == (id, epoch)


@dataclass
class Lane:
    """One device: its worker, and the jobs that this has. It runs the first; another is there while jobs are quick,
    so that it need not wait between two until the first has been written down.
    """

    name: str
    process: Process | None = None
    ready: bool = False
    device: Mapping[str, Any] | None = None  # what its worker told of it and its memory last
    starts: int = 0  # of workers
    failing: bool = False  # its last worker ended before it was ready
    held: list[Held] = field(default_factory=list[Held])
    is_quick: bool = False  # its last run was, and another job waited
    resident: frozenset[str] = frozenset()
    asked: "asyncio.Task[Job | None] | None" = None  # for the next job
    news: asyncio.Event = field(default_factory=asyncio.Event)  # set when there is something new since that was asked

    @property
    def job(self) -> Job | None:
        """The job that its worker runs."""
        return self.held[0].job if self.held else None

    @property
    def room(self) -> int:
        """How many more jobs its worker should have."""
        if not self.ready:
            return 0
        is_long = bool(self.held) and self.held[0].took() > QUICK
        return (2 if self.is_quick and not is_long else 1) - len(self.held) - (self.asked is not None)


def lanes_of(devices: Sequence[str]) -> list[Lane]:
    """A lane for each device, called after it, with a number where several share one."""
    counted = [(device, list(devices[:place]).count(device)) for place, device in enumerate(devices)]
    names = [f"{device}#{count}" if list(devices).count(device) > 1 else device for device, count in counted]
    return [Lane(name) for name in names]
