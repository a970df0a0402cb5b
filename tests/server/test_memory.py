"""What `/system_stats` tells of memory (docs/memory.md, "The account"): live, and without names for strangers."""

import asyncio
from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest

from tests.server.conformance.asking import node, watched
from tests.server.serving import Client, Server, serving, speak
from tests.server.test_metrics import figures, of

FAR = {"X-Forwarded-For": "203.0.113.9"}
BUDGET = 3_000_000_000


@pytest.fixture(scope="module")
def budgeted(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    with serving(tmp_path_factory.mktemp("memory"), "--ram-budget=3GB") as started:
        yield started


def small_picture() -> Mapping[str, Any]:
    """A prompt that takes the bundled model one step."""
    text = node("CLIPTextEncode", clip=["m", 1], text="a house")
    latent = node("EmptyLatentImage", width=64, height=64, batch_size=1)
    settings = {"seed": 1, "steps": 1, "cfg": 1.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}
    links = {"model": ["m", 0], "positive": ["t", 0], "negative": ["t", 0], "latent_image": ["l", 0]}
    return {
        "m": node("CheckpointLoaderSimple", ckpt_name="heddle-scenes.safetensors"),
        "t": text,
        "l": latent,
        "s": node("KSampler", **links, **settings),
        "d": node("VAEDecode", samples=["s", 0], vae=["m", 2]),
        "p": node("PreviewImage", images=["d", 0]),
    }


async def until(client: Client, fits: Callable[[Any], object]) -> Any:
    """Wait until what the only worker holds is so."""
    async with asyncio.timeout(60):
        while True:
            (device,) = (await client.get("/system_stats"))["devices"]
            if fits(device["heddle"]):
                return device["heddle"]
            await asyncio.sleep(0.05)


def by_kind(told: Any) -> dict[str, list[Any]]:
    return {kind: [each for each in told["shares"] if each["kind"] == kind] for kind in ("weights", "results", "work")}


def test_a_run_makes_shares_appear_and_free_makes_them_go(budgeted: Server) -> None:
    async def scenario(client: Client) -> None:
        told = await until(client, lambda _: True)
        assert (told["worker"], told["budget"], told["ram"]) == ("cpu", BUDGET, None)
        await client.post("/free", {"unload_models": True, "free_memory": True})
        await until(client, lambda told: told["shares"] == [] and told["held"] == 0)
        await watched(client, small_picture())
        told = await until(client, lambda told: by_kind(told)["results"] and not by_kind(told)["work"])
        unet = next(each for each in by_kind(told)["weights"] if "heddle-scenes.safetensors" in each["what"])
        assert 0 < unet["near"] <= unet["whole"] <= told["held"] < BUDGET
        assert any(each["expected"] > 0 for each in told["estimates"])
        metrics = await figures(client)
        held = [of(metrics, "heddle_worker_held_bytes", worker="cpu", where="ram", kind=kind) for kind in by_kind(told)]
        assert sum(held) == told["held"]
        assert min(held[:2]) > 0
        await client.post("/free", {"unload_models": True})
        told = await until(client, lambda told: not by_kind(told)["weights"])
        assert by_kind(told)["results"]
        await client.post("/free", {"free_memory": True})
        await until(client, lambda told: told["shares"] == [] and told["held"] == 0)

    speak(budgeted, scenario)


def test_strangers_are_told_how_much_but_not_of_what(budgeted: Server) -> None:
    async def scenario(client: Client) -> None:
        await watched(client, small_picture())
        near = await until(client, lambda told: by_kind(told)["weights"] and not by_kind(told)["work"])
        async with client.http.get("/system_stats", headers=FAR) as answer:
            (device,) = (await answer.json())["devices"]
            assert "safetensors" not in await answer.text()
        far = device["heddle"]
        assert far == near | {"estimates": [], "shares": [each | {"what": None} for each in near["shares"]]}

    speak(budgeted, scenario)
