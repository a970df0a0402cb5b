"""Hints that need no network: edges, scribbles, colours and brightness, of pictures (H, W, 3) in 8 bits."""

import cv2
import numpy as np


def canny(picture: np.ndarray, low: int, high: int) -> np.ndarray:
    """Edges by OpenCV's Canny; the thresholds are sums of the absolute gradients of Sobel's kernels in 0..255."""
    if low > high:
        msg = f"low_threshold {low} is above high_threshold {high}: weak edges must be weaker than strong ones"
        raise ValueError(msg)
    return _grey(cv2.Canny(picture, low, high))


def scribble(picture: np.ndarray) -> np.ndarray:
    """Dark lines on a bright ground, as white ones on black."""
    return _grey(np.where(picture.min(axis=2) < 127, 255, 0).astype(np.uint8))


def difference_of_gaussians(picture: np.ndarray, threshold: int) -> np.ndarray:
    """Lines where a fine blur is darker than a wide one (as in XDoG, Winnemoeller et al. 2012)."""
    values = picture.astype(np.float32)
    fine, wide = (cv2.GaussianBlur(values, (0, 0), sigma) for sigma in (0.5, 5.0))
    darker = (wide - fine).min(axis=2).clip(0, 255).astype(np.uint8)
    return _grey(np.where(2 * darker.astype(int) > threshold, 255, 0).astype(np.uint8))


def binary(picture: np.ndarray, threshold: int) -> np.ndarray:
    """Black where the grey picture is brighter than the threshold, white elsewhere; 0 and 255 take Otsu's (1979)."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    method = cv2.THRESH_BINARY_INV | (cv2.THRESH_OTSU if threshold in (0, 255) else 0)
    return _grey(cv2.threshold(grey, threshold, 255, method)[1])


def tile(picture: np.ndarray, halvings: int) -> np.ndarray:
    """A picture without its details: made half as large so many times, and enlarged again step by step."""
    height, width = picture.shape[:2]
    small = (max(1, width >> halvings), max(1, height >> halvings))
    coarse = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    for _ in range(halvings):
        coarse = cv2.pyrUp(coarse)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def colours(picture: np.ndarray) -> np.ndarray:
    """A mosaic of squares of 64 pixels."""
    height, width = picture.shape[:2]
    cells = (max(1, width // 64), max(1, height // 64))
    coarse = cv2.resize(picture, cells, interpolation=cv2.INTER_AREA)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)


def luminance(picture: np.ndarray, gamma: float) -> np.ndarray:
    """Brightness as it is perceived: L of CIELAB, to the power of gamma."""
    return _gamma(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)[..., 0], gamma)


def intensity(picture: np.ndarray, gamma: float) -> np.ndarray:
    """The largest of the three colours, V of HSV, to the power of gamma."""
    return _gamma(picture.max(axis=2), gamma)


def shuffle(picture: np.ndarray, seed: int) -> np.ndarray:
    """A picture pulled about by smooth noise: its colours and shapes stay, its composition goes."""
    height, width = picture.shape[:2]
    random = np.random.default_rng(seed)
    across, down = (_smooth_noise(height, width, random) * (side - 1) for side in (width, height))
    return cv2.remap(picture, across, down, cv2.INTER_LINEAR)


def _smooth_noise(height: int, width: int, random: np.random.Generator, cell: int = 256) -> np.ndarray:
    """Noise (height, width) in 0..1 that changes over cells of so many pixels."""
    coarse = random.random((height // cell + 2, width // cell + 2), dtype=np.float32)
    wide = cv2.resize(coarse, (width + 2 * cell, height + 2 * cell), interpolation=cv2.INTER_CUBIC)
    noise = wide[cell : cell + height, cell : cell + width]
    lowest, highest = noise.min(), noise.max()
    return (noise - lowest) / max(highest - lowest, 1e-6)


def _gamma(values: np.ndarray, gamma: float) -> np.ndarray:
    return _grey(((values.astype(np.float32) / 255) ** gamma * 255).round().clip(0, 255).astype(np.uint8))


def _grey(values: np.ndarray) -> np.ndarray:
    """Values (H, W) as a picture (H, W, 3)."""
    return np.repeat(values[..., None], 3, axis=2)
