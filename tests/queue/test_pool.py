"""Real workers on real jobs: what is asked for is made once, whatever dies on the way."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.cli.options import arguments
from engine.queue import pool as pools
from engine.queue.account import Message
from engine.queue.job import Job, Order
from engine.queue.lane import Limits
from engine.queue.pool import Pool
from engine.queue.schema import StoreError
from engine.queue.states import State
from engine.queue.store import Store
from engine.run.events import Event, NodeStarted
from engine.settings import Settings

PACK = """
import os, signal, time

class Trouble:
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "go", True, "test"
    INPUT_TYPES = classmethod(lambda cls: {"required": {"what": ("STRING", {"default": ""})}})
    IS_CHANGED = classmethod(lambda cls, **inputs: float("nan"))

    def go(self, what):
        print("about to", what)
        if what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if what.startswith("die once"):
            marker = what.removeprefix("die once ")
            if not os.path.exists(marker):
                open(marker, "w").close()
                os._exit(3)
        if what == "sleep":
            time.sleep(600)
        if what == "expected":
            from engine.device.account import CPU, accounts
            return {"ui": {"text": sorted(accounts.of(CPU).expected)}}
        return {"ui": {"text": [what]}}

NODE_CLASS_MAPPINGS = {"Trouble": Trouble}
"""
LIMITS = Limits(hang=60, grace=0.5, restart=0.05)


def picture(color: int = 0) -> dict[str, Any]:
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": color}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "p"}},
    }


def trouble(what: str) -> dict[str, Any]:
    return {"7": {"class_type": "Trouble", "inputs": {"what": what}}}


@dataclass
class Witness:
    """Keeps what it is told, and wakes whoever waits for it."""

    happenings: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])
    lines: list[str] = field(default_factory=list[str])
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    on_end: Callable[[], None] = lambda: None  # looks at what is so at the moment when a job ends

    def leased(self, job: Job) -> None:
        self._note("leased", job.id)

    def shows_previews(self, job: Job) -> bool:
        return True

    def happened(self, job: Job, event: Event, message: Message | None, preview: bytes) -> None:
        self._note(job.id, event)

    def parked(self, job: Job, evidence: Mapping[str, Any]) -> None:
        self._note("parked", evidence)

    def ended(self, job: Job, state: State) -> None:
        self.on_end()
        self._note("ended", (job.id, state))

    def ready(self, described: Mapping[str, Any]) -> None:
        self._note("ready", described)

    def said(self, event: Any, data: Any, to: str | None, body: bytes, during: Job | None) -> None:
        self._note("said", (event, data, to, body))

    def wrote(self, worker: str, line: str) -> None:
        self.lines.append(line)

    def _note(self, kind: str, what: Any) -> None:
        self.happenings.append((kind, what))
        self.changed.set()

    async def until(self, kind: str, fits: Callable[[Any], bool] = bool) -> Any:
        async with asyncio.timeout(120):
            while True:
                for each, what in self.happenings:
                    if each == kind and fits(what):
                        return what
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def pool_at(base: Path, devices: tuple[str, ...] = ("cpu",)) -> AsyncGenerator[tuple[Pool, Store, Witness]]:
    (base / "custom_nodes").mkdir(exist_ok=True)
    (base / "custom_nodes" / "trouble.py").write_text(PACK)
    settings = Settings(base=base, device="cpu", precision="fp32")
    store, witness = Store(base / "user" / "heddle.db"), Witness()
    command = [sys.executable, "-m", "engine", "worker", *arguments(settings)]
    pool = Pool(store, settings.folder("output"), devices, lambda _device: command, witness, LIMITS)
    await pool.start()
    try:
        yield pool, store, witness
    finally:
        await pool.stop()
        store.close()


async def add(pool: Pool, store: Store, id: str, prompt: dict[str, Any]) -> None:
    await asyncio.wrap_future(store.add(Order(id, prompt)))
    pool.wake()


def ended(id: str, state: str) -> Callable[[Any], bool]:
    return lambda what: what == (id, state)


def test_jobs_end_published_and_trouble_is_parked_while_the_next_job_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "LOOK_AGAIN", 0.0)

    async def scenario() -> None:
        async with pool_at(tmp_path) as (pool, store, witness):
            await add(pool, store, "good", picture())
            await add(pool, store, "deadly", trouble("die"))
            await add(pool, store, "shaky", trouble(f"die once {tmp_path / 'marker'}"))
            await add(pool, store, "next", picture(255))
            await witness.until("ended", ended("next", "done"))
            await witness.until("ended", ended("shaky", "done"))
            described = await witness.until("ready")
            assert list(described["types"]) == ["Trouble"]
            parked = store.read.record("deadly")
            assert parked is not None
            assert parked.made is not None
            assert parked.made.failure is not None
            assert (parked.job.state, parked.job.tries) == ("failed", 3)
            for told in ("in node 7", "SIGKILL", "about to die", '"exit_code":-9'):
                assert told in parked.made.failure
            shaky = store.read.job("shaky")
            assert shaky is not None
            assert shaky.tries == 1
            files = sorted(path.name for path in (tmp_path / "output").iterdir() if path.is_file())
            assert files == ["p_00001_.png", "p_00002_.png"]
            hidden = [path for path in (tmp_path / "output" / ".heddle").rglob("*") if path.is_file()]
            assert hidden == []

            await add(pool, store, "endless", trouble("sleep"))
            await witness.until("endless", lambda event: isinstance(event, NodeStarted))
            await add(pool, store, "asks", trouble("expected"))
            await add(pool, store, "soon", trouble("some folder/soon.safetensors"))
            assert await pool.interrupt("endless")
            await witness.until("ended", ended("endless", "cancelled"))
            await witness.until("ended", ended("soon", "done"))
            asked = store.read.record("asks")
            assert asked is not None
            assert asked.made is not None
            assert json.loads(asked.made.outputs) == {"7": {"text": ["soon.safetensors"]}}
            assert not await pool.interrupt()

            refused = await pool.check({"7": {"class_type": "Trouble", "inputs": {}}}, None)
            assert refused["node_errors"]["7"]["errors"][0]["type"] == "required_input_missing"

    asyncio.run(scenario())


def test_a_stopped_worker_is_noticed_and_what_ran_at_a_stop_waits_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pool_at(tmp_path) as (pool, store, witness):
            pool.limits = Limits(hang=3, grace=0.5, restart=0.05)
            await witness.until("ready")
            (lane,) = pool.lanes
            process = lane.process
            assert process is not None
            assert lane.device is not None
            gone: list[object] = []

            def look() -> None:
                gone.append(lane.device)
                pool.limits = LIMITS  # the next worker may take its time to come up

            witness.on_end = look
            await add(pool, store, "a", trouble("sleep"))
            await witness.until("a", lambda event: isinstance(event, NodeStarted))
            os.kill(process.pid, signal.SIGSTOP)
            await witness.until("ended", ended("a", "waiting"))
            assert gone == [None]
            assert any("no sign of life for 3 s" in line for line in witness.lines)
            await witness.until("a", lambda event: isinstance(event, NodeStarted))
        again = Store(tmp_path / "user" / "heddle.db")
        assert [record.job.id for record in again.read.waiting()] == ["a"]
        again.close()

    asyncio.run(scenario())


def test_two_workers_run_two_jobs_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pool_at(tmp_path, ("cpu", "cpu")) as (pool, store, witness):
            for id in ("a", "b"):
                await add(pool, store, id, trouble("sleep"))
            for id in ("a", "b"):
                await witness.until(id, lambda event: isinstance(event, NodeStarted))
            assert {lane.name for lane in pool.lanes} == {"cpu#0", "cpu#1"}
            assert all(lane.device is not None and lane.device["type"] == "cpu" for lane in pool.lanes)
            assert await pool.interrupt()
            for id in ("a", "b"):
                await witness.until("ended", ended(id, "cancelled"))

    asyncio.run(scenario())


def test_a_job_behind_one_that_is_not_as_quick_as_expected_is_taken_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pool_at(tmp_path) as (pool, store, witness):
            await witness.until("ready")
            pool.lanes[0].is_quick = True
            long, behind = store.add(Order("long", trouble("sleep"))), store.add(Order("behind", picture()))
            pool.wake()
            await asyncio.gather(asyncio.wrap_future(long), asyncio.wrap_future(behind))
            await witness.until("leased", lambda id: id == "behind")
            await witness.until("ended", ended("behind", "waiting"))
            waits = store.read.job("behind")
            assert waits is not None
            assert (waits.state, waits.tries) == ("waiting", 0)
            assert [job.id for job in pool.running()] == ["long"]
            assert await pool.interrupt()
            await witness.until("ended", ended("long", "cancelled"))
            await witness.until("ended", ended("behind", "done"))

    asyncio.run(scenario())
    assert [path.name for path in (tmp_path / "output").glob("*.png")] == ["p_00001_.png"]
    assert not [path for path in (tmp_path / "output" / ".heddle").rglob("*") if path.is_file()]


def test_a_full_disk_holds_a_job_up_and_loses_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pool_at(tmp_path) as (pool, store, witness):
            await witness.until("ready")
            await add(pool, store, "a", trouble("sleep"))
            await witness.until("a", lambda event: isinstance(event, NodeStarted))
            database = store._writer._connection  # pyright: ignore[reportPrivateUsage]
            (pages,) = database.execute("PRAGMA page_count").fetchone()
            await asyncio.wrap_future(store._writer.change(lambda db: db.execute(f"PRAGMA max_page_count = {pages}")))
            big = {"7": {"class_type": "Trouble", "inputs": {"what": "x" * 100_000}}}
            with pytest.raises(StoreError, match="no space is left"):
                await add(pool, store, "refused", big)
            await asyncio.wrap_future(store._writer.change(lambda db: db.execute("PRAGMA max_page_count = 1000000")))
            assert await pool.interrupt("a")
            await witness.until("ended", ended("a", "cancelled"))
            await add(pool, store, "b", picture())
            await witness.until("ended", ended("b", "done"))

    asyncio.run(scenario())
