"""Networks that draw lines: HED, PiDiNet, line art, M-LSD, TEED and AnyLine."""

from functools import partial
from typing import Any

import cv2
import numpy as np
from torch import nn

from engine.hints.annotators import Weights, first
from engine.hints.detectors import Detector, asked, sized
from engine.hints.library import module
from engine.hints.networks import network

HED = Weights("ControlNetHED.pth")
PIDINET = Weights("table5_pidinet.pth")
LINEART = Weights("sk_model.pth")
COARSE_LINEART = Weights("sk_model2.pth")
ANIME_LINEART = Weights("netG.pth")
MLSD = Weights("mlsd_large_512_fp32.pth")
TEED = (
    Weights("7_model.pth", "bdsqlsz/qinglong_controlnet-lllite", "Annotators"),
    Weights("5_model.pth", "fal-ai/teed"),
)
ANYLINE = Weights("MTEED.pth", "TheMistoAI/MistoLine", "Anyline")


def hed(*, is_safe: bool, is_scribble: bool = False) -> Detector:
    """Soft edges by HED; `is_safe` makes few steps of grey, a scribble thin white lines."""
    found = network(HED, _hed, "HED")
    detector = module("hed").HEDdetector(found)
    return Detector("HED", (found,), sized(detector, safe=is_safe, scribble=is_scribble))


def pidinet(*, is_safe: bool, is_scribble: bool = False) -> Detector:
    """Soft edges by PiDiNet."""
    found = network(PIDINET, _pidinet, "PiDiNet")
    detector = module("pidi").PidiNetDetector(found)
    return Detector("PiDiNet", (found,), sized(detector, safe=is_safe, scribble=is_scribble))


def lineart(*, is_coarse: bool) -> Detector:
    """Line art of photographs."""
    found = network(COARSE_LINEART if is_coarse else LINEART, _lineart, "Realistic Lineart")
    detector = module("lineart").LineartDetector(found, found)
    return Detector("Realistic Lineart", (found,), sized(detector, coarse=is_coarse))


def anime_lineart() -> Detector:
    """Line art of drawings."""
    found = network(ANIME_LINEART, _anime_lineart, "Anime Lineart")
    return Detector("Anime Lineart", (found,), sized(module("lineart_anime").LineartAnimeDetector(found)))


def mlsd(score: float, distance: float) -> Detector:
    """Straight lines, by their score and length; drawn here, as the library's own drawing hides every error."""
    found = network(MLSD, _mlsd, "M-LSD")
    predicted = module("mlsd").pred_lines

    def detect(picture: np.ndarray) -> np.ndarray:
        canvas = np.zeros_like(picture)
        try:
            lines = predicted(picture, found, list(picture.shape[:2]), score, distance)
        except IndexError:  # its answer to a picture without lines
            return canvas
        for line in lines.astype(int).tolist():
            cv2.line(canvas, line[:2], line[2:], (255, 255, 255), 1)
        return canvas

    return Detector("M-LSD", (found,), detect)


def teed(steps: int) -> Detector:
    """Soft edges by TEED in so many steps of grey; 0 keeps them all."""
    found = network(first(TEED), _teed, "TEED")
    return Detector("TEED", (found,), asked(module("teed").TEEDdetector(found), safe_steps=steps))


def anyline(lineart: Detector, bounds: tuple[float, float], least: int, connectivity: int) -> Detector:
    """Edges by TEED, and over them line art: its values within `bounds`, without objects smaller than `least` pixels.

    Joined here: the library's own joining counts beyond 255.
    """
    found = network(ANYLINE, _teed, "AnyLine")
    edges = asked(module("teed").TEEDdetector(found), safe_steps=2)

    def detect(picture: np.ndarray) -> np.ndarray:
        below, above = (part(picture)[..., 0].astype(np.float32) / 255 for part in (edges, lineart.detect))
        above[(above < bounds[0]) | (above > bounds[1])] = 0
        above[_small(above > 0, least, connectivity)] = 0
        joined = 1 - (1 - above) * (1 - below)
        return np.repeat((joined * 255).astype(np.uint8)[..., None], 3, axis=2)

    return Detector("AnyLine", (found, *lineart.networks), detect)


def _small(mask: np.ndarray, least: int, connectivity: int) -> np.ndarray:
    """The objects of a mask that have fewer pixels than `least`; they hang together by sides, or by corners too (2)."""
    neighbours = 8 if connectivity > 1 else 4
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=neighbours)
    areas = np.asarray(stats)[:, cv2.CC_STAT_AREA]
    return areas[np.asarray(labels, np.intp)] < least


def _hed() -> Any:
    return module("hed").ControlNetHED_Apache2()


def _pidinet() -> Any:
    return module("pidi").pidinet()


def _lineart() -> Any:
    return module("lineart").Generator(3, 1, 3)


def _anime_lineart() -> Any:
    norm = partial(nn.InstanceNorm2d, affine=False, track_running_stats=False)
    return module("lineart_anime").UnetGenerator(3, 1, 8, 64, norm_layer=norm, use_dropout=False)


def _mlsd() -> Any:
    return module("mlsd").MobileV2_MLSD_Large()


def _teed() -> Any:
    return module("teed").TED()
