"""Nodes that hook into a model's guidance or network."""

from dataclasses import replace
from typing import Annotated, Any

from engine.api import Model, Named, Number, deferred, node

with deferred():
    from engine.diffusion import freeu as freeus
    from engine.diffusion import guidance_hooks, noise_mask

Patched = Annotated[Model, Named("patched_model")]
Factor = Annotated[float, Number(0.0, 10.0, step=0.01)]


@node("advanced/model", id="RescaleCFG", title="RescaleCFG")
def rescale_cfg(model: Model, multiplier: Annotated[float, Number(0.0, 1.0, step=0.01)] = 0.7) -> Model:
    """Pull the contrast of guided predictions back to that of the positive one."""
    return _hooked(model, combine=guidance_hooks.rescale_cfg(multiplier))


@node("advanced/guidance", id="CFGZeroStar")
def cfg_zero_star(model: Model) -> Patched:
    """Scale the negative prediction to fit the positive one before guiding away from it."""
    return _hooked(model, finish=(*model.hooks.finish, guidance_hooks.cfg_zero_star))


@node("advanced/guidance", id="CFGNorm", experimental=True)
def cfg_norm(model: Model, strength: Annotated[float, Number(0.0, 100.0, step=0.01)] = 1.0) -> Patched:
    """Keep guided predictions from growing beyond the positive one, pixel by pixel."""
    return _hooked(model, finish=(*model.hooks.finish, guidance_hooks.cfg_norm(strength)))


@node("advanced/guidance", id="TCFG", title="Tangential Damping CFG")
def tangential_damping_cfg(model: Model) -> Patched:
    """Guide away from only that part of the negative prediction which lies along the direction both prompts share."""
    return _hooked(model, predictions=(*model.hooks.predictions, guidance_hooks.tangential_damping))


@node("model_patches/unet", id="Epsilon Scaling")
def epsilon_scaling(
    model: Model, scaling_factor: Annotated[float, Number(0.5, 1.5, step=0.001, display="number")] = 1.005
) -> Model:
    """Predict a little less noise than the model does, which makes up for errors that add up over many steps."""
    if scaling_factor == 1:
        return model
    return _hooked(model, finish=(*model.hooks.finish, guidance_hooks.epsilon_scaling(scaling_factor)))


@node("_for_testing", id="DifferentialDiffusion", title="Differential Diffusion", experimental=True)
def differential_diffusion(model: Model, strength: Annotated[float | None, Number(0.0, 1.0, step=0.01)] = 1.0) -> Model:
    """Read a noise mask as when each part begins to change: the brighter, the earlier."""
    return _hooked(model, noise_mask=noise_mask.differential(1.0 if strength is None else strength))


@node("model_patches/unet", id="FreeU", title="FreeU")
def freeu(model: Model, b1: Factor = 1.1, b2: Factor = 1.2, s1: Factor = 0.9, s2: Factor = 0.2) -> Model:
    """Turn a UNet's own features up and the low frequencies of its skips down."""
    hook = freeus.freeu(model, freeus.Strength(b1, s1), freeus.Strength(b2, s2))
    return _hooked(model, blocks=(*model.hooks.blocks, hook))


@node("model_patches/unet", id="FreeU_V2", title="FreeU_V2")
def freeu_v2(model: Model, b1: Factor = 1.3, b2: Factor = 1.4, s1: Factor = 0.9, s2: Factor = 0.2) -> Model:
    """FreeU that turns features up where there is structure."""
    hook = freeus.freeu_v2(model, freeus.Strength(b1, s1), freeus.Strength(b2, s2))
    return _hooked(model, blocks=(*model.hooks.blocks, hook))


def _hooked(model: Model, **hooks: Any) -> Model:
    return replace(model, hooks=replace(model.hooks, **hooks))
