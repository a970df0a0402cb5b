"""The short versions of the crash harness: `python -m tests.crash.harness` has the long ones."""

import asyncio
from pathlib import Path

from tests.crash.harness import Found, Harness

RARE = ("move", "pause", "retry", "cancel")  # what clients ask for besides their jobs


def test_nothing_is_lost_doubled_or_orphaned_through_kills(tmp_path: Path) -> None:
    harness = Harness(tmp_path, seed=1, devices="cpu,cpu")
    found = asyncio.run(harness.run(kills=5))
    assert found == Found([], [], [])
    assert set(harness.killed) == {"server", "worker"}
    assert harness.answered


def test_nothing_is_lost_doubled_or_orphaned_by_a_kill_at_any_write(tmp_path: Path) -> None:
    halves = [Harness(tmp_path / str(part)) for part in range(2)]

    async def both() -> list[Found]:
        runs = (half.run_each_mark(RARE, part, parts=2) for part, half in enumerate(halves))
        return await asyncio.gather(*runs)

    assert asyncio.run(both()) == [Found([], [], [])] * 2
    killed = set(halves[0].killed) | set(halves[1].killed)
    writes = {"commit of add", "commit of lease", "commit of end", "commit of published", "link of an output"}
    assert {f"{when} {write}" for when in ("before", "after") for write in writes} <= killed
