"""Nodes that make schedules: the levels of noise that a sampler visits."""

from typing import Annotated, Literal

from engine.api import Choice, Model, Number, Sigmas, deferred, node
from engine.diffusion.names import SCHEDULER_NAMES

with deferred():
    from engine.diffusion import schedules, schedules_without_model

Steps = Annotated[int, Number(1, 10000)]
Denoise = Annotated[float, Number(0.0, 1.0, step=0.01)]
Level = Annotated[float, Number(0.0, 5000.0, step=0.01, round=False)]
Power = Annotated[float, Number(0.0, 100.0, step=0.01, round=False)]
Shape = Annotated[float, Number(0.0, 50.0, step=0.01, round=False)]

CATEGORY = "sampling/custom_sampling/schedulers"


@node(CATEGORY, id="BasicScheduler", title="BasicScheduler")
def basic_scheduler(
    model: Model, scheduler: Annotated[str, Choice(SCHEDULER_NAMES)], steps: Steps = 20, denoise: Denoise = 1.0
) -> Sigmas:
    """A schedule by name, over the levels of a model."""
    return schedules.basic(scheduler, model.levels, steps, denoise)


@node(CATEGORY, id="KarrasScheduler", title="KarrasScheduler")
def karras_scheduler(
    steps: Steps = 20, sigma_max: Level = 14.614642, sigma_min: Level = 0.0291675, rho: Power = 7.0
) -> Sigmas:
    """Levels at equal distances in a root of sigma."""
    return schedules_without_model.karras(steps, sigma_max, sigma_min, rho)


@node(CATEGORY, id="ExponentialScheduler", title="ExponentialScheduler")
def exponential_scheduler(steps: Steps = 20, sigma_max: Level = 14.614642, sigma_min: Level = 0.0291675) -> Sigmas:
    """Levels at equal distances in the logarithm of sigma."""
    return schedules_without_model.exponential(steps, sigma_max, sigma_min)


@node(CATEGORY, id="PolyexponentialScheduler", title="PolyexponentialScheduler")
def polyexponential_scheduler(
    steps: Steps = 20, sigma_max: Level = 14.614642, sigma_min: Level = 0.0291675, rho: Power = 1.0
) -> Sigmas:
    """Levels along a power of the way in the logarithm of sigma."""
    return schedules_without_model.polyexponential(steps, sigma_max, sigma_min, rho)


@node(CATEGORY, id="LaplaceScheduler", title="LaplaceScheduler")
def laplace_scheduler(
    steps: Steps = 20,
    sigma_max: Level = 14.614642,
    sigma_min: Level = 0.0291675,
    mu: Annotated[float, Number(-10.0, 10.0, step=0.1, round=False)] = 0.0,
    beta: Annotated[float, Number(0.0, 10.0, step=0.1, round=False)] = 0.5,
) -> Sigmas:
    """Levels at the quantiles of a Laplace distribution; the last one is not 0."""
    return schedules_without_model.laplace(steps, sigma_max, sigma_min, mu, beta)


@node(CATEGORY, id="VPScheduler", title="VPScheduler")
def vp_scheduler(
    steps: Steps = 20,
    beta_d: Level = 19.9,
    beta_min: Level = 0.1,
    eps_s: Annotated[float, Number(0.0, 1.0, step=0.0001, round=False)] = 0.001,
) -> Sigmas:
    """Levels at equal distances in the time of a variance-preserving process."""
    return schedules_without_model.vp(steps, beta_d, beta_min, eps_s)


@node(CATEGORY, id="SDTurboScheduler", title="SDTurboScheduler")
def sd_turbo_scheduler(
    model: Model, steps: Annotated[int, Number(1, 10)] = 1, denoise: Annotated[float, Number(0, 1.0, step=0.01)] = 1.0
) -> Sigmas:
    """The levels that SD Turbo models were distilled at."""
    return schedules.sd_turbo(model.levels, steps, denoise)


@node(CATEGORY, id="BetaSamplingScheduler", title="BetaSamplingScheduler")
def beta_sampling_scheduler(model: Model, steps: Steps = 20, alpha: Shape = 0.6, beta: Shape = 0.6) -> Sigmas:
    """Levels of a model at the quantiles of a beta distribution."""
    return schedules.beta(model.levels, steps, alpha, beta)


@node(CATEGORY, id="AlignYourStepsScheduler", spells_combo=True)
def align_your_steps_scheduler(
    model_type: Literal["SD1", "SDXL", "SVD"], steps: Steps = 10, denoise: Denoise = 1.0
) -> Sigmas:
    """The levels that "Align Your Steps" fitted for one kind of model."""
    return schedules_without_model.align_your_steps(model_type, steps, denoise)


@node(CATEGORY, id="OptimalStepsScheduler", spells_combo=True)
def optimal_steps_scheduler(
    model_type: Literal["FLUX", "Wan", "Chroma"], steps: Annotated[int, Number(3, 1000)] = 20, denoise: Denoise = 1.0
) -> Sigmas:
    """The levels that "Optimal Stepsize" found for one kind of model."""
    return schedules_without_model.optimal_steps(model_type, steps, denoise)
