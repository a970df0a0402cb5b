"""Training a ControlNet: it begins by changing nothing, learns to steer, and loads by the ordinary path."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.device.place import Placement
from engine.diffusion.calls import Call
from engine.diffusion.control import Control, ControlNet
from engine.diffusion.families.control_files import control_net_tensors, load_control_net
from engine.diffusion.families.save import write
from engine.diffusion.model import Model
from engine.diffusion.text.clip import required
from engine.diffusion.vae import present
from engine.training.control import TrainedControl, draw_hints, fresh_network, train_control
from engine.training.copies import trainable
from engine.training.pictures import draw_all
from engine.training.recipe import Recipe
from tests.training.toys import SIZES, Discs, tiny

RECIPE = Recipe(steps=40, batch=4, rate=0.01, warm_up=0, average=0, preview_every=0)
HINT = torch.rand(1, 32, 32, 3, generator=torch.Generator().manual_seed(3))


def model() -> Model:
    """A tiny model that has learnt something: a fresh one puts out nothing, whatever steers it."""
    made = tiny().model
    network = trainable(made.network)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    return replace(made, network=network.requires_grad_(False))


def trained(base: Model, recipe: Recipe = RECIPE, store: Path | None = None) -> TrainedControl:
    made = tiny()
    pictures = draw_all(Discs(8))
    with torch.inference_mode():  # as nodes are run
        return train_control(base, required(made.clip), present(made.vae), pictures, pictures, recipe, store=store)


def predicted(base: Model, net: ControlNet) -> torch.Tensor:
    x, sigma = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(2)), torch.tensor([2.0])
    text = torch.randn(1, 77, 16, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        hooks = Control(net, HINT).blocks(Call(base, x, sigma, text, {}, (1,)))
        return base.predict(x, sigma, text, {}, hooks)


def test_a_fresh_control_net_changes_nothing() -> None:
    base = model()
    net = ControlNet(fresh_network(base, seed=0), SIZES.unet, "fresh")
    text = torch.randn(1, 77, 16, generator=torch.Generator().manual_seed(5))
    x = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(2))
    assert torch.equal(predicted(base, net), base.predict(x, torch.tensor([2.0]), text, {}))


def test_it_learns_to_steer_and_the_model_stays_as_it_is(tmp_path: Path) -> None:
    base = model()
    before = {name: weight.clone() for name, weight in base.network.state_dict().items()}
    made = trained(base)
    assert made.loss < 0.9 * made.loss_without
    assert all(torch.equal(before[name], weight) for name, weight in base.network.state_dict().items())
    write(tmp_path / "net.safetensors", control_net_tensors(made.net.network), {})
    loaded = load_control_net(tmp_path / "net.safetensors", Placement())
    assert (loaded.shape.widths, loaded.shape.encoder, loaded.shape.context) == ((32, 64), ((1,), (0,)), 16)
    assert torch.allclose(predicted(base, loaded), predicted(base, made.net), atol=1e-5)


def test_the_seed_decides_the_run_and_a_resumed_one_goes_on(tmp_path: Path) -> None:
    short = replace(RECIPE, steps=4, last_rate=1.0)
    whole = trained(model(), short)
    trained(model(), replace(short, steps=2), tmp_path / "run.safetensors")
    resumed = trained(model(), short, tmp_path / "run.safetensors")
    assert len(resumed.run.losses) == 4
    assert resumed.run.losses == pytest.approx(whole.run.losses, rel=1e-4)


def test_samples_show_hints_and_what_is_made_of_them() -> None:
    shown = trained(model(), replace(RECIPE, steps=1, preview_every=1)).run.shown
    assert shown.height == 224 + 2 * 32


def test_the_file_for_the_bundled_model_is_small() -> None:
    """Widths 64, 128 and 192, one block a level: below 20 MB in float16."""
    from engine.training.new_model import Sizes, new_model

    sizes = Sizes(
        unet_widths=(64, 128, 192), unet_depths=(0, 1, 1), vae_widths=(32, 32, 32, 32), text_width=96, text_layers=1
    )
    tensors = control_net_tensors(fresh_network(new_model(sizes).model, 0))
    assert sum(each.numel() * each.element_size() for each in tensors.values()) < 12e6


WRONG: dict[str, tuple[Any, Any, str]] = {
    "count": (Discs(4), Discs(3), "has 3 hints and discs has 4 pictures"),
    "size": (Discs(4), Discs(4, 40), "are 40 x 40 and the pictures of discs are 32 x 32"),
    "cells": (Discs(2, 36), Discs(2, 36), "36 x 36 do not divide into latent cells of 8 pixels"),
}


@pytest.mark.parametrize("name", WRONG)
def test_hints_that_do_not_belong_to_the_pictures_are_told(name: str) -> None:
    pictures, hints, told = WRONG[name]
    with pytest.raises(ValueError, match=told):
        draw_hints(pictures, hints)
