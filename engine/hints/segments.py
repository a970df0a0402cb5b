"""Segment Anything: every region of a picture in a colour of its own."""

from functools import partial
from typing import Any

import numpy as np

from engine.hints.annotators import Weights, first
from engine.hints.detectors import Detector
from engine.hints.library import module
from engine.hints.networks import network

_HOME = "ybelkada/segment-anything"
KINDS = {  # in the order in which they are looked for
    Weights("mobile_sam.pt", "dhkim2810/MobileSAM"): "vit_t",
    Weights("sam_vit_h_4b8939.pth", _HOME, "checkpoints"): "vit_h",
    Weights("sam_vit_l_0b3195.pth", _HOME, "checkpoints"): "vit_l",
    Weights("sam_vit_b_01ec64.pth", _HOME, "checkpoints"): "vit_b",
}


def segments() -> Detector:
    """All regions that Segment Anything finds, small ones over large ones, by the first of its files that is there."""
    weights = first(tuple(KINDS))
    found = network(weights, MAKERS[KINDS[weights]], "SAM")
    generator = module("segment_anything").SamAutomaticMaskGenerator(found)
    return Detector("SAM", (found,), lambda picture: painted(generator.generate(picture), picture.shape[:2]))


def painted(regions: list[dict[str, Any]], size: tuple[int, int]) -> np.ndarray:
    """Regions in colours that are drawn by their place in the list, the same in every run."""
    colours = np.random.default_rng(0).integers(40, 256, (len(regions), 3), dtype=np.uint8)
    canvas = np.zeros((*size, 3), dtype=np.uint8)
    for region, colour in zip(sorted(regions, key=lambda each: -each["area"]), colours, strict=True):
        canvas[region["segmentation"]] = colour
    return canvas


def _sam(kind: str) -> Any:
    return module("segment_anything").sam_model_registry[kind]()


MAKERS = {kind: partial(_sam, kind) for kind in KINDS.values()}  # made once: by them networks are kept
