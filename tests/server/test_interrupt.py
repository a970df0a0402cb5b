"""An interrupt that was answered holds, whatever dies after the answer."""

import asyncio
import os
import signal
import uuid
from pathlib import Path

import psutil
import pytest

from tests.server.serving import Client, Server, Socket, serving, speak
from tests.server.test_jobs import picture


async def running(client: Client, socket: Socket, me: str, seconds: float = 600) -> str:
    """Submit a job that takes long, and wait until its node runs."""
    id = await client.submit({"s": {"class_type": "Sleep", "inputs": {"seconds": seconds}}}, client_id=me)
    while (await socket.next())["type"] != "executing":
        pass
    return id


@pytest.mark.parametrize("path", ["/interrupt", "/api/jobs/{id}/cancel"])
def test_an_interrupted_job_does_not_come_back_after_a_crash(tmp_path: Path, path: str) -> None:
    found: list[str] = []
    with serving(tmp_path) as server:
        (worker,) = psutil.Process(server.process.pid).children()

        async def before(client: Client) -> None:
            me = uuid.uuid4().hex
            async with client.socket(me) as socket:
                found.append(await running(client, socket, me))
            found.append(await client.submit(picture(2, "following")))
            worker.suspend()  # so that nobody hears of the interrupt before the crash
            assert (await client.post(path.format(id=found[0]), {"prompt_id": found[0]}))[0] == 200
            server.process.kill()

        speak(server, before)
        server.process.wait()
        worker.resume()
    with serving(tmp_path) as server:

        async def after(client: Client) -> None:
            stopped, following = found
            assert (await client.ended(following))["status"]["completed"]
            entry = await client.ended(stopped)
            assert entry["status"]["messages"][-1][0] == "execution_interrupted"
            assert (await client.get(f"/api/jobs/{stopped}"))["status"] == "cancelled"

        speak(server, after)
    assert [path.name for path in (tmp_path / "output").glob("*.png")] == ["following_00001_.png"]


def test_a_job_that_is_interrupted_while_its_worker_dies_is_not_tried_again(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        async with client.socket(me) as socket:
            id = await running(client, socket, me)
            (worker,) = psutil.Process(server.process.pid).children()
            os.kill(worker.pid, signal.SIGSTOP)  # deaf, as one that is about to die
            assert (await client.post("/interrupt"))[0] == 200
            os.kill(worker.pid, signal.SIGKILL)
            frames = await socket.until_over(id)
        assert "execution_interrupted" in [frame["type"] for frame in frames]
        assert (await client.get(f"/api/jobs/{id}"))["status"] == "cancelled"

    speak(server, scenario)


def test_an_interrupt_right_after_the_start_needs_no_kill(server: Server) -> None:
    async def scenario(client: Client) -> None:
        while not (workers := psutil.Process(server.process.pid).children()):
            await asyncio.sleep(0.1)  # until the one before is replaced
        for _ in range(20):
            me = uuid.uuid4().hex
            async with client.socket(me) as socket:
                id = await client.submit({"s": {"class_type": "Sleep", "inputs": {"seconds": 600}}}, client_id=me)
                while (await socket.next())["type"] != "execution_start":
                    if (await client.post(f"/api/jobs/{id}/cancel"))[1]["cancelled"]:
                        break
                await client.post(f"/api/jobs/{id}/cancel")
                await socket.until_over(id)
            assert (await client.get(f"/api/jobs/{id}"))["status"] == "cancelled"
        assert psutil.Process(server.process.pid).children() == workers

    speak(server, scenario)
