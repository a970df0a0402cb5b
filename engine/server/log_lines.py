"""The last lines of the log, for clients that show it."""

import logging
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypedDict

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

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what the program logs."""
        self.add(self.format(record), record.created)

    def add(self, text: str, when: float | None = None) -> None:
        """Keep a line of a worker."""
        stamp = datetime.fromtimestamp(time.time() if when is None else when, UTC).isoformat()
        line: Line = {"t": stamp, "m": f"{text}\n"}
        self.kept.append(line)
        if self.listener is not None:
            self.listener(line)
