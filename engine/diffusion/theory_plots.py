"""What is plotted of noise schedules and of the forward process."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from engine.diffusion.beta_schedules import NoiseSchedule
from engine.diffusion.forward_process import Agreement
from engine.pictures.plots import Curve, Panel, plot

Aspect = Literal["all", "beta", "alpha_bar", "snr", "log_snr"]

_LARGE_BETA = 0.1  # beyond it a last steep step would flatten all others on a linear axis


def schedules(given: Sequence[NoiseSchedule], aspect: Aspect = "all", width: int = 960, height: int = 640) -> Tensor:
    """β, ᾱ, SNR and log-SNR of schedules over t / T, in one picture (1, height, width, 3)."""
    lengths = {len(schedule) for schedule in given}
    names = _names(given)

    def curves(values: Sequence[Tensor]) -> list[Curve]:
        return [Curve(names[i], _times(given[i], share=len(lengths) > 1), value, i) for i, value in enumerate(values)]

    label = "t / T" if len(lengths) > 1 else "t"
    panels: dict[Aspect, Panel] = {
        "beta": Panel(
            r"$\beta_t$, variance of a step",
            curves([s.betas for s in given]),
            label,
            is_logarithmic=any(s.betas.max() > _LARGE_BETA for s in given),
            zero_based=True,
        ),
        "alpha_bar": Panel(
            r"$\bar{\alpha}_t$, share of the image", curves([s.alpha_bars for s in given]), label, zero_based=True
        ),
        "snr": Panel(
            r"SNR $= \bar{\alpha}_t / (1 - \bar{\alpha}_t)$", curves([s.snr for s in given]), label, is_logarithmic=True
        ),
        "log_snr": Panel("log SNR", curves([s.snr.log() for s in given]), label),
    }
    return plot([*panels.values()] if aspect == "all" else [panels[aspect]], width, height)


def agreement(found: Agreement, width: int = 960, height: int = 400) -> Tensor:
    """Means and variances of x_t along walks, as points on the lines of the closed form."""
    times = torch.tensor(found.times)
    means = [
        curve
        for i, name in enumerate(("darkest element", "brightest element"))
        for curve in (
            Curve(name, times, found.exact_means[:, i], i),
            Curve("", times, found.walk_means[:, i], i, "points"),
        )
    ]
    variances = [
        Curve("all elements", times, found.exact_variances, 2),
        Curve("", times, found.walk_variances, 2, "points"),
    ]
    return plot(
        [
            Panel(r"mean $\sqrt{\bar{\alpha}_t}\,x_0$, and of walks (dots)", means, "t"),
            Panel(r"variance $1 - \bar{\alpha}_t$, and of walks (dots)", variances, "t", zero_based=True),
        ],
        width,
        height,
    )


def _times(schedule: NoiseSchedule, share: bool) -> Tensor:
    t = torch.arange(1, len(schedule) + 1, dtype=torch.float64)
    return t / len(schedule) if share else t


def _names(given: Sequence[NoiseSchedule]) -> list[str]:
    """The schedules' names; where two have the same, numbered."""
    plain = [schedule.name for schedule in given]
    return [name if plain.count(name) == 1 else f"{name} ({i + 1})" for i, name in enumerate(plain)]
