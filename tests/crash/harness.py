"""Kills the server and its workers while clients use it, then counts what was lost, doubled or orphaned.

    python -m tests.crash.harness [--kills 2000] [--marks] [--seed 0] [--devices cpu,cpu] [--folder FOLDER]
    python -m tests.crash.harness --each-mark

Kills come at random moments; with `--marks` most come right before or after a random write, and with `--each-mark` once
before and after each write there is (`engine.node.crash_points`).

Clients submit, cancel, reorder and read; when an answer does not come they ask again with the same Idempotency-Key. In
the end the checker reads only the API's history and the disk.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import aiohttp
import click
import psutil

from engine.node.crash_points import VARIABLE

_AT_FIRST = ("before new tables", "after new tables")  # marks that only the first start of a server passes
_LAST = "after end of a journal"  # of the marks of a job
_AT_START, _AT_BURIAL = (
    "commit of _all_wait_again",
    "commit of give_back",
)  # a start passes the one, a worker's end the other
_GONE = (aiohttp.ClientError, OSError, TimeoutError)


class Found(NamedTuple):
    """What the checker counts; all should be 0."""

    lost: list[str]  # answered, and neither done nor cancelled, or done without its file
    doubled: list[str]  # more than one file or job of one order
    orphaned: list[str]  # files that no job made


@dataclass
class Harness:
    """A server below a folder, its clients, and the one who kills."""

    folder: Path
    seed: int = 0
    devices: str = "cpu"
    marks: bool = False
    answered: dict[str, str] = field(default_factory=dict[str, str])  # order -> job
    cancelled: list[str] = field(default_factory=list[str])  # orders that a client tried to cancel
    killed: Counter[str] = field(default_factory=Counter[str])
    _server: "subprocess.Popen[bytes] | None" = None
    _port: int = 0
    _orders: int = 0
    _stopping: bool = False

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self._armed, self._passed = self.folder / "crash" / "armed", self.folder / "crash" / "passed"
        self._passed.mkdir(parents=True)

    async def run(self, kills: int, clients: int = 3) -> Found:
        """Kill so many times, let the rest of the queue run, and look."""
        return await self._run(lambda: self._kill_often(kills), clients)

    async def run_each_mark(
        self, leave_out: Collection[str] = (), part: int = 0, parts: int = 1, clients: int = 3
    ) -> Found:
        """Kill once at each mark that is passed, or at a part of them, and look. `leave_out`: words of other marks."""
        self.marks = True
        is_mine: Callable[[str], bool] = lambda name: (  # noqa: E731
            crc32(name.encode()) % parts == part and not any(word in name for word in leave_out)
        )
        return await self._run(lambda: self._kill_at_each(is_mine), clients)

    async def _run(self, kill: Callable[[], Coroutine[Any, Any, None]], clients: int) -> Found:
        for mark in _AT_FIRST if self.marks else ():
            self._armed.write_text(mark)
            assert not self._starts(), f"nothing ended {mark}"
            self.killed["server"] += 1
        self._start()
        await self._until_up()
        users = [asyncio.create_task(self._use()) for _ in range(clients)]
        await kill()
        self._stopping = True
        await asyncio.gather(*users)
        jobs = await self._drained()
        self._stop()
        self._start()  # what a last crash left is cleared away at a start
        await self._until_up()
        self._stop()
        return self._look(jobs)

    async def _kill_often(self, kills: int) -> None:
        for _ in range(kills):
            await asyncio.sleep(self.chance.expovariate(1 / 0.15))
            known = sorted(path.name for path in self._passed.iterdir())
            if not (known and self.chance.random() < 0.8 and await self._kill_at(self.chance.choice(known))):
                await self._kill()

    async def _kill_at_each(self, is_mine: Callable[[str], bool]) -> None:
        done: set[str] = set(_AT_FIRST)
        while not (self._passed / _LAST).exists():  # from there on all are known
            await asyncio.sleep(0.1)
        while True:
            passed = {path.name for path in self._passed.iterdir()} | {f"before {_AT_BURIAL}", f"after {_AT_BURIAL}"}
            left = sorted(name for name in passed - done if is_mine(name))
            if not left:
                return
            done.add(left[0])
            if await self._kill_at(left[0], patience=30):
                self.killed[left[0]] += 1

    async def _kill_at(self, mark: str, patience: float = 2.0) -> bool:
        """Have whoever passes a mark next end there; whether somebody did."""
        assert self._server is not None
        self._armed.write_text(mark)
        if mark.endswith(_AT_START):
            await self._kill_server()
        elif mark.endswith(_AT_BURIAL):
            await self._kill_busy_worker()
        end = time.monotonic() + patience
        while self._armed.exists():
            if time.monotonic() > end:
                self._armed.unlink(missing_ok=True)
                return False
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)  # until the one who took the mark away has ended
        if self._server.poll() is None:
            self.killed["worker"] += 1
        else:
            self._close()
            self.killed["server"] += 1
            await asyncio.to_thread(self._start)
        return True

    def _start(self) -> None:
        """Start the server, again if it was to end while it starts."""
        while not self._starts():
            self.killed["server"] += 1

    def _starts(self) -> bool:
        log = (self.folder / "server.log").open("ab")
        port = f"--port={self._port}"
        command = [sys.executable, "-m", "engine", "serve", port, "--device=cpu", f"--devices={self.devices}"]
        command += [f"--base-directory={self.folder}", "--disable-all-custom-nodes", "--retries=1000000"]
        marks = {VARIABLE: str(self._armed.parent)} if self.marks else {}
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=os.environ | marks)
        log.close()
        assert self._server.stdout is not None
        line = self._server.stdout.readline().decode()
        if not line and self.marks and self._server.wait() == -signal.SIGKILL:
            self._close()
            return False
        if "Heddle is at" not in line:
            raise RuntimeError(f"the server did not start: see {self.folder / 'server.log'}")
        self._port = int(line.rpartition(":")[2])
        return True

    def _stop(self) -> None:
        assert self._server is not None
        self._server.send_signal(signal.SIGTERM)
        self._server.wait(60)
        self._close()

    def _close(self) -> None:
        assert self._server is not None
        assert self._server.stdout is not None
        self._server.stdout.close()

    async def _kill(self) -> None:
        """End the server or one of its workers where they are."""
        assert self._server is not None
        if self.chance.random() < 0.6 and self._kill_worker():
            if self.chance.random() < 0.5:  # let it come up again now and then, so that jobs get done
                await self._until_up()
            return
        await self._kill_server()
        if self.chance.random() < 0.7:
            await self._until_up()

    def _kill_worker(self) -> bool:
        """End one of the workers, if any is up."""
        assert self._server is not None
        with suppress(psutil.Error):
            if workers := psutil.Process(self._server.pid).children():
                self.chance.choice(workers).kill()
                self.killed["worker"] += 1
                return True
        return False

    async def _kill_busy_worker(self) -> None:
        """End a worker once it has a job: one that stands still keeps the one it is given."""
        assert self._server is not None
        await self._until_up()
        with suppress(psutil.Error):
            workers = psutil.Process(self._server.pid).children()
            for worker in workers:
                worker.suspend()
            await asyncio.sleep(0.7)
            for worker in workers:
                worker.kill()
                self.killed["worker"] += 1

    async def _kill_server(self) -> None:
        assert self._server is not None
        self._server.kill()
        self._server.wait()
        self._close()
        self.killed["server"] += 1
        await asyncio.sleep(self.chance.random() * 0.2)
        await asyncio.to_thread(self._start)

    async def _until_up(self) -> None:
        async with asyncio.timeout(300), self._session() as session:
            while True:
                with suppress(*_GONE):
                    async with session.get("/readyz") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.1)

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(f"http://127.0.0.1:{self._port}", timeout=aiohttp.ClientTimeout(total=20))

    async def _use(self) -> None:
        """One client: orders pictures, and meddles with the queue now and then."""
        while not self._stopping:
            async with self._session() as session:
                with suppress(*_GONE):
                    await self._order(session)
                    if self.chance.random() < 0.4:
                        await self._meddle(session)
            await asyncio.sleep(self.chance.random() * 0.4)

    async def _order(self, session: aiohttp.ClientSession) -> None:
        self._orders += 1
        name = f"order{self._orders}"
        inputs = {"width": 16, "height": 16, "batch_size": 1, "color": self._orders % 2**24}
        prompt = {
            "1": {"class_type": "EmptyImage", "inputs": inputs},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": name}},
        }
        while True:  # until it is answered: the key makes it one job
            with suppress(*_GONE):
                async with session.post(
                    "/prompt", json={"prompt": prompt}, headers={"Idempotency-Key": name}
                ) as answer:
                    if answer.status == 200:
                        self.answered[name] = (await answer.json())["prompt_id"]
                        return
                    raise AssertionError(f"{name} was refused: {await answer.text()}")
            await asyncio.sleep(0.1)

    async def _meddle(self, session: aiohttp.ClientSession) -> None:
        name = self.chance.choice(list(self.answered))
        match self.chance.choice(("cancel", "front", "read", "interrupt", "retry", "pause")):
            case "cancel":
                self.cancelled.append(name)
                await _post(session, "/queue", {"delete": [self.answered[name]]})
            case "interrupt":
                self.cancelled.append(name)
                await _post(session, f"/api/jobs/{self.answered[name]}/cancel")
            case "retry" if self.cancelled:
                await _post(session, f"/queue/{self.answered[self.cancelled[-1]]}/retry")
            case "pause":
                await _post(session, "/queue/pause")
                await _post(session, "/queue/resume")
            case "front":
                await _post(session, f"/queue/{self.answered[name]}/move", {"front": True})
            case _:
                async with session.get("/queue") as answer:
                    await answer.read()

    async def _drained(self) -> list[dict[str, Any]]:
        """Every job, once none waits or runs."""
        async with asyncio.timeout(1200), self._session() as session:
            while True:
                with suppress(*_GONE):
                    await _post(session, "/queue/resume")  # a crash may have come between a pause and its end
                    async with session.get("/prompt") as answer:
                        if (await answer.json())["exec_info"]["queue_remaining"] == 0:
                            break
                await asyncio.sleep(0.2)
            jobs: list[dict[str, Any]] = []
            while True:
                query = {"limit": 1000, "offset": len(jobs)}
                async with session.get("/api/jobs", params=query) as answer:
                    page = await answer.json()
                jobs += page["jobs"]
                if not page["pagination"]["has_more"]:
                    return jobs

    def _look(self, jobs: list[dict[str, Any]]) -> Found:
        by_id = {job["id"]: job for job in jobs}
        output = self.folder / "output"
        files = Counter(path.name.partition("_")[0] for path in output.iterdir() if path.is_file())
        lost: list[str] = []
        for name, id in self.answered.items():
            status = by_id.get(id, {}).get("status")
            allowed = ("completed", "cancelled") if name in self.cancelled else ("completed",)
            if status not in allowed or (status == "completed") != (files[name] > 0):
                lost.append(f"{name}: {status}, {files[name]} files")
        doubled = [f"{name}: {count} files" for name, count in files.items() if count > 1]
        doubled += [f"{id}: listed twice" for id, count in Counter(job["id"] for job in jobs).items() if count > 1]
        if len(jobs) > self._orders:
            doubled.append(f"{len(jobs)} jobs of {self._orders} orders")
        shown = {job["preview_output"]["filename"] for job in jobs if "preview_output" in job}
        orphaned = [path.name for path in output.iterdir() if path.is_file() and path.name not in shown]
        hidden = output / ".heddle"
        orphaned += [str(path.relative_to(output)) for path in hidden.rglob("*") if path.is_file()]
        return Found(lost, doubled, orphaned)


async def _post(session: aiohttp.ClientSession, path: str, body: Any = None) -> None:
    async with session.post(path, json=body):
        pass


@click.command()
@click.option("--kills", default=2000, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--devices", default="cpu", show_default=True)
@click.option("--marks", is_flag=True, help="Kill right before or after writes, mostly.")
@click.option("--each-mark", is_flag=True, help="Kill once at each write there is.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path))
def main(kills: int, seed: int, devices: str, marks: bool, each_mark: bool, folder: Path | None) -> None:
    """Kill so often, and say what was lost, doubled or orphaned."""
    with tempfile.TemporaryDirectory() as scratch:
        place = folder or Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        harness = Harness(place, seed, devices, marks)
        found = asyncio.run(harness.run_each_mark() if each_mark else harness.run(kills))
        minutes = (time.monotonic() - began) / 60
        click.echo(
            json.dumps({"killed": harness.killed, "orders": len(harness.answered), "minutes": round(minutes, 1)})
        )
        click.echo(f"lost {len(found.lost)}, doubled {len(found.doubled)}, orphaned {len(found.orphaned)}")
        for line in (*found.lost, *found.doubled, *found.orphaned):
            click.echo(f"  {line}")
        sys.exit(any(found))


if __name__ == "__main__":
    main()
