"""Fresh models: loaders know them, saving loses nothing, and they start from noise prediction of nothing."""

from pathlib import Path
from typing import Any, cast

import pytest
import torch

from engine.diffusion.drive import alone
from engine.diffusion.families.load import load_checkpoint
from engine.diffusion.families.save import checkpoint_tensors, write
from engine.diffusion.sampling import ksampler
from engine.diffusion.text.clip import conditioning, required
from engine.training.new_model import Sizes, new_model, parameters_of
from engine.training.pictures import draw_all
from engine.training.scenes.examples import SceneDataset
from engine.training.vae import psnr
from tests.training.toys import SIZES, tiny


def test_a_saved_model_loads_to_the_same_bits_and_is_kept_in_float16(tmp_path: Path) -> None:
    made = tiny()
    with torch.no_grad():  # what starts as nothing would hide differences
        for weight in made.model.network.parameters():
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)) * 0.1).copy_(
                weight.half()
            )
    tensors = checkpoint_tensors(made.model, made.clip, made.vae)
    assert {each.dtype for each in tensors.values()} == {torch.float16}
    write(tmp_path / "model.safetensors", tensors, {})
    loaded = load_checkpoint(tmp_path / "model.safetensors")
    assert loaded.model.family == made.model.family
    pictures = []
    for each in (made, loaded):
        clip = required(each.clip)
        text = conditioning(clip.encode(clip.tokenize("a red disc")))
        latent = {"samples": torch.zeros(1, 4, 4, 4)}
        sampled = alone(ksampler(each.model, 1, 2, 4.0, "euler", "normal", text, text, latent))
        assert each.vae is not None
        pictures.append(each.vae.decode(sampled["samples"]))
    assert torch.equal(*pictures)


def test_the_seed_decides_the_weights() -> None:
    first, again, other = (new_model(SIZES, seed) for seed in (1, 1, 2))

    def weights(made: Any) -> torch.Tensor:
        return torch.cat([each.flatten() for each in made.vae.module.parameters()])

    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))


def test_a_fresh_autoencoder_already_keeps_a_thumbnail() -> None:
    pictures = draw_all(SceneDataset(6, 1, 128, "colour"))
    wide, narrow = (new_model(Sizes(vae_widths=(width, 32, 32, 96))).vae for width in (96, 32))
    assert wide is not None
    assert narrow is not None
    assert psnr(wide, pictures, range(6)) > 20
    assert psnr(narrow, pictures, range(6)) < psnr(wide, pictures, range(6)) - 3  # no room for a constant in its groups


def test_a_fresh_network_predicts_nothing() -> None:
    made = tiny()
    x = torch.randn(1, 4, 4, 4)
    assert torch.equal(made.model.predict(x, torch.tensor([1.0]), torch.zeros(1, 77, 16), {}), x)


def test_sizes_are_counted_and_widths_are_those_asked_for() -> None:
    sizes = Sizes(unet_widths=(32, 64, 96), unet_depths=(0, 1, 2), text_width=24, text_layers=2)
    made = new_model(sizes)
    counts = parameters_of(made)
    assert counts["text l"] > 49408 * 24
    config = cast(Any, made.model.network).config
    assert tuple(config["block_out_channels"]) == (32, 64, 96)
    assert cast(Any, made.model.family).recognised.unet == sizes.unet


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"unet_widths": (40, 64), "unet_depths": (1, 1)}, "multiples of 32"),
        ({"unet_depths": (1,)}, "one number from 0 up for each"),
        ({"vae_widths": (32, 32)}, "has 2 levels"),
        ({"text_width": 4}, "multiple of 8"),
    ],
)
def test_sizes_that_make_no_model_are_named(wrong: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Sizes(**wrong)
