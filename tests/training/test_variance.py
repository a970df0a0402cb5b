"""Learned variances: the bound against torch's own, a network that learns them, and sampling that reads them."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from engine.diffusion.denoiser import Denoiser
from engine.diffusion.drive import alone
from engine.diffusion.entries import resolve
from engine.diffusion.families.load import Checkpoint, load_checkpoint
from engine.diffusion.families.save import checkpoint_tensors, write
from engine.diffusion.guidance import CfgGuider
from engine.diffusion.levels import DiscreteLevels
from engine.diffusion.noise import RandomNoise
from engine.diffusion.sampling import sample
from engine.diffusion.solvers.solver import named
from engine.diffusion.text.clip import required
from engine.diffusion.vae import present
from engine.training.denoising import Objective, train_denoising
from engine.training.new_model import new_model
from engine.training.pictures import draw_all
from engine.training.recipe import Recipe
from engine.training.variance import variance_bound
from tests.training.toys import SIZES, Discs

RECIPE = Recipe(steps=24, batch=8, rate=3e-3, warm_up=2, average=0.5, preview_every=0, precision="float32")
TABLE = DiscreteLevels().table


def spread(seed: int = 3) -> Checkpoint:
    return new_model(replace(SIZES, learned_variance=True), seed)


def noisy_variance(made: Checkpoint) -> None:
    """Let the network say something of the variance, and other things at other places."""
    network = made.model.network
    with torch.no_grad():
        network.get_parameter("conv_out.weight").normal_(0, 0.05, generator=torch.Generator().manual_seed(2))


def test_the_bound_is_the_divergence_of_the_posteriors() -> None:
    x0, predicted, v = torch.randn(3, 3, 4, 4, 4, generator=torch.Generator().manual_seed(1)).unbind()
    sigma, below = TABLE[[1, 400, 999]], TABLE[[0, 399, 998]]
    signal, before = (1 / (1 + each.double().view(-1, 1, 1, 1) ** 2) for each in (sigma, below))
    beta = 1 - signal / before
    true = (1 - before) / (1 - signal) * beta
    share = (v.double() + 1) / 2
    mean, ours = (before.sqrt() * beta / (1 - signal) * each for each in (x0, predicted))  # both plus the same of x_t
    expected = kl_divergence(
        Normal(mean, true.sqrt()), Normal(ours, (beta**share * true ** (1 - share)).sqrt(), validate_args=False)
    )
    got = variance_bound(x0, predicted, v, sigma, below)
    assert torch.allclose(got, expected.flatten(1).mean(1).float() / math.log(2), rtol=1e-3)


def test_the_bound_is_nothing_for_what_is_right_and_where_no_noise_is_drawn() -> None:
    x0, other = torch.randn(2, 2, 4, 4, 4).unbind()
    beta_tilde = torch.full_like(x0, -1)
    assert variance_bound(x0, x0, beta_tilde, TABLE[[3, 700]], TABLE[[2, 699]]).abs().max() < 1e-6
    assert variance_bound(x0, other, other, TABLE[[0, 0]], torch.zeros(2)).tolist() == [0, 0]


def test_the_bound_moves_the_variance_alone() -> None:
    x0 = torch.randn(1, 4, 4, 4)
    predicted, v = (torch.randn(1, 4, 4, 4, requires_grad=True) for _ in range(2))
    variance_bound(x0, predicted, v, TABLE[[500]], TABLE[[499]]).sum().backward()
    assert predicted.grad is None
    assert v.grad is not None
    assert v.grad.abs().min() > 0


def test_variances_are_learnt_beside_the_noise_saved_and_loaded(tmp_path: Path) -> None:
    made = spread()
    given = (made.model, required(made.clip), present(made.vae), draw_all(Discs()))
    with torch.inference_mode():  # as nodes are run
        plain = train_denoising(*given, RECIPE, Objective())
        both = train_denoising(*given, RECIPE, Objective(variance=0.001))

    def channels(each: Checkpoint | None, trained: torch.nn.Module) -> Tensor:
        return trained.get_parameter("conv_out.weight")[4:]

    assert not channels(None, plain.model.network).any()
    assert channels(None, both.model.network).any()
    assert sum(both.run.losses[-4:]) < 0.9 * sum(both.run.losses[:4])

    write(tmp_path / "spread.safetensors", checkpoint_tensors(both.model, both.clip, made.vae), {})
    loaded = load_checkpoint(tmp_path / "spread.safetensors").model
    x, sigma, text = torch.randn(1, 4, 4, 4), torch.tensor([2.0]), torch.randn(1, 77, 16)
    assert torch.equal(loaded.predict(x, sigma, text, {}), both.model.predict(x, sigma, text, {}))
    assert loaded.predict(x, sigma, text, {}).shape == x.shape
    assert replace(loaded, tells_variance=True).predict(x, sigma, text, {}).shape == (1, 8, 4, 4)


def test_the_sampler_reads_what_was_learnt_and_others_leave_it() -> None:
    made = spread()
    noisy_variance(made)
    text = [(torch.randn(1, 77, 16, generator=torch.Generator().manual_seed(1)), {})]
    guider = CfgGuider(made.model, text, text, 2.0)
    sigmas = torch.tensor([14.0, 6.0, 2.0, 0.5, 0.0])
    empty = {"samples": torch.zeros(1, 4, 4, 4)}

    def run(model: CfgGuider, name: str, **options: str | float) -> Tensor:
        return alone(sample(model, RandomNoise(1), named(name, **options), sigmas, empty)).latent["samples"]

    learned = run(guider, "ddpm_posterior", variance="learned", v=0.1)
    assert torch.equal(learned, run(guider, "ddpm_posterior", variance="learned", v=0.9))
    assert not torch.equal(learned, run(guider, "ddpm_posterior", variance="beta"))
    assert torch.isfinite(run(guider, "euler")).all()
    none = new_model(SIZES, 3)
    without = CfgGuider(none.model, text, text, 2.0)
    assert not torch.equal(
        run(without, "ddpm_posterior", variance="learned", v=0.1),
        run(without, "ddpm_posterior", variance="learned", v=0.9),
    )


@pytest.mark.parametrize("reads", [False, True])
def test_a_prediction_holds_the_variance_where_it_is_wanted(reads: bool) -> None:
    made = spread()
    noisy_variance(made)
    tokens = torch.randn(2, 77, 16, generator=torch.Generator().manual_seed(1))
    first, second = ([(each[None], {})] for each in tokens)
    guider = CfgGuider(made.model, first, second, 3.0)
    x, sigma = torch.randn(2, 4, 4, 4), torch.tensor(3.0)
    denoiser = Denoiser(guider, resolve(guider.lists, made.model, x, None), reads_variance=reads)
    prediction = denoiser(x, sigma)
    assert (prediction.variance is not None) == reads
    told = replace(made.model, tells_variance=True)
    both = told.predict(x, sigma.expand(2), tokens[:1].expand(2, -1, -1), {})
    if prediction.variance is not None:
        assert torch.allclose(prediction.variance, both[:, 4:], atol=1e-5)
    assert prediction.x0.shape == x.shape
