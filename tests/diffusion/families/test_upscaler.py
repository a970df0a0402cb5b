"""The SD x4 upscaler sees pictures, and makes of them what the published pipeline does."""

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from safetensors.torch import save_file
from torch import Tensor

from engine.diffusion.drive import alone
from engine.diffusion.families.load import Checkpoint, load_checkpoint
from engine.diffusion.families.save import checkpoint_tensors
from engine.diffusion.families.upscaler import noised
from nodes.sample import ksampler
from nodes.upscale_diffusion import sd_4x_upscale_conditioning
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.layouts import LAYOUTS

BETAS: Any = {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "scaled_linear"}
SHAPE = LAYOUTS["upscaler"].unet


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


IMAGES = drawn(1, 2, 8, 12, 3).sigmoid()
POSITIVE, NEGATIVE = ([(drawn(seed, 1, 77, 32), {})] for seed in (2, 3))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return load_checkpoint(make_tiny_checkpoint(tmp_path_factory.mktemp("x4") / "x4.safetensors", "upscaler"))


@pytest.fixture(scope="module")
def peer(checkpoint: Checkpoint) -> UNet2DConditionModel:
    """The published configuration, as narrow as the tiny model and with its weights."""
    unet = UNet2DConditionModel(
        in_channels=7,
        block_out_channels=SHAPE.widths,
        down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * 3),
        up_block_types=(*("CrossAttnUpBlock2D",) * 3, "UpBlock2D"),
        only_cross_attention=(True, True, True, False),  # pyright: ignore[reportArgumentType] (as in its file)
        attention_head_dim=8,
        cross_attention_dim=SHAPE.context,
        num_class_embeds=1000,
        use_linear_projection=True,
    )
    unet.load_state_dict(checkpoint.model.network.state_dict())
    return unet.eval()


@torch.no_grad()
def test_the_network_is_the_published_one(checkpoint: Checkpoint, peer: UNet2DConditionModel) -> None:
    model, x, concat, level = checkpoint.model, drawn(4, 2, 4, 8, 12), drawn(5, 2, 3, 8, 12), torch.tensor([350])
    t, text = torch.tensor([7, 500]), POSITIVE[0][0].expand(2, -1, -1)
    made = model.family.call(model.network, x, t, text, {"concat": concat, "y": level}, ())
    wanted = peer(torch.cat([x, concat], 1), t, text, class_labels=level.expand(2), return_dict=False)[0]
    assert torch.allclose(made, wanted, atol=1e-6)


@pytest.mark.parametrize("level", [0, 20, 350])
def test_the_small_picture_is_noised_by_a_schedule_of_its_own(level: int) -> None:
    picture, noise = drawn(6, 1, 3, 8, 8), drawn(7, 1, 3, 8, 8)
    scheduler: Any = DDPMScheduler(**BETAS)
    wanted = scheduler.add_noise(picture, noise, torch.tensor([level]))
    assert torch.allclose(noised(picture, level, noise), wanted, atol=1e-5)


def test_prompts_carry_the_picture_and_the_latent_is_four_times_as_large(checkpoint: Checkpoint) -> None:
    shown = sd_4x_upscale_conditioning(IMAGES, POSITIVE, NEGATIVE, 4.0, 0.1)
    assert shown.latent["samples"].shape == (2, 4, 8, 12)
    made = [
        checkpoint.model.extras({**settings, "seed": 5}, shown.latent["samples"], None)
        for settings in (shown.positive[0][1], shown.negative[0][1])
    ]
    assert made[0]["y"].tolist() == [35]
    assert torch.equal(made[0]["concat"], made[1]["concat"])
    seen = IMAGES.movedim(-1, 1) * 2 - 1
    assert 0 < (made[0]["concat"] - seen).std() < 0.5
    other = checkpoint.model.extras({**shown.positive[0][1], "seed": 6}, shown.latent["samples"], None)
    assert not torch.equal(other["concat"], made[0]["concat"])
    twice = sd_4x_upscale_conditioning(IMAGES, POSITIVE, NEGATIVE, 2.0)
    assert twice.latent["samples"].shape == (2, 4, 4, 6)


@pytest.mark.parametrize("t", [1, 500, 999])
@torch.no_grad()
def test_what_it_predicts_is_what_the_published_scheduler_reads_of_it(
    t: int, checkpoint: Checkpoint, peer: UNet2DConditionModel
) -> None:
    model, x, concat, level = checkpoint.model, drawn(8, 1, 4, 8, 12), drawn(9, 1, 3, 8, 12), torch.tensor([20])
    text, sigma = POSITIVE[0][0], model.levels.table[t]
    made = model.predict(x * (1 + sigma**2) ** 0.5, sigma[None], text, {"concat": concat, "y": level})
    v = peer(torch.cat([x, concat], 1), torch.tensor([t]), text, class_labels=level, return_dict=False)[0]
    scheduler: Any = DDIMScheduler(**BETAS, prediction_type="v_prediction", clip_sample=False)
    scheduler.set_timesteps(1000)
    assert torch.allclose(made, scheduler.step(v, t, x).pred_original_sample, atol=1e-5)


@torch.inference_mode()
def test_a_picture_is_sampled_and_decoded_at_four_times_its_size(checkpoint: Checkpoint) -> None:
    assert checkpoint.vae is not None
    shown = sd_4x_upscale_conditioning(IMAGES, POSITIVE, NEGATIVE, 4.0, 0.05)
    run: dict[str, Any] = {"seed": 5, "steps": 2, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"}
    prompts: dict[str, Any] = {"positive": shown.positive, "negative": shown.negative}
    latent = alone(ksampler(checkpoint.model, **run, **prompts, latent_image=shown.latent))
    pixels = checkpoint.vae.decode(latent["samples"])
    assert pixels.shape == (2, 32, 48, 3)
    assert pixels.isfinite().all()


def test_a_prompt_without_a_picture_is_told_what_it_lacks(checkpoint: Checkpoint) -> None:
    with pytest.raises(ValueError, match="put SD_4XUpscale_Conditioning before"):
        checkpoint.model.extras({"seed": 1}, torch.zeros(1, 4, 8, 8), None)


def test_a_saved_checkpoint_is_recognised_again(checkpoint: Checkpoint, tmp_path: Path) -> None:
    tensors = checkpoint_tensors(checkpoint.model, checkpoint.clip, checkpoint.vae)
    save_file({name: each.contiguous() for name, each in tensors.items()}, tmp_path / "again.safetensors")
    assert load_checkpoint(tmp_path / "again.safetensors").model.family == checkpoint.model.family
