"""Edges of pictures by Canny (1986): gradients of a blur, thinned, and weak ones kept where they touch strong ones."""

import cv2
import numpy as np
import torch
from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as grey pictures are commonly made
_FINE = 8000  # steps of a gradient of 1: OpenCV wants 16-bit integers, and Sobel's kernel gives 4 at most


def edges(image: Tensor, low: float, high: float) -> Tensor:
    """White edges on black (B, H, W, 3) of images (B, H, W, 1, 3 or 4) in 0..1; an alpha is not looked at.

    The thresholds are lengths of the gradient by Sobel's kernel, as it is, of the grey picture after a blur of 5 x 5
    pixels and sigma 1: a sharp border between two greys has 2.6 times their difference. Raises ValueError where `low`
    is above `high`.
    """
    if low > high:
        msg = f"low_threshold {low:g} is above high_threshold {high:g}: weak edges must be weaker than strong ones"
        raise ValueError(msg)
    colour = image[..., :3].float().nan_to_num().clamp(0, 1)
    grey = (colour * colour.new_tensor(_LUMA)).sum(-1) if colour.shape[-1] == 3 else colour[..., 0]
    found = np.stack([_edges(each, low, high) for each in grey.cpu().numpy()])
    return torch.from_numpy(found).float().to(image.device)[..., None].repeat(1, 1, 1, 3)


def _edges(grey: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where edges are in a picture (H, W)."""
    soft = cv2.GaussianBlur(grey, (5, 5), 1.0, borderType=cv2.BORDER_REFLECT_101)
    across, down = (
        (cv2.Sobel(soft, cv2.CV_32F, dx, dy, borderType=cv2.BORDER_REPLICATE) * _FINE).round().astype(np.int16)
        for dx, dy in ((1, 0), (0, 1))
    )
    return cv2.Canny(across, down, low * _FINE, high * _FINE, L2gradient=True) > 0
