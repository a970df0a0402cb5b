"""The short version of the crash harness: `python -m tests.crash.harness` is the long one."""

import asyncio
from pathlib import Path

from tests.crash.harness import Found, Harness


def test_nothing_is_lost_doubled_or_orphaned_through_kills(tmp_path: Path) -> None:
    harness = Harness(tmp_path, seed=1, devices="cpu,cpu")
    found = asyncio.run(harness.run(kills=8))
    assert found == Found([], [], [])
    assert set(harness.killed) == {"server", "worker"}
    assert harness.answered
