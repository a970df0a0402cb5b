"""The last lines of the log, for clients that show it."""

import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypedDict

from engine.server.access_log import ACCESS

KEPT = 300


class Line(TypedDict):
    """A line: when it was written (ISO 8601), and its text with the newline."""

    t: str
    m: str


class LogLines(logging.Handler):
    """Keeps lines and passes each on to whoever listens."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: deque[Line] = deque(maxlen=KEPT)
        self.listener: Callable[[Line], None] | None = None
        self.setFormatter(logging.Formatter("%(message)s"))
        self.setLevel(logging.INFO)
        self.addFilter(lambda record: record.name != ACCESS)  # to ask for the log is a request, too

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what the program and its workers log."""
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat()
        line: Line = {"t": stamp, "m": f"{self.format(record)}\n"}
        self.kept.append(line)
        if self.listener is not None:
            self.listener(line)
