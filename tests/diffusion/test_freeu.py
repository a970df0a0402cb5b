"""FreeU scales what it says, where it says, and nothing else."""

from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.freeu import Strength, freeu, freeu_v2
from engine.diffusion.latent_format import SD15
from engine.diffusion.levels import DiscreteLevels
from engine.diffusion.model import Block, Model
from engine.diffusion.parameterisation import EPSILON


def model_of(network: nn.Module) -> Model:
    recognised: Any = type("Named", (), {"family": "test"})()
    return Model(network, StableDiffusion(recognised, SD15), DiscreteLevels(), EPSILON)


UNET = UNet2DConditionModel(
    sample_size=8,
    block_out_channels=(8, 16),
    down_block_types=("DownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "UpBlock2D"),
    layers_per_block=1,
    norm_num_groups=4,
    cross_attention_dim=8,
    attention_head_dim=4,
)
H = torch.randn(2, 32, 8, 12, generator=torch.Generator().manual_seed(1))
SKIP = torch.randn(2, 16, 8, 12, generator=torch.Generator().manual_seed(2))
STRENGTHS = Strength(1.5, 0.5), Strength(3.0, 0.0)
OUTPUT = Block("output", 0)


def test_half_of_the_features_and_the_lowest_frequencies_of_the_skip_are_scaled() -> None:
    h, skip = freeu(model_of(UNET), *STRENGTHS)(H, SKIP, OUTPUT)
    assert torch.equal(h[:, :16], H[:, :16] * 1.5)
    assert torch.equal(h[:, 16:], H[:, 16:])
    assert skip is not None
    assert torch.allclose(skip.mean(dim=(2, 3)), SKIP.mean(dim=(2, 3)) * 0.5, atol=1e-6)
    before, after = torch.fft.fft2(SKIP), torch.fft.fft2(skip)
    assert torch.allclose(after[..., 2:-1, 2:-1], before[..., 2:-1, 2:-1], atol=1e-3)
    assert after[..., 0, -1].abs().mean() < before[..., 0, -1].abs().mean()


def test_the_level_below_has_strengths_of_its_own() -> None:
    h, skip = freeu(model_of(UNET), *STRENGTHS)(H[:, :16], SKIP, OUTPUT)
    assert torch.equal(h[:, :8], H[:, :8] * 3)
    assert skip is not None
    assert abs(skip.mean()) < 1e-6


def test_the_second_version_scales_most_where_the_mean_is_highest() -> None:
    h, _ = freeu_v2(model_of(UNET), *STRENGTHS)(H, SKIP, OUTPUT)
    mean = H.mean(dim=1)
    for image in range(2):
        top, bottom = mean[image].argmax(), mean[image].argmin()
        factor = (h / H)[image, :16].flatten(1)
        assert torch.allclose(factor[:, top], torch.tensor(1.5), atol=1e-4)
        assert torch.allclose(factor[:, bottom], torch.tensor(1.0), atol=1e-4)
    assert torch.equal(h[:, 16:], H[:, 16:])


@pytest.mark.parametrize(("block", "channels"), [(Block("input", 0), 32), (Block("middle", 0), 32), (OUTPUT, 24)])
def test_other_blocks_and_widths_are_left_alone(block: Block, channels: int) -> None:
    h, skip = freeu(model_of(UNET), *STRENGTHS)(H[:, :channels], SKIP, block)
    assert torch.equal(h, H[:, :channels])
    assert skip is SKIP


def test_models_without_a_unet_are_refused() -> None:
    with pytest.raises(ValueError, match="FreeU changes the skips of a UNet, and test models have none"):
        freeu(model_of(nn.Linear(1, 1)), *STRENGTHS)
