"""Guidance by a classifier that knows noisy latents: what CLASSIFIER links carry, and the hook that follows it."""

import math
from typing import Protocol

import torch
from torch import Tensor

from engine.diffusion.model import Guided, GuidedHook


class Classifier(Protocol):
    """The value of a CLASSIFIER link: how probable a label is for noisy latents."""

    def log_probability(self, x: Tensor, sigma: Tensor, label: Tensor) -> Tensor:
        """log p(label | x), (B,), for noisy latents x (B, C, …) as the model's samplers see them.

        `sigma` is (B,), `label` (B,) int64. Variance exploding models hand x = x0 + sigma * noise, so that a network
        wants it scaled by 1 / sqrt(sigma² + 1); flow models hand (1 - sigma) * x0 + sigma * noise. The result has to be
        differentiable in x. Guidance calls with inference mode off and gradients on; weights must not be inference
        tensors.
        """
        ...


def classifier_guidance(classifier: Classifier, label: int, scale: float) -> GuidedHook:
    """Guidance along `scale` times the gradient of log p(label | x_t) (Dhariwal & Nichol 2021, Algorithm 2).

    A `finish` hook. The paper's ε̂ = ε − s √(1 − ᾱ_t) ∇ log p(y | x_t) is x0 + s σ² ∇ log p(y | x) where x = x0 + σ ε,
    and x0 + s σ² / (1 − σ) ∇ log p(y | x) where x = (1 − σ) x0 + σ ε. At pure noise of a flow model nothing is added.
    """
    if not math.isfinite(scale):
        raise ValueError(f"the scale of classifier guidance is {scale}; it should be a finite number")

    def guided(state: Guided) -> Tensor:
        if scale == 0:
            return state.x0
        sigma = state.sigma.reshape(-1, *[1] * (state.x.ndim - 1))
        kept = 1 - sigma if state.model.levels.is_flow else torch.ones_like(sigma)
        factor = torch.where(kept > 0, sigma**2 / kept, 0)
        return state.x0 + scale * factor * gradient(classifier, state.x, state.sigma, label)

    return guided


def gradient(classifier: Classifier, x: Tensor, sigma: Tensor, label: int) -> Tensor:
    """∇ log p(label | x) by x (B, C, …) at sigma (B,), each row its own; also while inference mode is on.

    Raises ValueError where the classifier gives no (B,) or does not depend on x.
    """
    with torch.inference_mode(mode=False), torch.enable_grad():
        # Tensors made under inference mode know no gradients; their clones do.
        leaf = x.detach().clone().requires_grad_()
        labels = torch.full((len(x),), label, device=x.device)
        logs = classifier.log_probability(leaf, sigma.detach().clone(), labels)
        if logs.shape != (len(x),):
            raise ValueError(f"the classifier gave log p of shape {tuple(logs.shape)} for {len(x)} latents")
        if not logs.requires_grad:
            raise ValueError("the classifier's log p does not depend on the latent, or was computed without gradients")
        (slope,) = torch.autograd.grad(logs.sum(), leaf)
    return slope.detach()
