"""A queue's backup is taken beside the server, and a server that is started on it goes on."""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

from engine.queue.job import Order
from engine.queue.store import Store
from tests.server.serving import Client, serving, speak


def sleeps(seconds: float) -> dict[str, Any]:
    return {"1": {"class_type": "Sleep", "inputs": {"seconds": seconds}}}


async def backup(base: Path, file: Path) -> tuple[int, str]:
    """The exit code of `heddle backup`, and what it says."""
    command = [sys.executable, "-m", "engine", "backup", str(file), f"--base-directory={base}"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def test_a_server_goes_on_with_a_copy_that_was_taken_while_it_took_jobs(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    kept: dict[str, list[str]] = {}

    async def take_jobs(client: Client) -> None:
        ended = [await client.submit(sleeps(0)) for _ in range(2)]
        for id in ended:
            await client.ended(id)
        running = await client.submit(sleeps(600))
        answered = [running, *[await client.submit(sleeps(0)) for _ in range(5)]]
        copying = asyncio.create_task(backup(first, tmp_path / "copy.db"))
        later: list[str] = []
        while not copying.done():
            later.append(await client.submit(sleeps(0)))
        code, said = await copying
        assert code == 0, said
        assert "2 done" in said
        assert (await backup(first, tmp_path / "copy.db"))[1].startswith("Error: ")  # it is there already
        kept.update(ended=ended, running=[running], waiting=answered[1:], later=later)

    with serving(first) as server:
        speak(server, take_jobs)

    store = Store(second / "user" / "heddle.db")  # a queue of its own, which the copy replaces
    store.add(Order("other", sleeps(0))).result()
    store.close()
    (second / "user" / "before").mkdir()
    for old in (second / "user").glob("heddle.db*"):
        old.rename(second / "user" / "before" / old.name)
    shutil.copy(tmp_path / "copy.db", second / "user" / "heddle.db")

    async def go_on(client: Client) -> None:
        assert {*kept["ended"]} <= {*await client.get("/history")}
        assert not await client.get("/history/other")
        async with asyncio.timeout(60):  # it waits again, and may run again by now
            while kept["running"][0] in [job[1] for jobs in (await client.get("/queue")).values() for job in jobs]:
                await client.post("/queue", {"delete": kept["running"]})
                await client.post("/interrupt", {"prompt_id": kept["running"][0]})
                await asyncio.sleep(0.05)
        for id in kept["waiting"]:
            assert (await client.ended(id))["status"]["status_str"] == "success"
        await client.ended(await client.submit(sleeps(0)))

    with serving(second) as server:
        speak(server, go_on)
