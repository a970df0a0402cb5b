"""Nodes that guide by a further prediction: of disturbed attention, of a blurred picture, of an empty prompt."""

from dataclasses import replace
from typing import Annotated, Any

from engine.api import Conditioning, Model, Number, deferred, node

with deferred():
    from engine.diffusion import conditioning as conditionings
    from engine.diffusion import guidance_hooks, perturbed_attention, self_attention_guidance
    from engine.diffusion import model as models


@node("model_patches/unet", id="PerturbedAttentionGuidance")
def perturbed_attention_guidance(
    model: Model, scale: Annotated[float, Number(0.0, 100.0, step=0.01, round=0.01)] = 3.0
) -> Model:
    """Guide away from the picture that a UNet sees where its innermost places know nothing of each other."""
    if scale == 0:
        return model
    name = f"perturbed {len(model.hooks.asides)}"
    hook = perturbed_attention.perturbed_attention_guidance(name, scale)
    return _with_aside(model, perturbed_attention.perturbed(name), finish=(*model.hooks.finish, hook))


@node("_for_testing", id="SelfAttentionGuidance", title="Self-Attention Guidance", experimental=True)
def self_attention_guided(
    model: Model,
    scale: Annotated[float, Number(-2.0, 5.0, step=0.01)] = 0.5,
    blur_sigma: Annotated[float, Number(0.0, 10.0, step=0.1)] = 2.0,
) -> Model:
    """Guide away from the picture blurred where a UNet looks most, which sharpens what matters."""
    if scale == 0 or blur_sigma == 0:
        return model
    name = f"Self-Attention Guidance {len(model.hooks.asides)}"
    hook = self_attention_guidance.self_attention_guidance(name, scale)
    aside = self_attention_guidance.blurred(name, blur_sigma)
    return _with_aside(model, aside, finish=(*model.hooks.finish, hook), always_uncond=True)


@node("_for_testing", id="PerpNeg", title="Perp-Neg (DEPRECATED by PerpNegGuider)", deprecated=True, experimental=True)
def perp_neg(
    model: Model,
    empty_conditioning: Conditioning,
    neg_scale: Annotated[float, Number(0.0, 100.0, step=0.01)] = 1.0,
) -> Model:
    """Avoid only what the negative prompt does not share with the positive one, with any guider of two prompts."""
    name = f"empty {len(model.hooks.asides)}"
    aside = models.Aside(name, conditionings.with_settings(empty_conditioning, prompt_type="negative"))
    return _with_aside(model, aside, combine=guidance_hooks.perp_neg(name, neg_scale), always_uncond=True)


def _with_aside(model: Model, aside: Any, **hooks: Any) -> Model:
    return replace(model, hooks=replace(model.hooks, asides=(*model.hooks.asides, aside), **hooks))
