"""Nodes that change how a model's levels of noise are counted, and what its output means."""

from dataclasses import replace
from typing import Annotated, Literal

from engine.api import MAX_RESOLUTION, Model, Number, deferred, node

with deferred():
    from engine.diffusion import latent_format, levels, parameterisation

CATEGORY = "advanced/model"

Shift = Annotated[float, Number(0.0, 100.0, step=0.01)]
Level = Annotated[float, Number(0.0, 1000.0, step=0.001, round=False)]
Side = Annotated[int, Number(16, MAX_RESOLUTION, step=8)]


@node(CATEGORY, id="ModelSamplingDiscrete", title="ModelSamplingDiscrete")
def model_sampling_discrete(
    model: Model, sampling: Literal["eps", "v_prediction", "lcm", "x0", "img_to_img"], zsnr: bool = False
) -> Model:
    """Treat a model as one of numbered steps; zsnr lets the last step be pure noise."""
    table = levels.DiscreteLevels(zero_terminal=zsnr)
    if sampling == "lcm":
        every_twentieth = levels.LcmLevels(table)
        return replace(model, levels=every_twentieth, parameterisation=parameterisation.lcm(every_twentieth))
    outputs = {
        "eps": parameterisation.EPSILON,
        "v_prediction": parameterisation.V,
        "x0": parameterisation.X0,
        "img_to_img": parameterisation.IMAGE,
    }
    return replace(model, levels=table, parameterisation=outputs[sampling])


@node(CATEGORY, id="ModelSamplingContinuousEDM", title="ModelSamplingContinuousEDM")
def model_sampling_continuous_edm(
    model: Model,
    sampling: Literal["v_prediction", "edm", "edm_playground_v2.5", "eps", "cosmos_rflow"],
    sigma_max: Level = 120.0,
    sigma_min: Level = 0.002,
) -> Model:
    """Treat a model as one of continuous levels between two bounds."""
    outputs = {
        "v_prediction": parameterisation.V,
        "edm": parameterisation.edm(0.5),
        "edm_playground_v2.5": parameterisation.edm(0.5),
        "eps": parameterisation.EPSILON,
    }
    if sampling not in outputs:
        raise ValueError(
            f"sampling {sampling!r} is for Cosmos models, which cannot be loaded; take one of {[*outputs]}"
        )
    changed = replace(model, levels=levels.EdmLevels(sigma_min, sigma_max), parameterisation=outputs[sampling])
    if sampling == "edm_playground_v2.5":
        return changed.with_latent_format(latent_format.PLAYGROUND)
    return changed


@node(CATEGORY, id="ModelSamplingContinuousV", title="ModelSamplingContinuousV")
def model_sampling_continuous_v(
    model: Model,
    sampling: Literal["v_prediction"],  # the only choice there is
    sigma_max: Level = 500.0,
    sigma_min: Level = 0.03,
) -> Model:
    """Treat a model as one of continuous levels whose time is an angle."""
    counted = levels.ContinuousVLevels(sigma_min, sigma_max)
    return replace(model, levels=counted, parameterisation=parameterisation.V)


@node(CATEGORY, id="ModelSamplingStableCascade", title="ModelSamplingStableCascade")
def model_sampling_stable_cascade(model: Model, shift: Shift = 2.0) -> Model:
    """Treat a model as one of Stable Cascade's cosine levels, shifted towards noise."""
    return replace(model, levels=levels.CascadeLevels(shift), parameterisation=parameterisation.EPSILON)


@node(CATEGORY, id="ModelSamplingSD3", title="ModelSamplingSD3")
def model_sampling_sd3(model: Model, shift: Shift = 3.0) -> Model:
    """Treat a model as a rectified flow that is told a thousandfold level, shifted towards noise."""
    return replace(model, levels=levels.FlowLevels(shift, 1000.0), parameterisation=parameterisation.FLOW)


@node(CATEGORY, id="ModelSamplingAuraFlow", title="ModelSamplingAuraFlow")
def model_sampling_aura_flow(model: Model, shift: Shift = 1.73) -> Model:
    """Treat a model as a rectified flow that is told the level itself, shifted towards noise."""
    return replace(model, levels=levels.FlowLevels(shift, 1.0), parameterisation=parameterisation.FLOW)


@node(CATEGORY, id="ModelSamplingFlux", title="ModelSamplingFlux")
def model_sampling_flux(
    model: Model, max_shift: Shift = 1.15, base_shift: Shift = 0.5, width: Side = 1024, height: Side = 1024
) -> Model:
    """Treat a model as Flux's rectified flow, shifted the more the larger the image is."""
    counted = levels.FluxLevels.for_size(width, height, max_shift, base_shift)
    return replace(model, levels=counted, parameterisation=parameterisation.FLOW)
