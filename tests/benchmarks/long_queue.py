"""What listings and changes cost when many jobs wait and many have ended, against the same with a queue of a hundred.

    python tests/benchmarks/long_queue.py [--waiting 100000] [--ended 1000000]

Prints milliseconds of each request (the best of three), the size of its answer, and the ratio to the short queue.
"""

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import click

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from engine.queue.store import Store  # noqa: E402 - the clone as it lies there
from tests.benchmarks.server_speed import Running, prompt  # noqa: E402

PARTS = 50_000  # rows of one commit
LISTINGS = (
    "/prompt",
    "/queue",
    "/history?max_items=64",
    "/history?max_items=64&offset={middle}",
    "/history/e{middle}",
    "/api/jobs?status=pending&limit=200",
    "/api/jobs?status=completed,failed,cancelled&limit=200",
    "/api/jobs?status=completed,failed,cancelled&limit=200&offset={middle}",
    "/api/jobs?status=failed&limit=200&sort_by=execution_duration",
    "/api/jobs?workflow_id=w7&limit=200",
)


def fill(folder: Path, waiting: int, ended: int) -> None:
    """A paused queue with so many waiting jobs and so many in its history; every hundredth failed."""
    store = Store(folder / "user" / "heddle.db")
    store.pause(True).result()
    store.close()
    db = sqlite3.connect(folder / "user" / "heddle.db", isolation_level=None)
    now = time.time()
    messages = json.dumps([["execution_success", {"prompt_id": "x", "timestamp": 0}]])
    for first in range(0, waiting + ended, PARTS):
        db.execute("BEGIN")
        for number in range(first, min(first + PARTS, waiting + ended)):
            is_ended = number < ended
            id, state = f"{'e' if is_ended else 'w'}{number}", "waiting"
            times: tuple[Any, ...] = (None, None, None)
            if is_ended:
                state = "done" if number % 100 else "failed"
                times = now - ended + number, now - ended + number + number % 977 / 1000, number
            db.execute(
                "INSERT INTO jobs (id, arrival, number, state, user, created, started, ended, finish, workflow_id)"
                " VALUES (?, ?, ?, ?, '', ?, ?, ?, ?, ?)",
                (id, number, number, state, now - ended + number, *times, f"w{number % 1000}"),
            )
            db.execute(
                "INSERT INTO asked (id, prompt, extra_data, targets) VALUES (?, ?, '{}', '[\"2\"]')",
                (id, json.dumps(prompt(number))),
            )
            if is_ended:
                db.execute("INSERT INTO made VALUES (?, '{}', '{}', ?, NULL, '[]')", (id, messages))
        db.execute("COMMIT")
    db.execute("INSERT OR REPLACE INTO facts VALUES ('arrival', ?)", (waiting + ended,))
    db.close()


async def measure(address: str, middle: int, last: str) -> dict[str, tuple[float, float]]:
    """Milliseconds and megabytes of each request."""
    took: dict[str, tuple[float, float]] = {}
    async with aiohttp.ClientSession(address, read_bufsize=2**20) as session:

        async def timed(name: str, method: str, path: str, body: Any = None, tries: int = 3) -> None:
            best, size = float("inf"), 0
            for _ in range(tries):
                began = time.perf_counter()
                async with session.request(method, path, json=body) as answer:
                    size = len(await answer.read())
                    assert answer.status == 200, path
                best = min(best, time.perf_counter() - began)
            took[name] = best * 1000, size / 1e6

        for path in LISTINGS:
            await timed(f"GET {path}", "GET", path.format(middle=middle))
        await timed("POST /prompt", "POST", "/prompt", {"prompt": prompt(-1)})
        await timed("POST /queue/{last}/move", "POST", f"/queue/{last}/move", {"front": True})
        await timed("POST /queue delete one", "POST", "/queue", {"delete": [last]}, tries=1)
        await timed("POST /queue clear", "POST", "/queue", {"clear": True}, tries=1)
    return took


@click.command()
@click.option("--waiting", default=100_000, show_default=True)
@click.option("--ended", default=1_000_000, show_default=True)
def main(waiting: int, ended: int) -> None:
    """Print what a long queue costs."""
    found: list[dict[str, tuple[float, float]]] = []
    for few_or_many in ((100, 100), (waiting, ended)):
        with tempfile.TemporaryDirectory() as scratch:
            fill(Path(scratch), *few_or_many)
            running = Running(Path(scratch))
            try:
                last = f"w{sum(few_or_many) - 1}"
                found.append(asyncio.run(measure(running.address, few_or_many[1] // 2, last)))
                click.echo(
                    f"{few_or_many[0]} waiting, {few_or_many[1]} ended: first connection after"
                    f" {running.until_connection:.2f} s, server {running.memory:.0f} MB"
                )
            finally:
                running.stop()
    short, long = found
    for name, (milliseconds, size) in long.items():
        click.echo(f"{name:75} {milliseconds:9.1f} ms {size:7.2f} MB   x {milliseconds / short[name][0]:.1f}")


if __name__ == "__main__":
    main()
