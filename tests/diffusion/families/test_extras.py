"""What networks take beside the text: sizes, scores, masks and pictures."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from engine.diffusion.families.load import Checkpoint
from engine.diffusion.families.sdxl import sinusoids
from engine.diffusion.latent_format import SD15

Tiny = Callable[[str], Checkpoint]
POOLED = torch.arange(32.0)[None]


def y(tiny: Tiny, family: str, **entry: Any) -> Tensor:
    extras = tiny(family).model.family.extras({"pooled_output": POOLED, **entry}, torch.zeros(2, 4, 6, 10), None)
    return extras["y"]


def told(*numbers: float) -> Tensor:
    return torch.cat([POOLED, sinusoids(torch.tensor(numbers)).flatten()[None]], dim=1)


def test_sinusoids_are_cosines_then_sines_of_falling_frequencies() -> None:
    made = sinusoids(torch.tensor([0.0, 1000.0]))
    assert made.shape == (2, 256)
    assert torch.equal(made[0], torch.cat([torch.ones(128), torch.zeros(128)]))
    frequencies = 10000.0 ** (-torch.arange(128, dtype=torch.float64) / 128)
    exact = torch.cat([(1000 * frequencies).cos(), (1000 * frequencies).sin()])
    assert torch.allclose(made[1].double(), exact, atol=1e-4)


def test_sdxl_is_told_the_pictures_own_size_unless_a_node_says_otherwise(tiny: Tiny) -> None:
    assert torch.equal(y(tiny, "sdxl"), told(48, 80, 0, 0, 48, 80))
    said = {"width": 1024, "height": 512, "crop_w": 3, "crop_h": 4, "target_width": 5, "target_height": 6}
    assert torch.equal(y(tiny, "sdxl", **said), told(512, 1024, 4, 3, 6, 5))
    assert torch.equal(y(tiny, "sdxl", width=1024, height=512), told(512, 1024, 0, 0, 512, 1024))


def test_the_refiner_scores_the_negative_prompt_low(tiny: Tiny) -> None:
    assert torch.equal(y(tiny, "refiner", role="positive"), told(48, 80, 0, 0, 6.0))
    assert torch.equal(y(tiny, "refiner", role="negative"), told(48, 80, 0, 0, 2.5))
    assert torch.equal(y(tiny, "refiner", role="negative", aesthetic_score=9.0), told(48, 80, 0, 0, 9.0))


def concat(tiny: Tiny, family: str, latent: Tensor, mask: Tensor | None = None, **entry: Any) -> Tensor:
    pooled = {"pooled_output": POOLED}
    return tiny(family).model.family.extras(pooled | entry, latent, mask)["concat"]


def test_an_inpainting_network_without_a_mask_sees_grey_that_is_all_to_be_painted(tiny: Tiny) -> None:
    made = concat(tiny, "inpaint", torch.randn(2, 4, 4, 4))
    grey = torch.tensor([1.0, 0.8223, -0.6876, 0.6364, 0.1380]).view(1, 5, 1, 1).expand(2, 5, 4, 4)
    assert torch.equal(made, grey)


def test_an_inpainting_network_sees_a_rounded_mask_and_the_processed_picture(tiny: Tiny) -> None:
    latent, picture = torch.randn(3, 4, 4, 4), torch.randn(1, 4, 4, 4)
    mask = torch.zeros(1, 32, 32)
    mask[:, :, 12:] = 1  # three cells of eight pixels: half of the second is covered
    made = concat(tiny, "inpaint", latent, concat_mask=mask, concat_latent_image=picture)
    assert made.shape == (3, 5, 4, 4)
    assert set(made[:, 0].unique().tolist()) == {0.0, 1.0}
    assert torch.equal(made[:, 0, :, 0], torch.zeros(3, 4))
    assert torch.equal(made[:, 0, :, 2:], torch.ones(3, 4, 2))
    assert torch.equal(made[:, 1:], SD15.process_in(picture).expand(3, 4, 4, 4))


def test_an_inpainting_network_falls_back_to_the_noise_mask_and_the_initial_latent(tiny: Tiny) -> None:
    latent = torch.randn(2, 4, 4, 4)
    mask = torch.full((1, 1, 4, 4), 0.7)
    made = concat(tiny, "inpaint", latent, mask)
    assert torch.equal(made[:, :1], torch.ones(2, 1, 4, 4))
    assert torch.equal(made[:, 1:], latent)


def test_an_editing_network_sees_the_unscaled_picture_or_nothing(tiny: Tiny) -> None:
    latent, picture = torch.randn(2, 4, 4, 4), torch.randn(1, 4, 4, 4)
    assert torch.equal(concat(tiny, "pix2pix", latent), torch.zeros(2, 4, 4, 4))
    assert torch.equal(concat(tiny, "pix2pix", latent, concat_latent_image=picture), picture.expand(2, 4, 4, 4))
