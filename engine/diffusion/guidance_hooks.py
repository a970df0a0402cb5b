"""Corrections of classifier-free guidance that nodes hook into a model, as pure functions of one guided evaluation.

All work on denoised latents (B, C, …) and return a new x0.
"""

import torch
from torch import Tensor

from engine.diffusion.model import Guided, GuidedHook


def rescale_cfg(multiplier: float) -> GuidedHook:
    """Guidance whose contrast is pulled back to that of the positive prediction (Lin et al. 2023, section 3.4).

    A `combine` hook. The predictions are mapped to velocities by the variance-exploding formula, whatever the model.
    """

    def rescaled(guided: Guided) -> Tensor:
        sigma = _per_image(guided.sigma, guided.x)
        scaled = guided.x / (sigma**2 + 1)
        to_v = (sigma**2 + 1) ** 0.5 / sigma
        v_cond, v_uncond = (scaled - guided.cond) * to_v, (scaled - guided.uncond) * to_v
        v = v_uncond + guided.scale * (v_cond - v_uncond)
        axes = tuple(range(1, v.ndim))
        v_rescaled = v * (v_cond.std(dim=axes, keepdim=True) / v.std(dim=axes, keepdim=True))
        return scaled - (multiplier * v_rescaled + (1 - multiplier) * v) / to_v

    return rescaled


def cfg_zero_star(guided: Guided) -> Tensor:
    """The negative prediction's velocity scaled to fit the positive one's, image by image (Fan et al. 2025).

    A `finish` hook.
    """
    towards_cond, towards_uncond = guided.x - guided.cond, guided.x - guided.uncond
    axes = tuple(range(1, guided.x.ndim))
    square = (towards_uncond**2).sum(dim=axes, keepdim=True)
    fit = (towards_cond * towards_uncond).sum(dim=axes, keepdim=True) / (square + 1e-8)
    return guided.x0 + guided.uncond * (fit - 1) + guided.scale * guided.uncond * (1 - fit)


def cfg_norm(strength: float) -> GuidedHook:
    """Guidance that does not exceed the positive prediction's length at any pixel; a `finish` hook."""

    def limited(guided: Guided) -> Tensor:
        allowed = torch.linalg.vector_norm(guided.cond, dim=1, keepdim=True)
        length = torch.linalg.vector_norm(guided.x0, dim=1, keepdim=True)
        return guided.x0 * (allowed / (length + 1e-8)).clamp(0, 1) * strength

    return limited


def perp_neg(empty: str, negative_scale: float) -> GuidedHook:
    """Guidance away from only what the positive prompt does not share (Armandpour et al. 2023); a `combine` hook.

    `empty` names the aside in which an empty prompt is predicted; both prompts are taken relative to it.
    """

    def avoided(guided: Guided) -> Tensor:
        base = guided.made[empty]
        towards, away = guided.cond - base, guided.uncond - base
        return base + guided.scale * (towards - negative_scale * perpendicular(away, towards))

    return avoided


def perpendicular(a: Tensor, b: Tensor) -> Tensor:
    """What is left of `a` without its part along `b`, both taken as one vector each; all of it where b is zero."""
    square = (b * b).sum()
    along = torch.where(square > 0, (a * b).sum() / square, 0)
    return a - along * b


def tangential_damping(predictions: list[Tensor], guided: Guided) -> list[Tensor]:
    """The negative prediction without what does not lie along the direction that both share (Kwon et al. 2025, TCFG).

    A `predictions` hook. Of each image's two steps towards x0, the negative one is projected on their first right
    singular vector.
    """
    cond, uncond = predictions
    steps = torch.stack([(guided.x - each).flatten(1) for each in (cond, uncond)], dim=1)  # (B, 2, C * H * W)
    shared = torch.linalg.svd(steps, full_matrices=False).Vh[:, 0]
    along = (steps[:, 1] * shared).sum(dim=1, keepdim=True) * shared
    return [cond, guided.x - along.view_as(uncond)]


def epsilon_scaling(factor: float) -> GuidedHook:
    """The predicted noise divided by a factor, against the bias of samplers that see their own results.

    Ning et al. (2024), section 5. A `finish` hook: x0 becomes x - (x - x0) / factor.
    """

    def scaled(guided: Guided) -> Tensor:
        return guided.x - (guided.x - guided.x0) / factor

    return scaled


def _per_image(sigma: Tensor, x: Tensor) -> Tensor:
    return sigma.reshape(-1, *[1] * (x.ndim - 1))
