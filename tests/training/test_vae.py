"""Training an autoencoder: it learns, leaves the one given alone, and its latents come out as SD 1.x expects them."""

from copy import deepcopy
from typing import Any

import pytest
import torch

from engine.diffusion.vae import Vae, present
from engine.training.latent_scale import fold, statistics, wanted_deviation
from engine.training.pictures import cropped, draw_all
from engine.training.recipe import Recipe
from engine.training.vae import Losses, encode_all, train_vae
from tests.training.toys import Discs, tiny

RECIPE = Recipe(steps=25, batch=4, rate=3e-3, warm_up=2, average=0.8, preview_every=0)


def test_an_autoencoder_learns_and_its_latents_get_the_size_of_sd1() -> None:
    vae = present(tiny().vae)
    module: Any = vae.module
    before = deepcopy(module.state_dict())
    pictures = draw_all(Discs())
    with torch.inference_mode():  # as nodes are run
        trained = train_vae(vae, pictures, RECIPE)
    assert trained.run.losses[-1] < trained.run.losses[0] / 2
    assert trained.psnr > 12
    assert all(torch.equal(before[name], now) for name, now in module.state_dict().items())
    mean, deviation = statistics(encode_all(trained.vae, pictures, range(8)))
    assert torch.allclose(deviation, torch.full((4,), wanted_deviation()), rtol=0.01)
    assert (mean.abs() < 0.05 * wanted_deviation()).all()
    learnt: Any = trained.vae.module
    assert all(torch.equal(weight, weight.half().float()) for weight in learnt.parameters())


def test_folding_a_scale_changes_latents_and_no_picture() -> None:
    vae = present(tiny().vae)
    module: Any = vae.module
    pixels = draw_all(Discs(2)).pixels(range(2))
    latent, picture = vae.encode(pixels), vae.decode(vae.encode(pixels))
    logvar = module.encode(pixels.movedim(-1, 1) * 2 - 1).latent_dist.logvar
    mean, scale = torch.tensor([0.3, -1.0, 0.0, 2.0]), torch.tensor([4.0, 0.5, 1.0, 3.0])
    fold(module, mean, scale)
    scaled = vae.encode(pixels)
    spread = scale.view(1, -1, 1, 1)
    assert torch.allclose(scaled, (latent - mean.view(1, -1, 1, 1)) * spread, atol=1e-5)
    assert torch.allclose(vae.decode(scaled), picture, atol=1e-5)
    moved = module.encode(pixels.movedim(-1, 1) * 2 - 1).latent_dist.logvar
    assert torch.allclose(moved, logvar + 2 * spread.log(), atol=1e-5)


def test_folding_by_powers_of_two_is_exact() -> None:
    vae = present(tiny().vae)
    pixels = draw_all(Discs(2)).pixels(range(2))
    latent, picture = vae.encode(pixels), vae.decode(vae.encode(pixels))
    fold(vae.module, torch.zeros(4), torch.tensor([2.0, 4.0, 0.5, 1.0]))
    assert torch.equal(vae.encode(pixels), latent * torch.tensor([2.0, 4.0, 0.5, 1.0]).view(1, -1, 1, 1))
    assert torch.equal(vae.decode(vae.encode(pixels)), picture)


def test_losses_count_edges_and_divergence() -> None:
    flat, edge = torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    edge[..., 4:] = 1
    moments = torch.zeros(1, 8, 1, 1)
    assert Losses(edges=0, kl=1).of(flat, flat, moments) == 0
    plain = Losses("mse", edges=0, kl=0).of(flat, edge, moments)
    assert plain == 0.5
    assert Losses("mse", edges=1, kl=0).of(flat, edge, moments) > plain
    moments[:, :4] = 2
    assert Losses(edges=0, kl=1).of(flat, flat, moments) == 4 * 0.5 * 4


def test_crops_are_parts_of_the_pictures_at_places_of_their_own() -> None:
    planes = torch.arange(64.0).view(1, 1, 8, 8).repeat(6, 3, 1, 1)
    parts = cropped(planes, 4, torch.Generator().manual_seed(0))
    assert parts.shape == (6, 3, 4, 4)
    assert len({each[0, 0, 0].item() for each in parts}) > 1
    assert cropped(planes, 16, torch.Generator()).shape == planes.shape


def test_sides_that_do_not_fit_are_named() -> None:
    vae: Vae = present(tiny().vae)
    with pytest.raises(ValueError, match="crops of 12 pixels a side do not fit"):
        train_vae(vae, draw_all(Discs(2)), RECIPE, crop=12)
    with pytest.raises(ValueError, match="pictures of 30 pixels a side do not fit"):
        train_vae(vae, draw_all(Discs(2, side=30)), RECIPE)


def test_an_empty_dataset_is_named() -> None:
    with pytest.raises(ValueError, match="the dataset discs is empty"):
        draw_all(Discs(0))
