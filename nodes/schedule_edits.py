"""Nodes that make schedules from schedules, and read levels off a model."""

import math
from typing import Annotated, Literal, NamedTuple

from engine.api import Model, Named, Number, Sigmas, deferred, node

with deferred():
    from engine.diffusion import schedule_edits

CATEGORY = "sampling/custom_sampling/sigmas"


class Split(NamedTuple):
    """Two schedules, one after the other."""

    high_sigmas: Sigmas
    low_sigmas: Sigmas


@node(CATEGORY, id="SplitSigmas", title="SplitSigmas")
def split_sigmas(sigmas: Sigmas, step: Annotated[int, Number(0, 10000)] = 0) -> Split:
    """Cut a schedule in two at a step."""
    return Split(*schedule_edits.split(sigmas, step))


@node(CATEGORY, id="SplitSigmasDenoise", title="SplitSigmasDenoise")
def split_sigmas_denoise(sigmas: Sigmas, denoise: Annotated[float, Number(0.0, 1.0, step=0.01)] = 1.0) -> Split:
    """Cut a schedule in two where a share of its steps is left."""
    return Split(*schedule_edits.split_denoise(sigmas, denoise))


@node(CATEGORY, id="FlipSigmas", title="FlipSigmas")
def flip_sigmas(sigmas: Sigmas) -> Sigmas:
    """Turn a schedule around, to add noise step by step."""
    return schedule_edits.flip(sigmas)


@node(CATEGORY, id="SetFirstSigma", title="SetFirstSigma")
def set_first_sigma(
    sigmas: Sigmas, sigma: Annotated[float, Number(0.0, 20000.0, step=0.001, round=False)] = 136.0
) -> Sigmas:
    """Begin a schedule at another level."""
    return schedule_edits.set_first(sigmas, sigma)


@node(CATEGORY, id="ExtendIntermediateSigmas", title="ExtendIntermediateSigmas")
def extend_intermediate_sigmas(
    sigmas: Sigmas,
    steps: Annotated[int, Number(1, 100)] = 2,
    start_at_sigma: Annotated[float, Number(-1.0, 20000.0, step=0.01, round=False)] = -1.0,
    end_at_sigma: Annotated[float, Number(0.0, 20000.0, step=0.01, round=False)] = 12.0,
    *,
    spacing: Literal["linear", "cosine", "sine"],
) -> Sigmas:
    """Put levels between those of a part of a schedule."""
    return schedule_edits.extend_intermediate(sigmas, steps, start_at_sigma, end_at_sigma, spacing)


@node(CATEGORY, id="SamplingPercentToSigma", title="SamplingPercentToSigma")
def sampling_percent_to_sigma(
    model: Model,
    sampling_percent: Annotated[float, Number(0.0, 1.0, step=0.0001)] = 0.0,
    return_actual_sigma: bool = False,
) -> Annotated[float, Named("sigma_value")]:
    """The level of noise after a part of the way; at the ends the model's highest and lowest, if asked for."""
    if math.isnan(sampling_percent):
        raise ValueError("sampling_percent is not a number; it should be from 0 to 1")
    if return_actual_sigma and sampling_percent in (0, 1):
        return model.levels.sigma_max if sampling_percent == 0 else model.levels.sigma_min
    return model.levels.at_percent(sampling_percent)
