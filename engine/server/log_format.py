"""The log as it is written to standard error: lines for people, or JSON for programs."""

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, get_args

Format = Literal["text", "json"]
FORMATS: tuple[str, ...] = get_args(Format)
LEVELS = ("debug", "info", "warning", "error")
FIELDS = ("job", "worker", "client", "method", "path", "status", "seconds", "remote")  # that `extra` of a line may name
WORKER = "engine.worker"  # the logger of what workers write
log = logging.getLogger(__name__)


def write_log(format: Format, level: str) -> None:
    """Have what is logged at a level or above it written to standard error; in JSON, whatever ends the program too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if format == "json" else TextLines())
    handler.setLevel(level.upper())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(min(handler.level, logging.INFO))  # clients that show the log get as much as ever
    if format == "json":
        logging.captureWarnings(True)
        sys.excepthook = _uncaught
        threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


class TextLines(logging.Formatter):
    """The time, the worker where it is a worker's line, and the line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        whose = f"[{record.__dict__['worker']}] " if record.name == WORKER else ""
        return f"{record.asctime} {whose}{record.message}"


class JsonLines(logging.Formatter):
    """One JSON object a line: the time, level, logger and message, what the line is about, and where an error was."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        told |= {name: record.__dict__[name] for name in FIELDS if record.__dict__.get(name) is not None}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, KeyboardInterrupt | SystemExit):
        log.critical("the server failed: %s", error, exc_info=(kind, error, trace))
