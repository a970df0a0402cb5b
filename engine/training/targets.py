"""What a network is trained to put out, how much each level of noise counts, and which levels are drawn."""

import math
from typing import Literal

import torch
from torch import Generator, Tensor

from engine.diffusion.parameterisation import CleanPrediction, EpsilonPrediction, Parameterisation, VPrediction

Target = Literal["as the model", "epsilon", "v", "x0"]
Drawing = Literal["uniform", "logit-normal"]

TARGETS: dict[Target, Parameterisation] = {"epsilon": EpsilonPrediction(), "v": VPrediction(), "x0": CleanPrediction()}


def target_of(parameterisation: Parameterisation, x0: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """The right output for x0 + sigma * noise, all (B, C, h, w) but sigma (B, 1, 1, 1).

    The noise (Ho et al. 2020), v = (noise - sigma x0) / sqrt(sigma² + 1) (Salimans & Ho 2022), or x0 itself. Raises
    ValueError for networks of other kinds.
    """
    match parameterisation:
        case EpsilonPrediction():
            return noise
        case VPrediction():
            return (noise - sigma * x0) / (sigma**2 + 1) ** 0.5
        case CleanPrediction():
            return x0
        case _:
            msg = f"models of the kind {type(parameterisation).__name__} cannot be trained today; epsilon, v and x0 can"
            raise ValueError(msg)


def weight_of(parameterisation: Parameterisation, sigma: Tensor, gamma: float) -> Tensor:
    """Min-SNR weights (Hang et al. 2023) of squared errors at sigma, SNR being 1 / sigma²; gamma 0 weighs all alike."""
    if not gamma:
        return torch.ones_like(sigma)
    snr = sigma**-2
    kept = snr.clamp(max=gamma)
    match parameterisation:
        case EpsilonPrediction():
            return kept / snr
        case VPrediction():
            return kept / (snr + 1)
        case _:
            return kept


def draw_times(count: int, steps: int, drawing: Drawing, generator: Generator) -> Tensor:
    """Which of `steps` levels each of `count` pictures is trained at: (count,) of 0 to steps - 1.

    Positions are drawn one from each count-th of the range, which evens the loss out, then spread alike ("uniform") or
    mostly around the middle ("logit-normal", Esser et al. 2024).
    """
    order = torch.randperm(count, generator=generator)
    place = (order + torch.rand(count, generator=generator)) / count
    if drawing == "logit-normal":
        place = torch.sigmoid(math.sqrt(2) * torch.erfinv((2 * place - 1).clamp(-0.999999, 0.999999)))
    return (place * steps).long().clamp(0, steps - 1)
