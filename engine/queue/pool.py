"""The workers of all devices: fed from the queue, watched, replaced; what they end is published and written down."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from engine.node import crash_points
from engine.queue.account import Account
from engine.queue.checks import Checks, NoWorker
from engine.queue.choice import AHEAD, SOON, choose, files_of, models_of
from engine.queue.job import Ending, File, Job
from engine.queue.lane import QUICK, Held, Journals, Lane, Limits, Listener, lanes_of
from engine.queue.process import Process
from engine.queue.publish import NotPublished, publish
from engine.queue.schema import StoreError
from engine.queue.states import ENDED
from engine.queue.store import StaleEpoch, Store
from engine.queue.wire import Frame
from engine.run.event_json import from_json
from engine.run.events import RunStarted
from engine.weights.staging import Stage

log = logging.getLogger(__name__)
T = TypeVar("T")
LOOK_AGAIN = 0.5  # seconds between looks at what the next jobs will ask for


@dataclass
class Pool:
    """Made once per server. `command(device)` starts a worker for it."""

    store: Store
    output: Path
    devices: Sequence[str]
    command: Callable[[str], Sequence[str]]
    listener: Listener
    limits: Limits = Limits()
    journals: Journals | None = None
    lanes: list[Lane] = field(default_factory=list[Lane])
    _news: asyncio.Event = field(default_factory=asyncio.Event)  # set, and replaced, when there is something to look at
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list["asyncio.Task[None]"])
    _since: dict[str, float] = field(default_factory=dict[str, float])
    _checks: Checks = field(default_factory=Checks)
    _soon: list[str] = field(default_factory=list[str])  # files that the next jobs will ask for, at the last look
    _looked: float = -LOOK_AGAIN
    _stopping: bool = False

    async def start(self) -> None:
        """Publish what a crash left unpublished, then start the workers."""
        for job, files in self.store.read.unpublished():
            await self._publish(job, files)
        self.lanes = lanes_of(self.devices)
        pairs = zip(self.lanes, self.devices, strict=True)
        self._tasks = [asyncio.create_task(self._tend(lane, device)) for lane, device in pairs]

    async def stop(self) -> None:
        """End the workers; what they had waits again, for the next start.

        A run that has a journal ends after the step it is at, and goes on from there; any other may end by itself
        within a bound.
        """
        self._stopping = True
        self.wake()
        for lane in self.lanes:
            if lane.process is not None:
                if self.journals is not None:
                    lane.process.send("park")
                lane.process.send("stop")
        await self._ended()
        for lane in self.lanes:
            if lane.process is not None:
                lane.process.kill()
        for task in await self._ended():
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ended(self) -> set["asyncio.Task[None]"]:
        """Wait for the workers to end; those that did not within a bound."""
        return (await asyncio.wait(self._tasks, timeout=self.limits.stop))[1] if self._tasks else set()

    def wake(self) -> None:
        """Have idle workers look at the queue. They ask at once: a job can be leased in the commit that adds it."""
        news, self._news = self._news, asyncio.Event()
        for lane in self.lanes:
            if lane.asked is None and lane.room > 0 and not self._stopping and not self._held_by_others(lane):
                self._ask_for_job(lane)
        news.set()

    def running(self) -> list[Job]:
        """The jobs that workers run."""
        return [lane.job for lane in self.lanes if lane.job is not None]

    async def interrupt(self, id: str | None = None, user: str | None = None) -> bool:
        """Cancel this running job, or all that run, of one user or of everybody; whether there was one. It is on the
        disk then: a crash does not bring the job back. Raises StoreError when it is not, though whoever runs is told
        to stop all the same.
        """
        ids = [job.id for job in self.running() if user in (None, job.user)] if id is None else [id]
        try:
            found = await asyncio.wrap_future(self.store.interrupt(ids, user))
        except StoreError:
            mine = [held.job for lane in self.lanes for held in lane.held if user in (None, held.job.user)]
            self.end_early([job.id for job in mine if job.id in ids])
            raise
        self.end_early(found)
        return bool(found)

    def end_early(self, ids: Collection[str]) -> None:
        """Have workers stop these jobs, where they have them: asked first, ended after a grace."""
        for lane in self.lanes:
            for job in [held.job for held in lane.held if held.job.id in ids]:
                assert lane.process is not None
                lane.process.send("cancel", {"id": job.id, "epoch": job.epoch})
                asyncio.get_running_loop().call_later(self.limits.grace, self._insist, lane, job)

    def free(self, *, models: bool, results: bool) -> None:
        """Have every worker let go of models, and of kept results if asked, before its next job."""
        for lane in self.lanes:
            if lane.process is not None and (models or results):
                lane.resident = frozenset()
                lane.process.send("free", {"unload_models": models, "free_memory": results})

    async def check(self, prompt: Mapping[str, Any], targets: Sequence[str] | None) -> Mapping[str, Any]:
        """Have a worker check a prompt: it knows the node types of packs. Raises NoWorker if none can tell."""
        return await self._ask("check", {"prompt": prompt, "targets": targets})

    async def change(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Have packs change what was submitted, as they asked to. Raises NoWorker if no worker can have them do so."""
        return (await self._ask("change", {"body": body}))["body"]

    async def _ask(self, kind: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask a worker, and the next when one ends over it, as often as a job is tried."""
        for left in reversed(range(max(self.limits.retries, 0) + 1)):
            lane = await self._ready_lane()
            try:
                return await self._checks.ask(lane, kind, asked)
            except NoWorker:
                if not left:
                    raise
        raise AssertionError("a worker is asked at least once")

    async def _ready_lane(self) -> Lane:
        """A lane whose worker is up, an idle one where there is one. Raises NoWorker when none comes up."""
        try:
            async with asyncio.timeout(self.limits.patience):
                while not (self._stopping or self._is_any_up() or all(lane.failing for lane in self.lanes)):
                    await self._news.wait()
        except TimeoutError:
            raise NoWorker("no worker is up that knows the nodes of packs: the log says why") from None
        ready = [lane for lane in self.lanes if lane.ready]
        if not ready:
            why = "the server is stopping" if self._stopping else "no worker comes up: the log says why"
            raise NoWorker(why)
        return min(ready, key=lambda lane: lane.job is not None)

    def _is_any_up(self) -> bool:
        return any(lane.ready for lane in self.lanes)

    def _insist(self, lane: Lane, job: Job) -> None:
        if lane.job is job and lane.process is not None:
            lane.process.note(f"job {job.id} did not stop within {self.limits.grace:g} s of its cancelling: killed")
            lane.process.kill()

    async def _tend(self, lane: Lane, device: str) -> None:
        """Keep a worker running on a device until the pool stops."""
        pauses = self.limits.pauses()
        while not self._stopping:
            try:
                lane.process = await Process.start(
                    self.command(device), lambda line: self.listener.wrote(lane.name, line)
                )
            except OSError as error:
                log.error("the worker of %s cannot be started: %s", lane.name, error, extra={"worker": lane.name})
                lane.failing = True
            else:
                lane.starts += 1
                lane.failing = not await self._converse(lane, lane.process)
                if not lane.failing:
                    pauses = self.limits.pauses()
            self.wake()
            if not self._stopping:
                await asyncio.sleep(next(pauses))

    async def _converse(self, lane: Lane, process: Process) -> bool:
        """Speak with a worker until it ends; whether it ever got ready."""
        feeder: asyncio.Task[None] | None = None
        came_up = False
        try:
            while (frame := await process.next_frame(self.limits.hang)) is not None:
                if frame.kind == "ready":
                    came_up = lane.ready = True
                    lane.failing = False
                    lane.device = frame.data["device"]
                    self.listener.ready(frame.data)
                    feeder = asyncio.create_task(self._feed(lane, process))
                    self.wake()
                elif frame.kind == "event":
                    self._note(lane, frame)
                elif frame.kind == "ended":
                    await self._finish(lane, frame)
                elif frame.kind == "returned":
                    await self._returned(lane, frame)
                elif frame.kind == "said":
                    said = frame.data
                    self.listener.said(said["event"], said.get("data"), said["sid"], frame.blob, lane.job)
                elif frame.kind == "device":
                    lane.device = frame.data["device"]
                elif frame.kind == "answer":
                    self._checks.answered(frame.data)
        finally:
            lane.ready, lane.device = False, None
            if feeder is not None:
                feeder.cancel()
                await asyncio.gather(feeder, return_exceptions=True)
            code = await asyncio.shield(process.ended(self.limits.stop))
            await asyncio.shield(self._put_back(lane))
            await asyncio.shield(self._bury(lane, process, code))
            lane.process, lane.resident = None, frozenset()
        return came_up

    async def _feed(self, lane: Lane, process: Process) -> None:
        """Give a worker a job whenever it has room for one."""
        while not self._stopping:
            news = lane.news if lane.asked is not None else self._news  # what comes after the asking is news
            job, look_again = await self._lease(lane) if lane.asked is not None or lane.room > 0 else (None, None)
            if job is not None:
                self._hand_over(lane, process, job)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(look_again):
                    await news.wait()

    async def _lease(self, lane: Lane) -> tuple[Job | None, float | None]:
        others = self._held_by_others(lane)
        if lane.asked is not None or not others:
            return await self._asked_for(lane), None
        now = time.monotonic()
        waiting = self.store.read.next_in_turn(AHEAD)
        self._since = {record.job.id: self._since.get(record.job.id, now) for record in waiting}
        choice = choose(waiting, lane.resident, others, self._since, now)
        if choice.id is None:
            return None, choice.look_again
        wanted = choice.id
        return await self._asked_for(lane, wanted), 0.0

    def _ask_for_job(self, lane: Lane, id: str | None = None) -> "asyncio.Task[Job | None]":
        lane.news = self._news
        lane.asked = asyncio.ensure_future(self._stored(lambda: self.store.lease(lane.name, id)))
        return lane.asked

    async def _asked_for(self, lane: Lane, id: str | None = None) -> Job | None:
        """The job that was asked for, or is now. If this is cut short, what comes of it stays with the lane."""
        job = await asyncio.shield(lane.asked or self._ask_for_job(lane, id))
        lane.asked = None
        return job

    async def _put_back(self, lane: Lane) -> None:
        """After a worker's end: a job that was leased for it, and that it never saw, waits again."""
        job = await self._asked_for(lane) if lane.asked is not None else None
        if job is not None:
            await self._stored(lambda: self.store.release(job.id, job.epoch))

    def _held_by_others(self, lane: Lane) -> list[frozenset[str]]:
        """The models that each other worker holds. Without any, it does not matter who takes a job."""
        others = [other.resident for other in self.lanes if other is not lane and other.ready]
        return [models for models in others if models]

    def _hand_over(self, lane: Lane, process: Process, job: Job) -> None:
        asked = self.store.read.handed_over(job.id)
        prompt = json.loads(asked.prompt)
        extra = {**json.loads(asked.extra_data), **json.loads(asked.secrets or "{}")}
        held = Held(job, Account(job.id))
        lane.held.append(held)
        if lane.job is not job:
            asyncio.get_running_loop().call_later(QUICK, self._take_back, lane, held)
        lane.resident = models_of(prompt) or lane.resident
        order = {
            "id": job.id,
            "epoch": job.epoch,
            "lease": job.lease,
            "prompt": prompt,
            "extra_data": extra,
            "targets": json.loads(asked.targets),
            "unseen": bool(asked.unseen),
            "preview": extra.get("preview_method") or (None if self.listener.shows_previews(job) else "none"),
            "journal": self._journal(job),
            "expected": self._expected(),
        }
        self.listener.leased(job)
        process.send("run", {"job": order})
        if asked.unwanted:  # cancelled after it was leased, and before there was anybody to tell
            self.end_early([job.id])

    def _expected(self) -> list[str]:
        """The files that the next jobs will ask for, looked up now and then: there may be hundreds of jobs a second."""
        now = time.monotonic()
        if now - self._looked >= LOOK_AGAIN:
            self._looked, self._soon = now, sorted(files_of(self.store.read.prompts_in_turn(SOON)))
        return self._soon

    def _take_back(self, lane: Lane, held: Held) -> None:
        """The job before this one is not as quick as those before it: ask for this one back, for whoever is free."""
        if held in lane.held[1:] and lane.process is not None:
            lane.is_quick = False
            lane.process.send("return", {"id": held.job.id, "epoch": held.job.epoch})

    async def _returned(self, lane: Lane, frame: Frame) -> None:
        """A worker gave back a job that it had not begun: it waits again."""
        if (held := _held(lane, frame)) is not None:
            lane.held.remove(held)
            state = await self._stored(lambda: self.store.release(held.job.id, held.job.epoch))
            self.listener.ended(held.job, state)
            self.wake()

    def _journal(self, job: Job) -> Mapping[str, Any] | None:
        kept = self.journals
        return None if kept is None else {"path": str(kept.of(job)), "after": kept.after, "every": kept.every}

    def _note(self, lane: Lane, frame: Frame) -> None:
        if (held := _held(lane, frame)) is None:
            return
        event = from_json(frame.data["event"])
        if isinstance(event, RunStarted):
            held.began = time.monotonic()
        self.listener.happened(held.job, event, held.account.take(event), frame.blob)

    async def _finish(self, lane: Lane, frame: Frame) -> None:
        """Write down how a run ended, and publish what it made; only then is the worker free for another."""
        if (held := _held(lane, frame)) is None:
            return
        files = tuple(File(*pair) for pair in frame.data["files"])
        ending = self._end(held.job, held.account.ending(files, frame.data["renamed"]))
        if files or self._stopping or self._held_by_others(lane) or lane.room < 0:
            await ending
            lane.held.remove(held)
            lane.is_quick = False
            self.wake()
            return
        # The end of this job and the lease of the next are asked for at once, in this order, and so share a commit.
        news, took = self._news, held.took()
        _, following = await asyncio.gather(ending, self._next_job(lane))
        lane.held.remove(held)
        lane.is_quick = following is not None and took < QUICK
        if following is not None:
            assert lane.process is not None
            self._hand_over(lane, lane.process, following)
        elif news.is_set():  # what came since then found this worker busy
            self.wake()

    async def _next_job(self, lane: Lane) -> Job | None:
        return await self._stored(lambda: self.store.lease(lane.name))

    async def _end(self, job: Job, ending: Ending) -> None:
        try:
            state = await self._stored(lambda: self.store.end(job.id, job.epoch, ending))
        except StaleEpoch as error:
            log.warning("%s", error, extra={"job": job.id})
            self._clear(job, ending.files)
            return
        if state == "publishing":
            await self._publish(job, ending.files)
        else:
            self._clear(job, ())
            self._forget(job)
            self.listener.ended(job, state)

    async def _publish(self, job: Job, files: Sequence[File]) -> None:
        stage = self._stage(job)
        for pause in self.limits.pauses():
            try:
                await asyncio.to_thread(publish, stage.folder, self.output, files)
                break
            except NotPublished as error:
                log.error("job %s: %s; trying again in %g s", job.id, error, pause, extra={"job": job.id})
                await asyncio.sleep(pause)
        state = await self._stored(lambda: self.store.published(job.id, job.epoch))
        self._clear(job, files)
        self._forget(job)
        self.listener.ended(job, state)

    async def _bury(self, lane: Lane, process: Process, code: int) -> None:
        """After a worker's end: the job it ran is cancelled, waits again, or is parked with the evidence; what else it
        had waits again."""
        held, lane.held, lane.is_quick = lane.held, [], False
        self._checks.gone(lane)
        if not held and not self._stopping:
            words = process.last_words(code)
            log.error("the worker of %s ended: %s", lane.name, words, extra={"worker": lane.name})
        for place, each in enumerate(held):
            await self._bury_job(each.job, each.account, process.evidence(code) if place == 0 else None)
        self.wake()

    async def _bury_job(self, job: Job, account: Account, ended: Mapping[str, Any] | None) -> None:
        """A job whose worker is gone: `ended` tells how, where that may be the job's doing."""
        current = self.store.read.job(job.id)
        if current is not None and current.unwanted:
            message = account.interrupted()
            assert account.last is not None
            self.listener.happened(job, account.last, message, b"")
            self._stage(job).abandon()
            await self._end(job, account.ending())
            return
        self._stage(job).abandon()
        if ended is None or self._stopping:
            state = await self._stored(lambda: self.store.release(job.id, job.epoch))
        else:
            evidence = account.evidence(ended)
            log.error("job %s: %s", job.id, evidence["exception_message"], extra={"job": job.id, "worker": job.worker})
            state = await self._stored(lambda: self.store.give_back(job.id, job.epoch, evidence, self.limits.retries))
            if state == "failed":
                self.listener.parked(job, evidence)
        if state in ENDED:
            self._forget(job)
        self.listener.ended(job, state)

    def _stored(self, change: "Callable[[], Future[T]]") -> Coroutine[Any, Any, T]:
        """What a change of the queue gives: asked for at once, and again while the disk is full or out of reach."""
        return self._insisted(change, change())

    async def _insisted(self, change: "Callable[[], Future[T]]", made: "Future[T]") -> T:
        for pause in self.limits.pauses():
            try:
                return await asyncio.wrap_future(made)
            except StoreError as error:
                if self._stopping:
                    raise
                log.error("%s; trying again in %g s", error, pause)
                await asyncio.sleep(pause)
                made = change()
        raise AssertionError("pauses never end")

    def _stage(self, job: Job) -> Stage:
        return Stage(self.output, job.lease)

    def _forget(self, job: Job) -> None:
        if self.journals is not None:
            with crash_points.around("end of a journal"):
                self.journals.of(job).unlink(missing_ok=True)

    def _clear(self, job: Job, files: Sequence[File]) -> None:
        stage = self._stage(job)
        for file in files:
            stage.release(file.final)
        stage.drop()


def _held(lane: Lane, frame: Frame) -> Held | None:
    """The job that a frame speaks of, if the lane still has it under that epoch."""
    return next((held for held in lane.held if held.is_at(frame.data["id"], frame.data["epoch"])), None)
