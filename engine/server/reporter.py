"""Tells clients what the workers tell: the one who asked for a job, and everybody how long the queue is."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.queue.account import Message
from engine.queue.job import Job
from engine.queue.states import ENDED, State
from engine.run.events import Event
from engine.server.log_format import WORKER
from engine.server.messages import PREVIEW, Frame, Telling
from engine.server.metrics import Metrics
from engine.server.sockets import Sockets
from engine.server.status import Status
from engine.server.types import TypeDesk

lines = logging.getLogger(WORKER)
# A job without a client is told to nobody, but for these, which go to everybody.
_TO_ALL = ("progress_state", "progress", PREVIEW, "execution_interrupted")
_REPLACED = ("progress_state", "progress", PREVIEW)  # by the next of their kind


@dataclass
class Reporter:
    """The pool's listener."""

    sockets: Sockets
    status: Status
    types: TypeDesk
    metrics: Metrics
    previews_for_all: bool = False  # not only for those who say that they show them
    running: dict[str, Telling] = field(default_factory=dict[str, Telling])
    holding: dict[str, str] = field(default_factory=dict[str, str])  # worker -> the job that it has

    def leased(self, job: Job) -> None:
        """A worker took a job."""
        self.metrics.leased(job)
        self.running[job.id] = Telling(job.id)
        self.holding.setdefault(job.worker or "", job.id)
        self.status.tell(job.client_id)

    def shows_previews(self, job: Job) -> bool:
        """Whether a job that does not say has previews: programs that know none take them for results."""
        return self.previews_for_all or self.sockets.shows_previews(job.client_id, job.user)

    def happened(self, job: Job, event: Event, message: Message | None, preview: bytes) -> None:
        """Something happened in a job."""
        self.holding[job.worker or ""] = job.id  # a worker that has two runs this one
        telling = self.running.setdefault(job.id, Telling(job.id))
        for frame in telling.tell(event, message, preview):
            self._send(job, frame)

    def parked(self, job: Job, evidence: Mapping[str, Any]) -> None:
        """A job killed its workers so often that it is not tried again."""
        self._send(job, Frame("execution_error", evidence))

    def ended(self, job: Job, state: State) -> None:
        """A job ended, or waits again."""
        self.metrics.ended(job, state)
        telling = self.running.pop(job.id, Telling(job.id))
        if self.holding.get(job.worker or "") == job.id:
            del self.holding[job.worker or ""]
        self.status.tell(job.client_id)
        if state in ENDED and job.client_id is not None:
            self._send(job, telling.over())

    def ready(self, described: Mapping[str, Any]) -> None:
        """A worker is up."""
        self.types.learn(described)

    def said(self, event: Any, data: Any, to: str | None, body: bytes, during: Job | None) -> None:
        """A pack sends something to clients: JSON under a name, or bytes under a number.

        What it tells everybody while it runs a job is told to everybody who may know of the job.
        """
        user = during.user if to is None and during is not None else None
        if isinstance(event, int):
            self.sockets.send_bytes(event, body, to, user)
        else:
            self.sockets.send(str(event), data, to, user=user)

    def wrote(self, worker: str, line: str) -> None:
        """A worker wrote a line."""
        lines.info("%s", line, extra={"worker": worker, "job": self.holding.get(worker)})

    def first_of(self, job: Job) -> list[tuple[str, Any]]:
        """What a client that comes back is told of its running job."""
        telling = self.running.get(job.id)
        if telling is None or telling.node is None:
            return []
        return [("executing", {"node": telling.node}), *((frame.type, frame.data) for frame in telling.now())]

    def _send(self, job: Job, frame: Frame) -> None:
        if job.client_id is None and frame.type not in _TO_ALL:
            return
        if frame.type == PREVIEW:
            self.sockets.send_preview(frame.picture, frame.data, job.client_id, job.user)
        else:
            keep = frame.type not in _REPLACED
            self.sockets.send(frame.type, frame.data, job.client_id, user=job.user, keep=keep)
