"""FreeU: a UNet's own features louder, the skips' low frequencies quieter (Si et al. 2023, arXiv 2309.11497)."""

from collections.abc import Callable
from dataclasses import dataclass

from diffusers.utils.torch_utils import fourier_filter
from torch import Tensor

from engine.diffusion.model import Block, BlockHook, Model

THRESHOLD = 1  # the skip's frequencies below this, in either direction, are scaled


@dataclass(frozen=True)
class Strength:
    """How much to scale at one width: `features` for half of the hidden channels, `skip` for its low frequencies."""

    features: float
    skip: float


def freeu(model: Model, wide: Strength, middle: Strength) -> BlockHook:
    """The paper's method: output blocks of four times the model's width are scaled by `wide`, of twice by `middle`."""
    return _hook(model, wide, middle, lambda h, strength: strength)


def freeu_v2(model: Model, wide: Strength, middle: Strength) -> BlockHook:
    """The authors' second version: features are scaled more where their mean over the channels is high."""
    return _hook(model, wide, middle, lambda h, strength: (strength - 1) * _structure(h) + 1)


def _structure(h: Tensor) -> Tensor:
    """The mean over channels (B, 1, H, W), stretched to 0..1 in each image."""
    mean = h.mean(dim=1, keepdim=True)
    low, high = mean.amin(dim=(2, 3), keepdim=True), mean.amax(dim=(2, 3), keepdim=True)
    return (mean - low) / (high - low).clamp(min=1e-12)


def _hook(
    model: Model, wide: Strength, middle: Strength, scale: Callable[[Tensor, float], Tensor | float]
) -> BlockHook:
    width = _width(model)
    strengths = {4 * width: wide, 2 * width: middle}

    def scaled(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
        strength = strengths.get(h.shape[1])
        if block.part != "output" or skip is None or strength is None:
            return h, skip
        half = h.shape[1] // 2
        changed = h.clone()
        changed[:, :half] *= scale(h, strength.features)
        return changed, fourier_filter(skip, THRESHOLD, strength.skip)  # pyright: ignore[reportArgumentType]

    return scaled


def _width(model: Model) -> int:
    """How many channels the first level of a model's UNet has."""
    widths = getattr(getattr(model.network, "config", None), "block_out_channels", None)
    if not widths:
        raise ValueError(f"FreeU changes the skips of a UNet, and {model.family.name} models have none")
    return widths[0]
