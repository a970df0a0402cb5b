"""Mutated prompts against a running server: never a 500, never a hang.

python -m tests.server.fuzz [--prompts 10000] [--seed 0]
"""

import asyncio
import copy
import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import click

from tests.server.serving import serving

WORKFLOWS = sorted((Path(__file__).parents[2] / "workflows").glob("*.json"))
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**63, 2**200, -1e308, 1e-320, "", "x" * 10_000, "\0", "../../etc/passwd", "\ud800"),
    *([], {}, [[]], ["1"], ["1", 0], ["1", 99], ["none", 0], [1, 0], ["1", "0"], ["1", 0, 0], {"__value__": [1]}),
    *({"__value__": {"__value__": None}}, ["1", -1], ["1", True], [None, None], {"a": {"b": [{}]}}),
)


def mutated(prompt: Any, chance: random.Random) -> Any:
    """A prompt with a few things changed, at any depth."""
    made = copy.deepcopy(prompt)
    for _ in range(chance.choice((1, 1, 2, 5))):
        place, key = _somewhere(made, chance)
        change: Callable[[], Any] = chance.choice(
            (lambda: copy.deepcopy(chance.choice(ODD)), lambda: _elsewhere(made, chance))
        )
        match chance.choice(("change", "remove", "rename", "double")):
            case "remove" if len(place) > 1:
                del place[key]
            case "rename" if isinstance(place, dict):
                place[chance.choice(("", "class_type", "inputs", "1", "é" * 50))] = place.pop(key)
            case "double" if isinstance(place, list):
                place.append(change())
            case _:
                place[key] = change()
    return made


def _somewhere(value: Any, chance: random.Random) -> tuple[Any, Any]:
    """A container and a key in it, found by walking down at random."""
    place = value
    while True:
        keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = chance.choice(keys)
        inner = place[key]
        if not isinstance(inner, (dict, list)) or not inner or chance.random() < 0.2:
            return place, key
        place = inner


def _elsewhere(value: Any, chance: random.Random) -> Any:
    place, key = _somewhere(value, chance)
    return copy.deepcopy(place[key])


async def fuzz(address: str, count: int, seed: int) -> Counter[int]:
    """Submit so many mutated prompts to a paused queue; how often each status was answered."""
    chance = random.Random(seed)
    prompts = [json.loads(path.read_text("utf-8")) for path in WORKFLOWS]
    told: Counter[int] = Counter()
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(address, timeout=timeout) as session:
        await session.post("/queue/pause")
        for _ in range(count):
            body: Any = {"prompt": chance.choice(prompts)}
            body = mutated(body, chance) if chance.random() < 0.1 else {"prompt": mutated(body["prompt"], chance)}
            async with session.post("/prompt", data=json.dumps(body)) as answer:
                told[answer.status] += 1
                if answer.status not in (200, 400):
                    raise AssertionError(f"{answer.status} {await answer.text()} for {json.dumps(body)[:2000]}")
        await session.post("/queue", json={"clear": True})
        await session.post("/queue/resume")
        async with session.get("/queue/state") as answer:
            assert (await answer.json())["jobs"]["waiting"] == 0
    return told


@click.command()
@click.option("--prompts", default=10_000, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(prompts: int, seed: int) -> None:
    """Submit mutated prompts and count the answers."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        told = asyncio.run(fuzz(server.address, prompts, seed))
    click.echo(", ".join(f"{status}: {number}" for status, number in sorted(told.items())))


if __name__ == "__main__":
    main()
