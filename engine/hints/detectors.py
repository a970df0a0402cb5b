"""Detectors of controlnet-aux: what each is made of, and how it is asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from engine.hints import networks
from engine.hints.hint import Detect, hints
from engine.hints.library import module

_MULTIPLE = 64  # the library brings sides to multiples of it; those that are stay as they are


@dataclass(frozen=True)
class Detector:
    """A way to see one kind of hint, and the networks that must be on the device meanwhile."""

    what: str
    networks: tuple[nn.Module, ...]
    detect: Detect


def look(images: Tensor, resolution: int, detector: Detector) -> Tensor:
    """The hint (B, h, w, 3) of each image (B, H, W, C); the shorter side has `resolution` pixels."""
    with networks.at_work(detector.networks, f"{detector.what} at {resolution} pixels"):
        return hints(images, resolution, detector.detect, _MULTIPLE)


def asked(detector: Callable[..., Any], **settings: Any) -> Detect:
    """A detector of the library as a function of a picture, whose size it keeps."""

    def detect(picture: np.ndarray) -> np.ndarray:
        side = min(picture.shape[:2])
        return np.asarray(detector(picture, detect_resolution=side, output_type="np", **settings))

    return detect


def sized(detector: Callable[..., Any], **settings: Any) -> Detect:
    """The same for detectors that are also told how large a hint they should give."""

    def detect(picture: np.ndarray) -> np.ndarray:
        return asked(detector, image_resolution=min(picture.shape[:2]), **settings)(picture)

    return detect


def lineart_standard(sigma: float, threshold: int) -> Detector:
    """Line art without a network: what is darker than a blurred picture."""
    detector = module("lineart_standard").LineartStandardDetector()
    return Detector("Standard Lineart", (), asked(detector, guassian_sigma=sigma, intensity_threshold=threshold))
