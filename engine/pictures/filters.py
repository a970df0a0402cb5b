"""Filters of images (B, H, W, C) in 0..1: blur, sharpen, morphology, fewer colours."""

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import conv2d
from torch.nn.functional import pad as padded

from engine.pictures.files import as_pictures


def gaussian(radius: int, sigma: float) -> Tensor:
    """A round Gaussian bell (2 * radius + 1 squared) that sums to 1; `sigma` counts in radii, not in pixels."""
    ramp = torch.linspace(-1, 1, 2 * radius + 1)
    bell = torch.exp(-(ramp[:, None] ** 2 + ramp**2) / (2 * sigma**2))
    return bell / bell.sum()


def blur(image: Tensor, radius: int, sigma: float) -> Tensor:
    """A Gaussian blur; the borders are mirrored."""
    return _convolved(image, gaussian(radius, sigma))


def sharpen(image: Tensor, radius: int, sigma: float, alpha: float) -> Tensor:
    """Unsharp masking, as one kernel: ten times `alpha` of what a blur takes away is added."""
    kernel = -10 * alpha * gaussian(radius, sigma)
    kernel[radius, radius] = kernel[radius, radius] - kernel.sum() + 1  # in this order: the last bit shows
    return _convolved(image, kernel).clamp(0, 1)


def _convolved(image: Tensor, kernel: Tensor) -> Tensor:
    """Each channel of each image with one kernel, in one pass: in two the last bits, and with them pixels, differ."""
    radius = kernel.shape[0] // 2
    planes = image.movedim(-1, 1).flatten(0, 1)[:, None]
    mode = "reflect" if radius < min(planes.shape[-2:]) else "replicate"
    planes = conv2d(padded(planes, (radius,) * 4, mode=mode), kernel.to(image)[None, None])
    return planes.view(image.shape[0], image.shape[3], image.shape[1], image.shape[2]).movedim(1, -1)


def _opened(image: Tensor, size: int) -> Tensor:
    return _dilated(_eroded(image, size), size)


def _closed(image: Tensor, size: int) -> Tensor:
    return _eroded(_dilated(image, size), size)


def _eroded(image: Tensor, size: int) -> Tensor:
    return torch.from_numpy(ndimage.minimum_filter(image.cpu().numpy(), (1, size, size, 1), mode="nearest"))


def _dilated(image: Tensor, size: int) -> Tensor:
    return torch.from_numpy(ndimage.maximum_filter(image.cpu().numpy(), (1, size, size, 1), mode="nearest"))


MORPHOLOGY: dict[str, Callable[[Tensor, int], Tensor]] = {
    "erode": _eroded,
    "dilate": _dilated,
    "open": _opened,
    "close": _closed,
    "gradient": lambda image, size: _dilated(image, size) - _eroded(image, size),
    "bottom_hat": lambda image, size: _closed(image, size) - image.cpu(),
    "top_hat": lambda image, size: image.cpu() - _opened(image, size),
}
"""Operations of grey morphology with a square of `size` pixels, channel by channel."""


def quantize(image: Tensor, colors: int, dither: str) -> Tensor:
    """Each image in a palette of its own of so many colours; `dither` is none, floyd-steinberg or bayer-N."""
    return torch.stack([_quantized(picture.convert("RGB"), colors, dither) for picture in as_pictures(image)])


def _quantized(picture: Image.Image, colors: int, dither: str) -> Tensor:
    palette = picture.quantize(colors)
    if dither == "floyd-steinberg":
        few = picture.quantize(colors, palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    elif dither.startswith("bayer-"):
        shaded = _shaded(picture, colors, int(dither.removeprefix("bayer-")))
        few = shaded.quantize(colors, palette=palette, dither=Image.Dither.NONE)
    else:
        few = picture.quantize(colors, palette=palette, dither=Image.Dither.NONE)
    return torch.from_numpy(np.array(few.convert("RGB"))).float() / 255


def _shaded(picture: Image.Image, colors: int, order: int) -> Image.Image:
    """The picture with a Bayer threshold pattern laid over it, as strong as two steps of an even grey scale."""
    pattern = bayer(order)
    tall, wide = -(-picture.height // order), -(-picture.width // order)
    pattern = np.tile(pattern, (tall, wide))[: picture.height, : picture.width, None]
    values = np.asarray(picture, dtype=np.float32) + (pattern - 0.5) * (2 * 256 / colors)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def bayer(order: int) -> np.ndarray:
    """The Bayer matrix (order, order), order a power of 2, with thresholds in 0..1 (Bayer 1973)."""
    matrix = np.zeros((1, 1), dtype=np.float32)
    while matrix.shape[0] < order:
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return matrix / matrix.size
