"""Guidance away from a picture that is blurred where the model attends most: SAG (Hong et al. 2023)."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad

from engine.diffusion.levels import Levels
from engine.diffusion.model import SHOWN, Aside, Attend, AttentionPlace, Guided, GuidedHook
from engine.pictures.filters import gaussian

RADIUS = 4  # of the blur: kernels of 9 x 9 cells, as in the paper
THRESHOLD = 1.0  # attention that a place gets from all others together, above which it is blurred


def blurred(name: str, sigma: float) -> Aside:
    """What the negative prompt predicts of its own picture, blurred and noised again as it was."""
    return Aside(name, "negative", watch=lambda: _Watcher(sigma))


def self_attention_guidance(name: str, scale: float) -> GuidedHook:
    """x0 + scale * (degraded - its prediction), Algorithm 1 in clean latents (B, C, …); a `finish` hook.

    The paper's ε + s (ε(x) - ε(x̃)): x and x̃ carry the same noise, so that σ (ε(x) - ε(x̃)) is what the network made of
    x̃ less what was put into it.
    """

    def guided(state: Guided) -> Tensor:
        kept = _kept(state.sigma, state.x, state.model.levels)
        shown = state.made[SHOWN.format(name)]
        degraded = state.made["negative"] + (shown - state.x) / kept.clamp(min=1e-6)
        return state.x0 + scale * (degraded - state.made[name])

    return guided


@dataclass
class _Watcher:
    """Keeps how much attention each place of the middle block gets while the negative prompt is predicted."""

    blur: float
    seen: list[tuple[AttentionPlace, Tensor]] = field(default_factory=list[tuple[AttentionPlace, Tensor]])

    def __call__(self, tokens: Tensor, attend: Attend, place: AttentionPlace) -> Tensor:
        if place.block.part == "middle" and place.layer == 0:
            self.seen.append((place, attention_received(tokens, place)))
        return attend(tokens)

    def shown(self, x: Tensor, sigma: Tensor, x0: Tensor, levels: Levels) -> Tensor:
        """x (B, C, H, W) with its clean part x0 blurred where the model attends most, the noise in it as it was."""
        whole = [each for each in self.seen if each[0].latent == tuple(x.shape[-2:])]
        if not whole:
            return x
        received = torch.cat([each for _, each in whole]).unflatten(0, (-1, len(x))).mean(dim=0)
        mask = (received > THRESHOLD).float().unflatten(1, (1, *whole[0][0].size))
        mask = interpolate(mask, size=x.shape[-2:], mode="nearest")
        return x + _kept(sigma, x, levels) * mask * (blur(x0, self.blur) - x0)


def attention_received(tokens: Tensor, place: AttentionPlace) -> Tensor:
    """How much attention each of the tokens (B, n, C) gets from all together, in the mean of the heads: (B, n)."""
    layers: Any = place.weights
    keys, _ = place.read(tokens)
    q, k = (
        projected.unflatten(-1, (layers.heads, -1)).transpose(1, 2).float()
        for projected in (layers.to_q(tokens), layers.to_k(keys))
    )
    weights = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(dim=-1)  # (B, heads, n, n)
    return weights.mean(dim=1).sum(dim=1)


def blur(x: Tensor, sigma: float) -> Tensor:
    """A picture (B, C, H, W) blurred by a Gaussian of this many cells, its edges mirrored."""
    radius = min(RADIUS, x.shape[-1] - 1, x.shape[-2] - 1)
    if radius < 1:
        return x
    kernel = gaussian(radius, sigma / radius).to(x)
    mirrored = pad(x, (radius, radius, radius, radius), mode="reflect")
    return conv2d(mirrored, kernel.expand(x.shape[1], 1, -1, -1), groups=x.shape[1])


def _kept(sigma: Tensor, x: Tensor, levels: Levels) -> Tensor:
    """How much of the clean latent is in x at sigma (B,): all of it, or in flow models what the noise leaves."""
    kept = 1 - sigma if levels.is_flow else torch.ones_like(sigma)
    return kept.reshape(-1, *[1] * (x.ndim - 1))
