"""One device's process: takes jobs from its standard input, runs them, and tells what happens on its standard output.

It never speaks to the queue. Whatever kills it, the server that started it sees it end.
"""

import copy
import logging
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from engine.graph.check import Verdict
from engine.graph.graph import Graph
from engine.graph.prompt import PromptError, graph_from_prompt
from engine.node import crash_points
from engine.node.deferred import deferred
from engine.queue.staged import manifest
from engine.queue.wire import Frame, FrameError, pack, read_frame
from engine.run.event_json import to_json
from engine.run.events import Event, Progress, RunFailed, RunInterrupted
from engine.weights import folders
from engine.weights.staging import Stage

with deferred():
    from engine.run import journal as journals

if TYPE_CHECKING:
    from engine.run.journal import Journal

log = logging.getLogger(__name__)
PULSE = 1.0  # seconds between signs of life


class Engine(Protocol):
    """What a worker needs of the process around it."""

    def check(self, graph: Graph, targets: Collection[str] | None = None) -> Verdict: ...

    def change(self, body: dict[str, Any]) -> dict[str, Any]:
        """What packs make of a submitted body, before it is looked at."""
        ...

    def run(
        self,
        verdict: Verdict,
        extra_data: Mapping[str, Any],
        *,
        prompt_id: str = "",
        cancelled: Callable[[], bool] = ...,
        live: Callable[[Any], None] | None = None,
        journal: "Journal | None" = None,
    ) -> Iterator[Event]: ...

    def expect(self, files: frozenset[str]) -> None:
        """Rather keep the models of these files, by their names without folders: waiting jobs will ask for them."""
        ...

    def free(self, *, results: bool) -> None:
        """Let go of models, and of kept results if asked."""
        ...

    def listen(self, sink: Callable[[Any, Any, str | None], None]) -> None:
        """Have what packs send to clients go to `sink(event, data, sid)`."""
        ...

    def described(self) -> Mapping[str, Any]:
        """What packs added (`types`, `web`, `failed`, `changes_prompts`) and what the process runs on (`device`), as
        JSON."""
        ...

    def device(self) -> Mapping[str, Any]:
        """What the process runs on and what holds memory there, as JSON. Asked while nodes run, from another thread."""
        ...

    def is_news(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
        """Whether a device differs noticeably from what was told of it before."""
        ...


class Pipe:
    """Frames out, from any thread."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def send(self, kind: str, data: Mapping[str, Any] | None = None, blob: bytes = b"") -> None:
        """Send a frame. Raises FrameError."""
        packed = pack(Frame(kind, data or {}, blob))
        with self._lock:
            self._file.write(packed)
            self._file.flush()


def standard_pipes() -> tuple[BinaryIO, Pipe]:
    """Standard input and output for frames alone: what nodes print goes to standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return sys.stdin.buffer, Pipe(out)


Preview = Callable[[Progress], bytes]
"""Looks at how far a node is: a picture that belongs to just this moment, mostly empty."""

MakePreview = Callable[[str | None, Callable[[bytes], None]], Preview]
"""`make(method, show)`: previews of one run by the method that its client named. `show` gets pictures as they are made,
from any thread."""


def no_previews(_method: str | None, _show: Callable[[bytes], None]) -> Preview:
    """Show no pictures while nodes run."""
    return lambda _progress: b""


@dataclass
class Worker:
    """Serves jobs until its input ends."""

    engine: Engine
    pipe: Pipe
    preview: MakePreview = no_previews
    _orders: "queue.SimpleQueue[Frame]" = field(default_factory=queue.SimpleQueue[Frame])
    _cancelled: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])  # leases, begun or still to begin
    _begun: deque[tuple[str, int]] = field(default_factory=lambda: deque[tuple[str, int]](maxlen=16))  # the last leases
    _returned: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])  # given back before they were begun
    _beginning: threading.Lock = field(default_factory=threading.Lock)
    _parked: bool = False  # the server stops: runs end after their step, and go on at its next start
    _changing: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, source: BinaryIO) -> None:
        """Read orders until the end of the file, which ends the process in the middle of whatever it does."""
        threading.Thread(target=self._pulse, name="pulse", daemon=True).start()
        self.engine.listen(self.say)
        described = self.engine.described()
        self.pipe.send("ready", {"pid": os.getpid(), **described})
        threading.Thread(target=self._watch, args=(described["device"],), name="memory", daemon=True).start()
        threading.Thread(target=self._read, args=(source,), name="orders", daemon=True).start()
        while True:
            order = self._orders.get()
            match order.kind:
                case "run":
                    self._run(order.data["job"])
                case "free":
                    self.engine.free(results=bool(order.data.get("free_memory")))
                case "stop":
                    return
                case _:
                    log.warning("an order of the unknown kind %r is left undone", order.kind)

    def _read(self, source: BinaryIO) -> None:
        try:
            while (order := read_frame(source)) is not None:
                match order.kind:
                    case "cancel":
                        self._cancelled.add((order.data["id"], order.data["epoch"]))
                    case "return":
                        self._return(order.data["id"], order.data["epoch"])
                    case "park":
                        self._parked = True
                    case "change":
                        threading.Thread(target=self._change, args=(order.data,), daemon=True).start()
                    case "check":
                        threading.Thread(target=self._check, args=(order.data,), daemon=True).start()
                    case _:
                        self._orders.put(order)
        except FrameError:
            log.exception("the server sent what is no frame")
        os._exit(0)  # the server is gone: another will run the job under another epoch

    def say(self, event: Any, data: Any, sid: str | None) -> None:
        """Pass on what a pack sends to clients: JSON under a name, or bytes under a number."""
        if isinstance(data, (bytes, bytearray)):
            self.pipe.send("said", {"event": event, "sid": sid}, bytes(data))
        else:
            self.pipe.send("said", {"event": event, "data": data, "sid": sid})

    def _pulse(self) -> None:
        while True:
            time.sleep(PULSE)
            self.pipe.send("alive")

    def _watch(self, told: Mapping[str, Any]) -> None:
        """Tell of the device when it changed. Not with the pulse: a driver that hangs is no sign of life."""
        while True:
            time.sleep(PULSE)
            try:
                now = self.engine.device()
            except Exception as error:  # nodes change what is counted while it is counted; soon it is again
                log.debug("the memory of the device cannot be told now: %s", error)
                continue
            if self.engine.is_news(told, now):
                self.pipe.send("device", {"device": now})
                told = now

    def _change(self, asked: Mapping[str, Any]) -> None:
        """Have packs change a body, one at a time, as they expect; one that cannot be told goes on as it came."""
        with self._changing:
            made = self.engine.change(copy.deepcopy(asked["body"]))
        try:
            self.pipe.send("answer", {"request": asked["request"], "body": made})
        except FrameError as error:
            log.warning("a prompt goes on as it came, packs made something else than JSON of it: %s", error)
            self.pipe.send("answer", {"request": asked["request"], "body": asked["body"]})

    def _check(self, asked: Mapping[str, Any]) -> None:
        answer: dict[str, Any] = {"request": asked["request"]}
        try:
            verdict = self.engine.check(graph_from_prompt(asked["prompt"]), asked.get("targets"))
            answer["outputs"] = verdict.outputs
            answer["error"] = verdict.error.as_json() if verdict.error else None
            answer["node_errors"] = verdict.node_errors_as_json()
        except PromptError as error:
            answer["error"] = error.as_json()
        self.pipe.send("answer", answer)

    def _seen(self, job: Mapping[str, Any]) -> Mapping[str, Any]:
        """A job as packs changed it, where no worker was up to show it to them when it was submitted."""
        if not job.get("unseen"):
            return job
        with self._changing:
            body = self.engine.change({"prompt": job["prompt"], "extra_data": job["extra_data"]})
        return {**job, "prompt": body["prompt"], "extra_data": body.get("extra_data") or {}}

    def _begins(self, lease: tuple[str, int]) -> bool:
        """Begin a job, unless it was given back."""
        with self._beginning:
            self._begun.append(lease)
            return lease not in self._returned

    def _return(self, id: str, epoch: int) -> None:
        """Give back a job that was not begun. Of one that was, the server will hear how it ends."""
        with self._beginning:
            if (id, epoch) in self._begun:
                return
            self._returned.add((id, epoch))
        self.pipe.send("returned", {"id": id, "epoch": epoch})

    def _run(self, job: Mapping[str, Any]) -> None:
        id, epoch = job["id"], job["epoch"]
        lease = (id, epoch)
        if not self._begins(lease):
            self._returned.discard(lease)
            return
        stage = Stage(folders.current().output, job["lease"])
        folders.use_stage(stage)
        journal = _journal(job.get("journal"))
        tell = _Teller(self.pipe, lease, self.preview, job.get("preview"))
        try:
            self.engine.expect(frozenset(job["expected"]))
            job = self._seen(job)
            graph = graph_from_prompt(job["prompt"])
            verdict = self.engine.check(graph, [id for id in job["targets"] if id in graph.nodes] or None)
            if not verdict.outputs:
                tell(_refused(verdict))
            else:
                run = self.engine.run
                extra, stop = job["extra_data"], lambda: self._parked or lease in self._cancelled
                for event in run(verdict, extra, prompt_id=id, cancelled=stop, live=tell, journal=journal):
                    if self._parked and isinstance(event, RunInterrupted) and lease not in self._cancelled:
                        _park(id, journal)
                        return
                    tell(event)
        except Exception as error:  # whatever it was, it is this job's failure and the next one runs
            log.exception("job %s failed outside of its nodes", id)
            tell(_failure(f"{type(error).__name__}: {error}"))
        finally:
            folders.use_stage(None)
            self._cancelled.discard(lease)
        files, renamed = manifest(stage)
        with crash_points.around("word that a run ended"):
            self.pipe.send("ended", {"id": id, "epoch": epoch, "files": files, "renamed": renamed})


class _Teller:
    """Sends what happens in one run, and pictures of it as they are made."""

    def __init__(self, pipe: Pipe, lease: tuple[str, int], preview: MakePreview, method: str | None) -> None:
        self._pipe = pipe
        self._lease = lease
        self._preview = preview(method, self.show)
        self._latest: Progress | None = None  # while it is the last that happened
        self._lock = threading.Lock()

    def __call__(self, event: Any) -> None:
        with self._lock:
            self._latest = event if isinstance(event, Progress) else None
            self._send(event, self._preview(event) if isinstance(event, Progress) else b"")

    def show(self, picture: bytes) -> None:
        """Tell the latest progress again, with a picture; one that comes too late is dropped."""
        with self._lock:
            if self._latest is not None:
                self._send(self._latest, picture)

    def _send(self, event: Any, blob: bytes) -> None:
        frame = {"id": self._lease[0], "epoch": self._lease[1], "event": to_json(event)}
        try:
            self._pipe.send("event", frame, blob)
        except FrameError as error:  # a pack's UI holds what is no JSON
            log.warning("an event of job %s is not told: %s", self._lease[0], error)


def _refused(verdict: Verdict) -> RunFailed:
    """A job that was valid when it came and is not any more: a file may have gone since."""
    lines = [verdict.error.message] if verdict.error else []
    for id, found in verdict.node_errors.items():
        lines += [f"node {id} ({found.class_type}): {each.message}: {each.details}" for each in found.problems]
    return _failure("the workflow cannot run any more: " + "; ".join(lines))


def _journal(told: Mapping[str, Any] | None) -> "Journal | None":
    if told is None:
        return None
    return journals.Journal(Path(told["path"]), after=told["after"], every=told["every"])


def _park(id: str, journal: "Journal | None") -> None:
    """Keep how far a run is. The server takes the job back when this process ends."""
    if journal is not None:
        journal.write()
    log.info("job %s is parked: it goes on when the server starts again", id)


def _failure(message: str) -> RunFailed:
    return RunFailed("", "", f"{message}\n", "WorkerError", (), {}, (), ())
