"""Plots and strips are pictures of the size asked for, with something on them."""

import pytest
import torch

from engine.diffusion import beta_schedules, forward_process, theory_plots
from engine.pictures.plots import Curve, Panel, plot
from engine.pictures.strip import LEAST_WIDTH, strip

LINE = Panel("a line", [Curve("line", torch.arange(5), torch.arange(5))])


def colours(picture: torch.Tensor) -> int:
    return len(picture.reshape(-1, 3).unique(dim=0))


@pytest.mark.parametrize("size", [(960, 640), (333, 251), (160, 120)])
def test_a_plot_has_the_size_asked_for(size: tuple[int, int]) -> None:
    picture = plot([LINE], *size)
    assert picture.shape == (1, size[1], size[0], 3)
    assert picture.dtype == torch.float32
    assert 0 <= picture.min() < 0.9
    assert picture.max() == 1
    assert colours(picture) > 10


def test_what_cannot_be_plotted_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to plot"):
        plot([])
    with pytest.raises(ValueError, match="160 x 120 or larger"):
        plot([LINE], 100, 100)


@pytest.mark.parametrize("aspect", ["all", "beta", "alpha_bar", "snr", "log_snr"])
def test_schedules_of_any_kind_share_a_plot(aspect: theory_plots.Aspect) -> None:
    given = [
        beta_schedules.linear(),
        beta_schedules.with_zero_terminal_snr(beta_schedules.scaled_linear(100)),
        beta_schedules.from_numbers("0.1 0.5 1"),
    ]
    picture = theory_plots.schedules(given, aspect, 480, 320)
    assert picture.shape == (1, 320, 480, 3)
    assert colours(picture) > colours(theory_plots.schedules(given[:1], aspect, 480, 320)) > 10


def test_four_panels_fit_into_the_smallest_plot() -> None:
    given = [beta_schedules.linear(), beta_schedules.cosine(), beta_schedules.sigmoid(), beta_schedules.sigmoid_beta()]
    assert colours(theory_plots.schedules(given, "all", 160, 120)) > 10


def test_two_schedules_of_one_name_are_told_apart() -> None:
    given = [beta_schedules.linear(), beta_schedules.linear(1000, 1e-4, 0.03)]
    assert theory_plots.schedules(given).shape == (1, 640, 960, 3)


def test_the_agreement_is_drawn() -> None:
    schedule = beta_schedules.linear(20, 0.01, 0.3)
    found = forward_process.agreement(torch.linspace(-1, 1, 4), schedule, [0, 5, 10, 20], 50, 0)
    assert theory_plots.agreement(found, 640, 320).shape == (1, 320, 640, 3)


def test_a_strip_enlarges_small_pictures_by_whole_pixels() -> None:
    first, second = torch.rand(2, 20, 30, 3), torch.rand(2, 20, 30, 3)
    made = strip([first, second], ["a", "t = 1000"])
    factor = 4
    assert 30 * factor >= LEAST_WIDTH
    assert made.shape[2] == 2 * (30 * factor + 6) + 6
    last = made[0, -6 - 20 * factor : -6, -6 - 30 * factor : -6]
    torch.testing.assert_close(last[::factor, ::factor], second[1])


def test_grey_pictures_and_pictures_with_alpha_go_into_a_strip() -> None:
    for channels in (1, 4):
        assert strip([torch.rand(1, 100, 100, channels)], ["x"]).shape[-1] == 3


def test_a_strip_takes_pictures_of_one_size_with_words() -> None:
    with pytest.raises(ValueError, match="one for each"):
        strip([torch.rand(1, 8, 8, 3)], [])
    with pytest.raises(ValueError, match="of one size"):
        strip([torch.rand(1, 8, 8, 3), torch.rand(1, 9, 8, 3)], ["a", "b"])
