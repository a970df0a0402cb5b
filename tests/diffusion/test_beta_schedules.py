"""Noise schedules agree with their papers and with diffusers."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

from engine.diffusion import beta_schedules
from engine.diffusion.beta_schedules import NoiseSchedule, ScheduleLevels
from engine.diffusion.levels import DiscreteLevels
from engine.diffusion.schedules import make_schedule

RULES = {
    "linear": beta_schedules.linear,
    "scaled_linear": lambda: beta_schedules.scaled_linear(1000, 1e-4, 0.02),
    "squaredcos_cap_v2": beta_schedules.cosine,
    "sigmoid": beta_schedules.sigmoid_beta,
}


@pytest.mark.parametrize("name", RULES)
def test_betas_are_those_of_diffusers(name: Any) -> None:
    theirs = DDPMScheduler(num_train_timesteps=1000, beta_schedule=name)
    ours = RULES[name]()
    torch.testing.assert_close(ours.betas, theirs.betas.double(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(ours.alpha_bars, theirs.alphas_cumprod.double(), rtol=1e-3, atol=1e-6)


def test_the_cosine_keeps_its_alpha_bar_until_beta_is_cut() -> None:
    schedule = beta_schedules.cosine()
    t = torch.arange(1, 1000, dtype=torch.float64) / 1000
    start = math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    wanted = torch.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2 / start
    torch.testing.assert_close(schedule.alpha_bars[:-1], wanted)
    assert schedule.betas[-1] == 0.999


def test_the_sigmoid_is_half_gone_at_half_time() -> None:
    schedule = beta_schedules.sigmoid(1000)
    assert schedule.alpha_bar(500) == pytest.approx(0.5)
    assert schedule.alpha_bar(250) + schedule.alpha_bar(750) == pytest.approx(1)


def test_posterior_variances_are_those_of_diffusers() -> None:
    theirs = DDPMScheduler(num_train_timesteps=100, beta_schedule="linear", variance_type="fixed_small")
    ours = beta_schedules.linear(100)
    wanted = [theirs._get_variance(t).item() for t in range(1, 100)]
    assert ours.posterior_variances[0] == 0
    np.testing.assert_allclose(ours.posterior_variances[1:].numpy(), wanted, rtol=1e-3)


def test_zero_terminal_snr_is_that_of_diffusers_and_keeps_the_first_step() -> None:
    plain = beta_schedules.scaled_linear()
    ours = beta_schedules.with_zero_terminal_snr(plain)
    theirs = rescale_zero_terminal_snr(plain.betas.clone())
    torch.testing.assert_close(ours.betas, theirs)
    assert ours.alpha_bars[-1] == 0
    assert ours.alpha_bar(1) == pytest.approx(plain.alpha_bar(1))


def test_numbers_are_betas_or_alpha_bars() -> None:
    schedule = beta_schedules.from_numbers("0.1, 0.2\n0.5;1")
    assert schedule.betas.tolist() == pytest.approx([0.1, 0.2, 0.5, 1])
    same = beta_schedules.from_numbers("0.9 0.72 0.36 0", "alpha_bar")
    torch.testing.assert_close(same.betas, schedule.betas)


@pytest.mark.parametrize(
    ("numbers", "meaning", "wrong"),
    [
        ("0.1, two", "beta", "'two' is not a number"),
        ("", "beta", "'' is not a number"),
        ("0.1", "beta", "two betas or more"),
        ("0.1, 1, 0.3", "beta", "beta is 1 at t = 2"),
        ("0.1, nan", "beta", "beta is nan at t = 2"),
        ("0.5, 0.6", "alpha_bar", "each smaller than the last"),
        ("1, 0.6", "alpha_bar", "each smaller than the last"),
    ],
)
def test_numbers_that_are_no_schedule_are_refused(numbers: str, meaning: Any, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        beta_schedules.from_numbers(numbers, meaning)


@pytest.mark.parametrize("make", [lambda: beta_schedules.linear(10, 0.1, 1.5), lambda: beta_schedules.linear(10, 0.0)])
def test_a_rule_that_leaves_the_range_is_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match="between 0 and 1"):
        make()


def test_levels_of_the_scaled_linear_schedule_are_those_of_stable_diffusion() -> None:
    ours, usual = ScheduleLevels(schedule=beta_schedules.scaled_linear()), DiscreteLevels()
    torch.testing.assert_close(ours.table, usual.table)
    assert ours.at_percent(0.3) == pytest.approx(usual.at_percent(0.3))
    torch.testing.assert_close(make_schedule("normal", ours, 9), make_schedule("normal", usual, 9))


def test_levels_stay_finite_without_signal_and_count_any_number_of_steps() -> None:
    schedule = beta_schedules.with_zero_terminal_snr(beta_schedules.linear(50))
    levels = ScheduleLevels(schedule=schedule)
    assert levels.table.isfinite().all()
    assert len(levels.table) == 50
    assert levels.timestep(levels.table).tolist() == list(range(50))
    assert levels.sigma_min < levels.at_percent(0.5) < levels.sigma_max
    usual = DiscreteLevels(zero_terminal=True)
    zero = beta_schedules.with_zero_terminal_snr(beta_schedules.scaled_linear())
    torch.testing.assert_close(ScheduleLevels(schedule=zero).table, usual.table, rtol=1e-4, atol=1e-6)


def test_two_schedules_make_levels_that_differ() -> None:
    one, other = beta_schedules.linear(), beta_schedules.cosine()
    assert ScheduleLevels(schedule=one) == ScheduleLevels(schedule=one)
    assert ScheduleLevels(schedule=one) != ScheduleLevels(schedule=other)


def test_times_are_listed_or_spread() -> None:
    schedule = NoiseSchedule("small", torch.full((10,), 0.1))
    assert beta_schedules.times_in("", schedule, 3) == [0, 5, 10]
    assert beta_schedules.times_in("7, 0 10", schedule, 3) == [7, 0, 10]
    for text, wrong in (("11", "goes from 0"), ("-1", "goes from 0"), ("1.5", "whole numbers"), ("inf", "whole")):
        with pytest.raises(ValueError, match=wrong):
            beta_schedules.times_in(text, schedule, 3)
