"""A server that is told to stop leaves nothing half done: a run is parked at its step, a short one ends."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.server.serving import Client, serving, speak
from tests.server.test_jobs import sleep

STEPS = 80


def sampling(prefix: str) -> dict[str, Any]:
    """A run of many steps whose latent is saved."""
    path = Path(__file__).parents[2] / "workflows" / "text_to_image.json"
    prompt = json.loads(path.read_text("utf-8"))
    prompt["5"]["inputs"] |= {"steps": STEPS, "sampler_name": "dpmpp_2m_sde"}
    del prompt["6"], prompt["7"]
    prompt["8"] = {"class_type": "SaveLatent", "inputs": {"samples": ["5", 0], "filename_prefix": prefix}}
    return prompt


def test_a_run_is_parked_at_its_step_and_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    ids: list[str] = []
    with serving(tmp_path) as server:

        async def until_it_samples(client: Client) -> None:
            async with client.socket("watcher") as socket:
                ids.append(await client.submit(sampling("parked"), client_id="watcher"))
                while (message := await socket.next())["type"] != "progress" or message["data"]["value"] < 3:
                    assert message["type"] != "execution_success"

        speak(server, until_it_samples)
        server.process.terminate()
        assert server.process.wait(60) == 0
    (journal,) = (tmp_path / "user" / "journals").iterdir()
    assert journal.stat().st_size > 0
    assert not list((tmp_path / "output").glob("*.latent"))
    with serving(tmp_path) as server:

        async def until_it_ended(client: Client) -> None:
            assert (await client.ended(ids[0]))["status"]["completed"]
            whole = await client.submit(sampling("whole"))
            assert (await client.ended(whole))["status"]["completed"]

        speak(server, until_it_ended)
    assert not journal.exists()
    parked, whole = (next((tmp_path / "output").glob(f"{name}_*.latent")) for name in ("parked", "whole"))
    assert torch.equal(*(load_file(path)["latent_tensor"] for path in (parked, whole)))


@pytest.mark.parametrize("how", ["--journal-after=60", "--journal-after=-1"])
def test_a_job_without_steps_ends_or_waits_again(tmp_path: Path, how: str) -> None:
    with serving(tmp_path, how) as server:

        async def until_it_sleeps(client: Client) -> None:
            async with client.socket("watcher") as socket:
                await client.submit(sleep(0.5), client_id="watcher", prompt_id="sleeper")
                while (await socket.next())["type"] != "executing":
                    pass

        speak(server, until_it_sleeps)
        server.process.terminate()
        assert server.process.wait(60) == 0
    with serving(tmp_path) as server:

        async def look(client: Client) -> None:
            assert (await client.ended("sleeper"))["status"]["completed"]

        speak(server, look)
