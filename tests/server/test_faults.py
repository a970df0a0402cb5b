"""What goes wrong around the server, and that it says so, loses nothing, and goes on when the fault ends."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from tests.server.serving import Client, Server, serving, speak, wait_until_ready
from tests.server.test_jobs import picture, sleep

FAULTY = """
import os, signal, sys
if os.path.exists({marker!r}):
    print("the card fell off the bus", file=sys.stderr, flush=True)
    os._exit(3)

class Die:
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "go", True, "test"
    INPUT_TYPES = classmethod(lambda cls: {{"required": {{}}}})

    def go(self):
        print("too large a picture", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

NODE_CLASS_MAPPINGS = {{"Die": Die}}
"""
MOUNTED = 'for name in user output; do mount -t tmpfs -o size=2m none "$0/$name"; done; exec "$@"'


@dataclass(frozen=True)
class SmallDisks:
    """The user and output folders of a server, each on a disk of 2 MB that only it sees."""

    server: Server

    def fill(self, folder: str) -> None:
        """Use up what is free."""
        with self._filler(folder).open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass

    def free(self, folder: str) -> None:
        """Let the space go again."""
        self._filler(folder).unlink()

    def remount(self, folder: str, how: str) -> None:
        """`ro`: nothing can be written; `rw`: again it can."""
        enter = ["nsenter", f"--target={self.server.process.pid}", "--mount", "--user", "--preserve-credentials"]
        command = [*enter, "mount", "-o", f"remount,bind,{how}", str(self.server.base / folder)]
        made = subprocess.run(command, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in self._seen(folder).iterdir() if path.is_file())

    def _filler(self, folder: str) -> Path:
        return self._seen(folder) / ".filler"

    def _seen(self, folder: str) -> Path:
        """A folder as the server sees it."""
        return Path(f"/proc/{self.server.process.pid}/root{self.server.base / folder}")


@contextmanager
def on_small_disks(base: Path) -> Generator[SmallDisks]:
    for name in ("user", "output"):
        (base / name).mkdir()
    within = ["unshare", "--map-root-user", "--mount", "--", "sh", "-c", MOUNTED, str(base)]
    with serving(base, within=within) as server:
        yield SmallDisks(server)


def _can_mount() -> bool:
    tried = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(tried, capture_output=True).returncode == 0
    except OSError:
        return False


needs_mounts = pytest.mark.skipif(
    not _can_mount(), reason="this user may not mount small disks in a namespace of its own"
)


@needs_mounts
def test_full_and_locked_disks_hold_jobs_up_and_lose_none(tmp_path: Path) -> None:
    with on_small_disks(tmp_path) as disks:

        async def full_while_submitting(client: Client) -> None:
            await client.post("/queue/pause")
            before = await client.submit(picture(1, "before"))
            disks.fill("user")
            big = picture(2, "x" * 30_000)
            for _ in range(3):
                status, answer = await client.post("/prompt", {"prompt": big})
                assert (status, answer["error"]["type"]) == (507, "not_stored")
                assert "no space is left" in answer["error"]["details"]
            await keeps_nothing(client)
            assert [item[1] for item in (await client.get("/queue"))["queue_pending"]] == [before]
            disks.free("user")
            after = await client.submit(picture(3, "after"))
            await client.post("/queue/resume")
            for id in (before, after):
                assert (await client.ended(id))["status"]["completed"]
            assert disks.names("output") == ["after_00001_.png", "before_00001_.png"]

        async def full_while_it_ends(client: Client) -> None:
            id = await client.submit(sleep(0.7))
            async with asyncio.timeout(60):
                while not (await client.get("/queue"))["queue_running"]:
                    await asyncio.sleep(0.02)
            disks.fill("user")
            await said(client, "no space is left")
            assert [item[1] for item in (await client.get("/queue"))["queue_running"]] == [id]
            disks.free("user")
            assert (await client.ended(id))["status"]["completed"]

        async def full_while_it_saves(client: Client) -> None:
            disks.fill("output")
            entry = await client.ended(await client.submit(picture(4, "nowhere")))
            kind, error = entry["status"]["messages"][-1]
            assert (kind, error["node_id"]) == ("execution_error", "3")
            assert "No space left on device" in error["exception_message"]
            disks.free("output")
            assert (await client.ended(await client.submit(picture(4, "nowhere"))))["status"]["completed"]
            assert "nowhere_00001_.png" in disks.names("output")  # the name was not lost with the failure

        async def locked_while_it_is_published(client: Client) -> None:
            prompt = {**picture(5, "late"), **sleep(2)}
            prompt["s"]["inputs"]["after"] = ["4", 0]
            prompt["4"] = {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}}  # so that the saving comes first
            id = await client.submit(prompt)
            staged = disks._seen("output") / ".heddle" / "staging"
            async with asyncio.timeout(60):
                while not list(staged.glob(f"{id}-1/late*.png")):
                    await asyncio.sleep(0.02)
            disks.remount("output", "ro")
            await said(client, "late_00001_.png could not be published: Read-only file system")
            assert await client.get(f"/history/{id}") == {}
            disks.remount("output", "rw")
            assert (await client.ended(id))["status"]["completed"]
            assert disks.names("output").count("late_00001_.png") == 1

        for scenario in (
            full_while_submitting,
            full_while_it_ends,
            full_while_it_saves,
            locked_while_it_is_published,
        ):
            speak(disks.server, scenario)


async def keeps_nothing(client: Client) -> None:
    """The user's settings and files are told that the disk is full."""
    for path in ("/settings/theme", "/userdata/notes"):
        status, answer = await client.post(path, "x" * 10_000)
        assert status == 507, path
        assert "disk is full" in answer["error"]


async def said(client: Client, text: str) -> None:
    """Wait until the log says something."""
    async with asyncio.timeout(60):
        while text not in await client.get("/internal/logs"):
            await asyncio.sleep(0.05)


def started(base: Path, *within: str) -> "subprocess.CompletedProcess[str]":
    """Start a server that cannot be, to its end."""
    command = [*within, sys.executable, "-m", "engine", "serve", "--port=0", f"--base-directory={base}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@needs_mounts
def test_a_locked_place_of_the_queue_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    locked = 'mount -t tmpfs -o ro none "$0/user"; exec "$@"'
    ended = started(tmp_path, "unshare", "--map-root-user", "--mount", "--", "sh", "-c", locked, str(tmp_path))
    assert ended.returncode == 1
    assert "cannot be written to" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("how", ["garbage", "a damaged page", "cut off"])
def test_a_damaged_queue_is_told_at_the_start_and_left_as_it_is(tmp_path: Path, how: str) -> None:
    from engine.queue.job import Order
    from engine.queue.store import Store

    path = tmp_path / "user" / "heddle.db"
    store = Store(path)
    for number in range(50):
        store.add(Order(f"job{number}", {"1": {"class_type": "X", "inputs": {"text": "x" * 500}}})).result()
    store.close()
    whole = path.read_bytes()
    match how:
        case "garbage":
            damaged = b"this is no database" * 100
        case "cut off":
            damaged = whole[: len(whole) // 2]
        case _:
            damaged = whole[:4096] + b"\xff" * 8192 + whole[12288:]
    path.write_bytes(damaged)
    ended = started(tmp_path)
    assert ended.returncode == 1
    assert "heddle.db is damaged" in ended.stderr
    assert "restore a backup, or move it away" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert path.read_bytes() == damaged


def test_a_worker_that_stands_still_is_replaced_and_publishes_nothing_any_more(tmp_path: Path) -> None:
    with serving(tmp_path, "--hang-after=8") as server:

        async def scenario(client: Client) -> None:
            (stopped,) = psutil.Process(server.process.pid).children()
            stopped.suspend()
            id = await client.submit(picture(6, "once"))
            following = await client.submit(picture(7, "next"))
            for each in (id, following):
                assert (await client.ended(each))["status"]["completed"]
            assert not stopped.is_running()
            (worker,) = psutil.Process(server.process.pid).children()
            assert worker.pid != stopped.pid
            assert "no sign of life for 8 s: killed" in await client.get("/internal/logs")

        speak(server, scenario)
        names = sorted(path.name for path in (tmp_path / "output").glob("*.png"))
        assert names == ["next_00001_.png", "once_00001_.png"]


def test_a_job_that_kills_its_workers_is_parked_and_a_worker_that_cannot_start_is_awaited(tmp_path: Path) -> None:
    marker = tmp_path / "broken"
    (tmp_path / "custom_nodes").mkdir()
    (tmp_path / "custom_nodes" / "faulty.py").write_text(FAULTY.format(marker=str(marker)))
    marker.touch()
    with serving(tmp_path, seconds=0) as server:

        async def without_a_worker(client: Client) -> str:
            id = await client.submit(picture(8, "patient"), extra_data={"small": 0x102030})
            await said(client, "the worker of cpu ended: it ended with exit code 3")
            await said(client, "the card fell off the bus")
            assert [item[1] for item in (await client.get("/queue"))["queue_pending"]] == [id]
            async with client.http.get("/readyz") as answer:
                assert answer.status == 503
            return id

        waiting: list[str] = []

        async def keep(client: Client) -> None:
            waiting.append(await without_a_worker(client))

        speak(server, keep)
        marker.unlink()
        wait_until_ready(server, 90)

        async def with_a_worker(client: Client) -> None:
            entry = await client.ended(waiting[0])
            assert entry["status"]["completed"]
            made = tmp_path / "output" / entry["outputs"]["3"]["images"][0]["filename"]
            assert Image.open(made).getpixel((0, 0)) == (0x10, 0x20, 0x30)  # packs saw it as soon as they could
            me = uuid.uuid4().hex
            async with client.socket(me) as socket:
                deadly = await client.submit({"d": {"class_type": "Die", "inputs": {}}}, client_id=me)
                good = await client.submit(picture(9, "good"))
                frames = await socket.until_over(deadly)
            (error,) = [frame["data"] for frame in frames if frame["type"] == "execution_error"]
            assert (error["node_id"], error["exit_code"]) == ("d", -signal.SIGKILL)
            assert error["exception_type"] == "WorkerDied"
            assert "as the system does when memory runs out" in error["exception_message"]
            assert any("too large a picture" in line for line in error["log"])
            job = await client.get(f"/api/jobs/{deadly}")
            assert (job["status"], job["execution_error"]) == ("failed", error)
            assert [frame["type"] for frame in frames].count("execution_start") == 3
            assert (await client.ended(good))["status"]["completed"]

        speak(server, with_a_worker)


def test_a_server_that_is_killed_in_the_middle_of_everything_goes_on_where_it_was(tmp_path: Path) -> None:
    ids: list[str] = []
    with serving(tmp_path) as server:

        async def before(client: Client) -> None:
            ids.extend(await asyncio.gather(*(client.submit(picture(n, f"kill{n}")) for n in range(10, 40))))
            os.kill(server.process.pid, signal.SIGKILL)

        speak(server, before)
    with serving(tmp_path) as server:

        async def after(client: Client) -> None:
            for id in ids:
                entry: Any = await client.ended(id)
                assert entry["status"]["completed"]
                (image,) = entry["outputs"]["3"]["images"]
                assert (tmp_path / "output" / image["filename"]).is_file()

        speak(server, after)
    assert len(list((tmp_path / "output").glob("*.png"))) == 30
