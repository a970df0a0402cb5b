"""Guidance away from what a model predicts with its self-attention disturbed: PAG (Ahn et al. 2024)."""

from typing import Any

from torch import Tensor

from engine.diffusion.model import Aside, Attend, AttentionPlace, Guided, GuidedHook


def perturbed(name: str) -> Aside:
    """The positive prompt's prediction where the middle block's places see nothing but themselves."""
    return Aside(name, "positive", attention=(only_itself,))


def only_itself(tokens: Tensor, attend: Attend, place: AttentionPlace) -> Tensor:
    """Self-attention whose map is the identity in the middle block: tokens (B, n, C) keep their values."""
    if place.block.part != "middle":
        return attend(tokens)
    layers: Any = place.weights
    _, values = place.read(tokens)
    return layers.to_out[0](layers.to_v(values))


def perturbed_attention_guidance(name: str, scale: float) -> GuidedHook:
    """x0 + scale * (cond - perturbed), equation 13 in clean latents (B, C, …); a `finish` hook."""

    def guided(state: Guided) -> Tensor:
        return state.x0 + scale * (state.cond - state.made[name])

    return guided
