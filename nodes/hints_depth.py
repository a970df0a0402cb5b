"""Hints of depth and normals for ControlNets."""

from math import pi
from typing import Annotated, Literal

from engine.api import MAX_RESOLUTION, Image, Number, deferred, node

with deferred():
    from engine.hints import depth, detectors

Resolution = Annotated[int, Number(64, MAX_RESOLUTION, step=64)]
Deepness = Annotated[float, Number(0.0, pi * 5, step=0.01)]
Share = Annotated[float, Number(0.0, 1.0, step=0.01)]
Percent = Annotated[float, Number(0.0, 100.0, step=0.1)]


@node("image/preprocessors/depth", id="MiDaS-DepthMapPreprocessor", title="MiDaS Depth Map")
def midas_depth(image: Image, a: Deepness = pi * 2, bg_threshold: Share = 0.1, resolution: Resolution = 512) -> Image:
    """See how near things are, by MiDaS: near is bright. `a` and the threshold count for normals alone."""
    return detectors.look(image, resolution, depth.midas(a, bg_threshold))


@node("image/preprocessors/depth", id="MiDaS-NormalMapPreprocessor", title="MiDaS Normal Map")
def midas_normals(image: Image, a: Deepness = pi * 2, bg_threshold: Share = 0.1, resolution: Resolution = 512) -> Image:
    """See which way surfaces look, from the depth by MiDaS; what is further than the threshold is left flat."""
    return detectors.look(image, resolution, depth.midas(a, bg_threshold, is_normal=True))


@node("image/preprocessors/depth", id="Zoe-DepthMapPreprocessor", title="Zoe Depth Map")
def zoe_depth(image: Image, resolution: Resolution = 512) -> Image:
    """See how near things are, by ZoeDepth: near is bright."""
    return detectors.look(image, resolution, depth.zoe())


@node("image/preprocessors/depth", id="LeReS-DepthMapPreprocessor", title="LeReS Depth Map")
def leres_depth(
    image: Image,
    rm_nearest: Percent = 0.0,
    rm_background: Percent = 0.0,
    boost: Literal["disable", "enable"] = "disable",
    resolution: Resolution = 512,
) -> Image:
    """See how near things are, by LeReS: near is bright. Boosted it looks several times, for finer detail."""
    made = depth.leres(rm_nearest, rm_background, is_boosted=boost == "enable")
    return detectors.look(image, resolution, made)


@node("image/preprocessors/depth", id="BAE-NormalMapPreprocessor", title="BAE Normal Map")
def bae_normals(image: Image, resolution: Resolution = 512) -> Image:
    """See which way surfaces look, by the network BAE."""
    return detectors.look(image, resolution, depth.normals())
