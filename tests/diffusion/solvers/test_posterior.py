"""The samplers of DDPM and DDIM: what they share with each other, with the usual ones, and with diffusers."""

from typing import Any

import pytest
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor

from engine.diffusion.levels import DiscreteLevels
from engine.diffusion.names import NODE_SAMPLER_NAMES, SAMPLER_NAMES
from engine.diffusion.schedules import make_schedule
from engine.diffusion.solvers.setting import Setting
from engine.diffusion.solvers.solver import Solver, named
from tests.diffusion.analytic import LEVELS, run

SD1 = LEVELS["sd1_eps"]
SIGMAS = make_schedule("normal", SD1, 12)


def one_step(solver: Solver, x: Tensor, x0: Tensor, sigma: Tensor, sigma_next: Tensor, noise: Tensor) -> Tensor:
    """The latent after one step from sigma to sigma_next, given x0 and the noise drawn."""
    setting = Setting(SD1, lambda _now, _then: noise, lambda _now, _then: noise)
    steps = solver.steps(x, torch.stack([sigma, sigma_next]), setting)
    next(steps)
    with pytest.raises(StopIteration) as done:
        steps.send(x0)
    return done.value.value


def test_users_do_not_choose_them_by_name() -> None:
    assert not set(NODE_SAMPLER_NAMES) & set(SAMPLER_NAMES)
    with pytest.raises(ValueError, match="option variance"):
        named("ddpm_posterior", variance="some")
    with pytest.raises(ValueError, match="option eta"):
        named("ddim_eta", eta=1.5)


def test_ddim_without_noise_is_euler_in_the_variance_exploding_view() -> None:
    ours, euler = run(named("ddim_eta", eta=0.0), SD1, SIGMAS, 3), run(named("euler"), SD1, SIGMAS, 3)
    torch.testing.assert_close(ours.latent, euler.latent, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_ddim_with_eta_is_ancestral_euler(eta: float) -> None:
    # Ancestral Euler takes eta as a share of the deviation up to which noise is fresh, as DDIM does.
    ours, euler = (
        run(named("ddim_eta", eta=eta), SD1, SIGMAS, 3),
        run(named("euler_ancestral", eta=eta), SD1, SIGMAS, 3),
    )
    torch.testing.assert_close(ours.latent, euler.latent, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("model", ["sd1_eps", "zsnr_v", "sd3_flow"])
def test_ddim_with_eta_1_is_ddpm_with_beta_tilde(model: str) -> None:
    levels = LEVELS[model]
    sigmas = make_schedule("simple", levels, 10)
    ddim, ddpm = run(named("ddim_eta", eta=1.0), levels, sigmas, 3), run(named("ddpm_posterior"), levels, sigmas, 3)
    torch.testing.assert_close(ddim.latent, ddpm.latent, rtol=1e-4, atol=1e-4)


def test_the_usual_ddpm_has_beta_tilde() -> None:
    ours, usual = run(named("ddpm_posterior"), SD1, SIGMAS, 3), run(named("ddpm"), SD1, SIGMAS, 3)
    torch.testing.assert_close(ours.latent, usual.latent, rtol=1e-4, atol=1e-4)


def test_the_learned_variance_goes_from_beta_tilde_to_beta() -> None:
    def latent(**options: float | str) -> Tensor:
        return run(named("ddpm_posterior", **options), SD1, SIGMAS, 3).latent

    torch.testing.assert_close(latent(variance="learned", v=0.0), latent(variance="beta_tilde"))
    torch.testing.assert_close(latent(variance="learned", v=1.0), latent(variance="beta"))
    assert not torch.allclose(latent(variance="beta"), latent(variance="beta_tilde"))


@pytest.mark.parametrize(("kind", "v"), [("fixed_small", 0.0), ("fixed_large", 1.0), ("learned_range", 0.35)])
@pytest.mark.parametrize("t", [999, 600, 40])
def test_one_step_of_ddpm_is_that_of_diffusers(kind: Any, v: float, t: int) -> None:
    levels = DiscreteLevels()
    theirs = DDPMScheduler(
        1000, 0.00085, 0.012, "scaled_linear", variance_type=kind, clip_sample=False, prediction_type="sample"
    )
    generator = torch.Generator().manual_seed(4)
    x_t, x0 = torch.randn(2, 1, 4, 8, 8, generator=generator)
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(9))
    output = torch.cat([x0, torch.full_like(x0, 2 * v - 1)], dim=1) if kind == "learned_range" else x0
    wanted = theirs.step(output, t, x_t, generator=torch.Generator().manual_seed(9)).prev_sample  # pyright: ignore
    sigma, sigma_next = levels.table[t], levels.table[t - 1]
    solver = named("ddpm_posterior", variance="learned", v=v)
    ours = one_step(solver, x_t * (1 + sigma**2).sqrt(), x0, sigma, sigma_next, noise) / (1 + sigma_next**2).sqrt()
    torch.testing.assert_close(ours, wanted, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_one_step_of_ddim_is_that_of_diffusers(eta: float) -> None:
    levels = DiscreteLevels()
    theirs = DDIMScheduler(1000, 0.00085, 0.012, "scaled_linear", clip_sample=False, prediction_type="sample")
    theirs.set_timesteps(20)
    x_t, x0, noise = torch.randn(3, 1, 4, 8, 8, generator=torch.Generator().manual_seed(4))
    wanted = theirs.step(x0, 500, x_t, eta=eta, variance_noise=noise).prev_sample  # pyright: ignore
    sigma, sigma_next = levels.table[500], levels.table[450]
    ours = one_step(named("ddim_eta", eta=eta), x_t * (1 + sigma**2).sqrt(), x0, sigma, sigma_next, noise)
    torch.testing.assert_close(ours / (1 + sigma_next**2).sqrt(), wanted, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("name", NODE_SAMPLER_NAMES)
@pytest.mark.parametrize("model", ["sd1_eps", "zsnr_v", "edm", "sd3_flow", "flux"])
def test_every_kind_of_model_ends_finite(name: str, model: str) -> None:
    levels = LEVELS[model]
    done = run(named(name), levels, make_schedule("simple", levels, 6), seed=4)
    assert done.latent.isfinite().all()
    assert len(done.asked) == 6
