"""What the server costs: trivial jobs per second, each on the disk, against a bare handler and a bare run.

    python tests/benchmarks/server_speed.py [--jobs 300]

Prints jobs per second with 1, 20 and 50 clients and their ratio to what a bare aiohttp handler answers under the same
load; the time from start to the first connection and the first result; and the memory of the server process.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import click
import psutil
from aiohttp import web

ROOT = Path(__file__).parent.parent.parent

PROMPT = {
    "1": {"class_type": "PrimitiveInt", "inputs": {"value": 0}},
    "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
}


def prompt(value: int) -> dict[str, Any]:
    """A job of two trivial nodes that no cache answers."""
    return {**PROMPT, "1": {"class_type": "PrimitiveInt", "inputs": {"value": value}}}


class Running:
    """A server in a process of its own."""

    def __init__(self, folder: Path) -> None:
        began = time.perf_counter()
        command = [sys.executable, "-m", "engine", "serve", "--port=0", "--device=cpu", "--disable-all-custom-nodes"]
        self.process = subprocess.Popen(
            [*command, f"--base-directory={folder}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[-1]
        self.until_connection = time.perf_counter() - began
        self.began = began

    @property
    def memory(self) -> float:
        """MB of the server process alone."""
        return psutil.Process(self.process.pid).memory_info().rss / 1e6

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


async def submit_and_wait(session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse, body: Any) -> None:
    """One job, from its submit to its last message."""
    async with session.post("/prompt", json=body) as answer:
        id = (await answer.json())["prompt_id"]
    while True:
        message = json.loads((await socket.receive()).data)
        if message["type"] == "executing" and message["data"] == {"node": None, "prompt_id": id}:
            return


async def jobs_per_second(address: str, clients: int, jobs: int, first: int) -> float:
    """Clients that each submit, wait for the end, and submit again."""

    async def use(number: int) -> None:
        async with aiohttp.ClientSession(address) as session, session.ws_connect(f"/ws?clientId=c{number}") as socket:
            for turn in range(jobs // clients):
                value = first + number * jobs + turn
                await submit_and_wait(session, socket, {"prompt": prompt(value), "client_id": f"c{number}"})

    began = time.perf_counter()
    await asyncio.gather(*(use(number) for number in range(clients)))
    return jobs // clients * clients / (time.perf_counter() - began)


async def bare_per_second(clients: int, jobs: int) -> float:
    """The same clients against a handler that reads JSON and answers."""

    async def answer(request: web.Request) -> web.Response:
        await request.json()
        return web.json_response({"prompt_id": "x", "number": 0, "node_errors": {}})

    app = web.Application()
    app.router.add_post("/prompt", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def use() -> None:
        async with aiohttp.ClientSession(address) as session:
            for turn in range(jobs // clients):
                async with session.post("/prompt", json={"prompt": prompt(turn)}) as answer:
                    await answer.json()

    began = time.perf_counter()
    await asyncio.gather(*(use() for _ in range(clients)))
    rate = jobs // clients * clients / (time.perf_counter() - began)
    await runner.cleanup()
    return rate


async def measure(running: Running, jobs: int) -> None:
    """Everything that needs a running server."""
    click.echo(f"start to first connection    {running.until_connection:8.2f} s")
    async with aiohttp.ClientSession(running.address) as session, session.ws_connect("/ws?clientId=first") as socket:
        await submit_and_wait(session, socket, {"prompt": prompt(-1), "client_id": "first"})
    click.echo(f"start to first result        {time.perf_counter() - running.began:8.2f} s")
    for clients in (1, 20, 50):
        rate = await jobs_per_second(running.address, clients, jobs, clients * 10**7)
        bare = await bare_per_second(clients, jobs)
        against = f"bare handler {bare:8.1f}   ratio {rate / bare:.3f}"
        click.echo(f"jobs/s with {clients:2} clients        {rate:8.1f}   {against}")
    before = running.memory
    await jobs_per_second(running.address, 20, 10 * jobs, 10**10)
    after = running.memory
    click.echo(f"memory of the server         {after:8.1f} MB  before {10 * jobs} more jobs {before:8.1f} MB")


@click.command()
@click.option("--jobs", default=300, show_default=True, help="Jobs of each measure.")
def main(jobs: int) -> None:
    """Print what the server costs."""
    with tempfile.TemporaryDirectory() as scratch:
        running = Running(Path(scratch))
        try:
            asyncio.run(measure(running, jobs))
        finally:
            running.stop()


if __name__ == "__main__":
    main()
