"""Data on its way to noise: the closed form and the steps have the same moments."""

import pytest
import torch

from engine.diffusion import beta_schedules, forward_process

SCHEDULE = beta_schedules.linear(60, 1e-3, 0.2)
X0 = torch.linspace(-1, 1, 12)


def test_the_closed_form_is_a_sum_of_signal_and_noise() -> None:
    noise = forward_process.noise_like(X0, 3)
    first, last = forward_process.at_once(X0, SCHEDULE, [0, 60], 3)
    assert torch.equal(first, X0)
    share = SCHEDULE.alpha_bar(60)
    torch.testing.assert_close(last, share**0.5 * X0 + (1 - share) ** 0.5 * noise)


def test_a_walk_gives_the_times_in_the_order_asked_and_the_same_for_a_seed() -> None:
    late, none, early = forward_process.step_by_step(X0, SCHEDULE, [40, 0, 10], 5)
    assert torch.equal(none, X0)
    assert torch.equal(early, forward_process.step_by_step(X0, SCHEDULE, [10], 5)[0])
    assert not torch.equal(late, early)


def test_walks_have_the_moments_of_the_closed_form() -> None:
    found = forward_process.agreement(X0, SCHEDULE, [0, 1, 20, 60], 4000, 1)
    assert found.recursion_error < 1e-12
    assert found.mean_score < 4.5
    assert found.variance_score < 4.5
    torch.testing.assert_close(found.walk_means, found.exact_means, rtol=0, atol=0.07)
    torch.testing.assert_close(found.walk_variances, found.exact_variances, rtol=0, atol=0.03)
    assert "4000 walks of 60 steps" in str(found)


def test_walks_of_another_process_do_not_agree() -> None:
    found = forward_process.agreement(X0, SCHEDULE, [60], 4000, 1)
    other = beta_schedules.linear(60, 1e-3, 0.1)
    assert abs(found.walk_variances[0] - (1 - other.alpha_bar(60))) > 0.03


def test_walks_to_nowhere_are_refused() -> None:
    with pytest.raises(ValueError, match="to t = 1 or further"):
        forward_process.agreement(X0, SCHEDULE, [0], 10, 0)


def test_some_elements_span_the_brightness() -> None:
    few = forward_process.some_elements(torch.arange(100.0).reshape(10, 10).flip(0), 5)
    assert few[0] == 0
    assert few[-1] == 99
    assert len(few) == 5
