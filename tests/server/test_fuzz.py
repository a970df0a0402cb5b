"""The short version of `python -m tests.server.fuzz`."""

import asyncio

from tests.server.fuzz import fuzz
from tests.server.serving import Server


def test_mutated_prompts_are_answered_with_200_or_400(server: Server) -> None:
    told = asyncio.run(fuzz(server.address, 400, seed=1))
    assert set(told) == {200, 400}
