"""Previews as a server's options and its jobs ask for them."""

import io
import json
import uuid
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file

from tests.server.serving import Client, serving, speak
from tests.tiny.small_decoder import make_small_decoder, numbered_layers

WORKFLOW = json.loads((Path(__file__).parents[2] / "workflows" / "text_to_image.json").read_text("utf-8"))
STEPS = 120  # previews are paid for by time that went by


async def seen(client: Client, seed: int, **extra: Any) -> list[Image.Image]:
    """The pictures that come while one is sampled."""
    me, prompt = uuid.uuid4().hex, json.loads(json.dumps(WORKFLOW))
    prompt["5"]["inputs"] |= {"seed": seed, "steps": STEPS}
    async with client.socket(me) as socket:
        id = await client.submit(prompt, client_id=me, extra_data=extra)
        messages = await socket.until_over(id)
    return [Image.open(io.BytesIO(each["data"][4:])) for each in messages if each["type"] == 1]


def make_green_decoder(path: Path) -> None:
    """A small decoder to which all latents are green."""
    tensors = {name: torch.zeros_like(each) for name, each in numbered_layers(make_small_decoder(path)).items()}
    tensors["19.bias"] = torch.tensor([0.0, 1.0, 0.0])
    save_file(tensors, path)


def is_green(picture: Image.Image) -> bool:
    return all(abs(each - wanted) < 4 for each, wanted in zip(picture.getpixel((9, 9)), (0, 255, 0), strict=True))  # type: ignore[arg-type]


def test_a_server_shows_latents_as_it_was_told_and_jobs_choose(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "vae_approx"
    folder.mkdir(parents=True)
    make_green_decoder(folder / "taesd_decoder.safetensors")

    async def scenario(client: Client) -> None:
        decoded = await seen(client, 1)
        decoded += await seen(client, 2, preview_method="default")  # no such method: the server's
        projected = await seen(client, 3, preview_method="latent2rgb")
        assert await seen(client, 4, preview_method="none") == []
        for each in (*decoded, *projected):
            assert (each.format, each.size) == ("JPEG", (128, 128))
        assert is_green(decoded[-1])
        assert not any(is_green(each) for each in projected)

    with serving(tmp_path, "--preview-method=taesd", "--preview-size=128") as server:
        speak(server, scenario)


def test_a_decoder_that_cannot_be_read_is_named_in_the_log_and_colours_are_shown(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "vae_approx"
    folder.mkdir(parents=True)
    (folder / "taesd_decoder.safetensors").write_bytes(b"no weights")

    async def scenario(client: Client) -> None:
        assert await seen(client, 1, preview_method="taesd")
        assert await seen(client, 2, preview_method="taesd")
        lines = [each["m"] for each in (await client.get("/internal/logs/raw"))["entries"]]
        assert sum("taesd_decoder.safetensors" in line for line in lines) == 1

    with serving(tmp_path) as server:
        speak(server, scenario)
