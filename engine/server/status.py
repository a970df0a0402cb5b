"""Tells clients how long the queue is: whom a change concerns at once, everybody else soon.

A client of its own job needs the message between those of the job. To the others many changes are one message, so that
a queue which turns over hundreds of jobs a second does not tell each client of each job.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from engine.server.sockets import Sockets

SOON = 0.05  # seconds


@dataclass
class Status:
    """The queue's length as clients know it."""

    sockets: Sockets
    remaining: Callable[[str | None], int]  # how many jobs of a user, or of all, wait or run
    changes: int = 0  # of the queue, so far
    _later: asyncio.TimerHandle | None = None

    def tell(self, to: str | None = None) -> None:
        """The queue changed: tell this client now, and all others soon."""
        self.changes += 1
        if to is not None and to in self.sockets:
            self.sockets.send_status(self.as_json, self.changes, to)
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(SOON, self._tell_all)

    def as_json(self, user: str | None) -> dict[str, object]:
        """The body of a `status` message to a user; None: to the only one."""
        return {"status": {"exec_info": {"queue_remaining": self.remaining(user)}}}

    def _tell_all(self) -> None:
        self._later = None
        self.sockets.send_status(self.as_json, self.changes)
