"""Where a node stands, as a picture."""

import io
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from engine.diffusion import preview
from engine.diffusion.families.load import Checkpoint, load_checkpoint
from engine.diffusion.latent_format import SD15
from engine.run.events import Progress, Where
from engine.run.previews import Previews
from engine.weights.folders import BUNDLED

HERE = Where("1", "1", None, "1")


@cache
def bundled() -> Checkpoint:
    return load_checkpoint(BUNDLED / "checkpoints" / "heddle-scenes.safetensors")


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def shown(what: Any, form: Any = None, method: str = "auto") -> bytes:
    return Previews(method)(Progress(HERE, 1, 2, what, form))


def test_a_latent_shows_the_colours_of_its_picture() -> None:
    loaded = bundled()
    assert loaded.vae is not None
    halves = torch.zeros(1, 64, 64, 3)
    halves[:, :, :32] = torch.tensor([0.9, 0.1, 0.1])
    halves[:, :, 32:] = torch.tensor([0.1, 0.2, 0.8])
    form = loaded.model.latent_format
    seen = preview.picture(form.process_in(loaded.vae.encode(halves)), form)
    assert seen is not None
    assert seen.shape == (8, 8, 3)
    assert (seen[:, :3] - halves[0, 0, 0]).abs().mean() < 0.12
    assert (seen[:, 5:] - halves[0, 0, -1]).abs().mean() < 0.12


def test_previews_have_one_size_and_format() -> None:
    data = shown(torch.randn(2, 4, 8, 16), bundled().model.latent_format)
    assert (opened(data).size, opened(data).format) == ((512, 256), "JPEG")
    assert opened(shown(Image.new("RGB", (30, 60)))).size == (256, 512)
    assert opened(shown(("JPEG", Image.new("RGBA", (30, 30)), 512))).mode == "RGB"
    assert opened(shown(torch.rand(1, 10, 20, 3))).size == (512, 256)


@pytest.mark.parametrize("what", [None, "text", torch.rand(3), ("JPEG", "no picture", 1)])
def test_what_is_no_picture_is_not_shown(what: Any) -> None:
    assert shown(what) == b""
    assert shown(torch.randn(1, 4, 8, 8), SD15) == b""  # no autoencoder is known


def test_a_picture_sent_for_its_own_sake_is_sent_whole_and_always() -> None:
    sent = ("PNG", Image.new("RGB", (7, 5), (1, 2, 3)), None)
    made = shown(sent, method="none")
    assert (opened(made).format, opened(made).size, opened(made).getpixel((0, 0))) == ("PNG", (7, 5), (1, 2, 3))
    assert shown(Image.new("RGB", (7, 5)), method="none") == b""


def test_previews_take_a_small_share_of_the_time() -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.5  # a preview takes half a second
        return now

    previews, progress = Previews("auto", clock), Progress(HERE, 1, 2, Image.new("RGB", (8, 8)))
    made = sum(bool(previews(progress)) for _ in range(200))
    assert made * 0.5 / now < 0.03
    assert made > 1


def test_the_colours_are_found_when_they_are_first_wanted(tmp_path: Path) -> None:
    asked: list[int] = []
    form = preview.seen_by(_Counting(asked), SD15)  # type: ignore[arg-type]
    assert asked == []
    with pytest.raises(ZeroDivisionError):
        preview.picture(torch.zeros(1, 4, 2, 2), form)
    assert asked == [1]


class _Counting:
    """An autoencoder that only says that it was asked."""

    factor = 8

    def __init__(self, asked: list[int]) -> None:
        self.asked = asked

    def encode(self, _pixels: torch.Tensor) -> torch.Tensor:
        self.asked.append(1)
        raise ZeroDivisionError
