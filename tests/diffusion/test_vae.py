"""A VAE of random weights: shapes, pieces, tiles, and what it refuses."""

from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from engine.diffusion.vae import Vae
from nodes.inpaint import image_pad_for_outpaint, inpaint_model_conditioning, set_latent_noise_mask
from nodes.inpaint import vae_encode_for_inpaint as encode_for_inpaint
from nodes.vae import vae_decode, vae_decode_tiled, vae_encode, vae_encode_tiled


class Cramped(AutoencoderKL):
    """Has room for 8 x 128 latent cells at once, and no more."""

    def decode(self, z: Tensor, return_dict: bool = True, generator: Any = None) -> Any:  # pyright: ignore
        if z.numel() > 4 * 8 * 128:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().decode(z, return_dict=return_dict)  # pyright: ignore[reportArgumentType]


def tiny(kind: type[AutoencoderKL] = AutoencoderKL) -> Vae:
    torch.manual_seed(0)
    widths: Any = (8, 8, 8, 8)
    down: Any = ("DownEncoderBlock2D",) * 4
    up: Any = ("UpDecoderBlock2D",) * 4
    module = kind(
        block_out_channels=widths, norm_num_groups=4, latent_channels=4, down_block_types=down, up_block_types=up
    )
    return Vae(module.eval())


@pytest.fixture(scope="module")
def vae() -> Vae:
    return tiny()


def test_pictures_become_latents_of_an_eighth_and_come_back(vae: Vae) -> None:
    assert (vae.factor, vae.channels) == (8, 4)
    latent = vae_encode(torch.rand(2, 69, 51, 4), vae)
    assert latent["samples"].shape == (2, 4, 8, 6)
    pixels = vae_decode(latent, vae)
    assert pixels.shape == (2, 64, 48, 3)
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    assert not pixels.requires_grad


def test_encoding_takes_the_mean_and_decoding_undoes_the_range(vae: Vae) -> None:
    x = torch.rand(1, 16, 16, 3)
    with torch.no_grad():
        mean = vae.module.encode(x.movedim(-1, 1) * 2 - 1).latent_dist.mean
        plain = vae.module.decode(mean).sample
    torch.testing.assert_close(vae.encode(x), mean)
    torch.testing.assert_close(vae.decode(mean), (plain / 2 + 0.5).clamp(0, 1).movedim(1, -1))


def test_pictures_of_a_batch_do_not_touch_each_other(vae: Vae) -> None:
    x = torch.rand(3, 32, 32, 3)
    together = vae.encode(x)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], vae.encode(x[i : i + 1]), rtol=1e-4, atol=1e-5)


def test_what_fits_into_one_tile_is_what_the_whole_is(vae: Vae) -> None:
    x = torch.rand(1, 32, 32, 3)
    latent = vae.encode(x)
    torch.testing.assert_close(vae_encode_tiled(x, vae)["samples"], latent)
    torch.testing.assert_close(vae_decode_tiled({"samples": latent}, vae), vae.decode(latent))


def test_tiles_cover_pictures_of_any_shape(vae: Vae) -> None:
    assert vae_decode_tiled({"samples": torch.randn(2, 4, 9, 25)}, vae, 64, 64).shape == (2, 72, 200, 3)
    assert vae_encode_tiled(torch.rand(1, 100, 210, 3), vae, 64, 4096)["samples"].shape == (1, 4, 12, 26)


def test_tiles_are_taken_when_memory_runs_out() -> None:
    latent = torch.randn(1, 4, 8, 136)
    cramped, roomy = tiny(Cramped), tiny()
    torch.testing.assert_close(cramped.decode(latent), roomy.decode_tiled(latent))


def test_a_latent_of_another_model_is_refused(vae: Vae) -> None:
    with pytest.raises(ValueError, match="belongs to another model"):
        vae.decode(torch.zeros(1, 16, 8, 8))
    with pytest.raises(ValueError, match="smaller than one latent cell"):
        vae.encode(torch.zeros(1, 4, 64, 3))
    missing: Any = None
    with pytest.raises(ValueError, match="there is no VAE"):
        vae_decode({"samples": torch.zeros(1, 4, 8, 8)}, missing)


def test_encoding_for_inpainting_brings_the_grown_mask_along(vae: Vae) -> None:
    mask = torch.zeros(1, 32, 32)
    mask[:, 8:16, 8:16] = 1
    latent = encode_for_inpaint(torch.rand(1, 32, 32, 3), vae, mask, 3)
    assert latent["samples"].shape == (1, 4, 4, 4)
    assert latent["noise_mask"].sum() == 100


def test_inpainting_models_are_shown_the_hole(vae: Vae) -> None:
    prompt: Any = [[torch.zeros(1, 77, 8), {"pooled_output": None}]]
    mask = torch.rand(1, 16, 16)
    made = inpaint_model_conditioning(prompt, prompt, vae, torch.rand(2, 40, 33, 3), mask, True)
    for conditioning in made[:2]:
        ((_, settings),) = conditioning
        assert settings["concat_latent_image"].shape == (2, 4, 5, 4)
        assert settings["concat_mask"].shape == (1, 1, 40, 32)
        assert torch.equal(settings["concat_mask"], made.latent["noise_mask"])
    assert prompt[0][1] == {"pooled_output": None}
    assert "noise_mask" not in inpaint_model_conditioning(prompt, prompt, vae, torch.rand(1, 8, 8, 3), mask, False)[2]


def test_a_noise_mask_is_set_in_any_shape() -> None:
    latent = {"samples": torch.zeros(1, 4, 2, 2)}
    assert set_latent_noise_mask(latent, torch.ones(16, 16))["noise_mask"].shape == (1, 1, 16, 16)
    assert "noise_mask" not in latent


def test_padding_is_grey_and_masked() -> None:
    padded = image_pad_for_outpaint(torch.ones(1, 32, 32, 3), 8, 0, 0, 16, 4)
    assert padded.image.shape == (1, 48, 40, 3)
    assert padded.image[0, 40, 20].tolist() == [0.5] * 3
    assert padded.mask[0, 40, 20] == 1
    assert padded.mask[0, 0, 8] == 1
    assert padded.mask[0, 0, 39] == 0
