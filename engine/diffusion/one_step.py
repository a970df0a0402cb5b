"""One question to a model: what clean latent it sees in a noisy one."""

import torch
from torch import Tensor

from engine.diffusion.beta_schedules import LEAST_SIGNAL
from engine.diffusion.conditioning import Conditioning
from engine.diffusion.conversions import convert
from engine.diffusion.denoiser import Denoiser, all_lists
from engine.diffusion.drive import Ask, Asking
from engine.diffusion.entries import resolve
from engine.diffusion.guidance import BasicGuider
from engine.diffusion.model import Predictor
from engine.diffusion.sampling import matched


def predicted(
    model: Predictor, conditioning: Conditioning, x: Tensor, alpha_bar: float
) -> Asking[tuple[Tensor, Tensor]]:
    """x̂_0 and ε̂ (B, C, …) for x = √ᾱ x_0 + √(1 − ᾱ) ε at the model's scale, ᾱ below 1.

    Raises ValueError for a latent that does not fit the model, and where there is no noise to predict.
    """
    if not 0 <= alpha_bar < 1:
        raise ValueError(f"alpha-bar is {alpha_bar}; a model predicts where it is from 0 to below 1, at t = 1 or more")
    noisy = matched(x, model.latent_format).to(model.device, torch.float32)
    signal = max(alpha_bar, LEAST_SIGNAL)
    a, b = signal**0.5, (1 - signal) ** 0.5
    # The levels with the same ratio of noise to signal, and latents scaled to the form that belongs to them.
    level, size = (b / (a + b), 1 / (a + b)) if model.levels.is_flow else (b / a, 1 / a)
    guider = BasicGuider(model, conditioning)
    denoise = Denoiser(guider, resolve(all_lists(guider), model, torch.zeros_like(noisy), None))
    prediction = yield Ask(denoise, noisy * size, torch.tensor(level), 0, 1)
    x0 = prediction.x0.float()
    return x0.to(x.device), convert(noisy, x0, "x0", "epsilon", signal).to(x.device)
