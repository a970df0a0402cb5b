"""A worker's process as the server sees it: started, spoken to, watched, ended."""

import asyncio
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from engine.queue.wire import Frame, FrameError, pack, read_frame_from

KEPT_LINES = 200  # of what it wrote to standard error
EVIDENCE_LINES = 50
LAST_LINES = 10  # of a worker that ended without a job, for the server's log


@dataclass
class Process:
    """One run of a worker, from its start to its end."""

    process: asyncio.subprocess.Process
    on_line: Callable[[str], None]
    lines: deque[str] = field(default_factory=lambda: deque[str](maxlen=KEPT_LINES))
    heard: float = field(default_factory=time.monotonic)  # when it last gave a sign of life
    _reader: "asyncio.Task[None] | None" = None

    @classmethod
    async def start(cls, command: Sequence[str], on_line: Callable[[str], None]) -> "Process":
        """Start a worker. Raises OSError."""
        pipe = asyncio.subprocess.PIPE
        session: dict[str, Any] = {} if sys.platform == "win32" else {"start_new_session": True}
        started = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, **session)
        mine = cls(started, on_line)
        mine._reader = asyncio.create_task(mine._read_lines())
        return mine

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, kind: str, data: Mapping[str, Any] | None = None, blob: bytes = b"") -> None:
        """Send a frame; to a process that has ended it goes nowhere."""
        assert self.process.stdin is not None
        if not self.process.stdin.is_closing():
            self.process.stdin.write(pack(Frame(kind, data or {}, blob)))

    async def next_frame(self, silence: float) -> Frame | None:
        """The next frame; None once the process has ended, or was killed for a silence of so many seconds."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(silence):
                frame = await read_frame_from(self.process.stdout)
        except TimeoutError:
            self.note(f"no sign of life for {silence:g} s: killed")
            self.kill()
            return None
        except FrameError as error:
            self.note(f"wrote what is no frame, {error}: killed")
            self.kill()
            return None
        self.heard = time.monotonic()
        return frame

    def kill(self) -> None:
        """End it at once, wherever it is; a stopped process too."""
        with suppress(ProcessLookupError):
            self.process.kill()

    async def ended(self, patience: float) -> int:
        """Its exit code, minus the signal that ended it; killed if it does not end within so many seconds."""
        with suppress(OSError, RuntimeError):
            assert self.process.stdin is not None
            self.process.stdin.close()
        try:
            code = await asyncio.wait_for(asyncio.shield(self.process.wait()), patience)
        except TimeoutError:
            self.kill()
            code = await self.process.wait()
        if self._reader is not None:
            with suppress(TimeoutError):  # a process that it started may hold the pipe open
                await asyncio.wait_for(self._reader, 1)
        return code

    def note(self, line: str) -> None:
        """Add a line to its log."""
        self.lines.append(line)
        self.on_line(line)

    def evidence(self, code: int) -> dict[str, Any]:
        """How it ended, in words and figures."""
        return {"exit_code": code, "reason": reason(code), "log": list(self.lines)[-EVIDENCE_LINES:]}

    def last_words(self, code: int) -> str:
        """How it ended, and the last lines that it wrote."""
        return "\n  ".join([reason(code), *list(self.lines)[-LAST_LINES:]])

    async def _read_lines(self) -> None:
        assert self.process.stderr is not None
        while True:
            try:
                line = await self.process.stderr.readline()
            except ValueError:  # longer than the stream's limit: progress bars, dumps
                await self.process.stderr.read(1 << 16)
                continue
            if not line:
                return
            self.note(line.decode(errors="replace").rstrip())


def reason(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"it ended with exit code {code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name
        hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
        return f"it was ended by {name}{hint}"
    return f"it was ended by signal {-code}"
