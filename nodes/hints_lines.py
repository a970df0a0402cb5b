"""Hints of lines for ControlNets: edges, soft edges, line art and scribbles of pictures."""

from typing import Annotated, Literal

from engine.api import MAX_RESOLUTION, Image, Number, deferred, node

with deferred():
    from engine.hints import detectors, drawn, hint, lines

Resolution = Annotated[int, Number(64, MAX_RESOLUTION, step=64)]
Byte = Annotated[int, Number(0, 255, step=1)]
Share = Annotated[float, Number(0.0, 1.0, step=0.01)]
Switch = Literal["enable", "disable"]
Score = Annotated[float, Number(0.01, 2.0, step=0.01)]
Distance = Annotated[float, Number(0.01, 20.0, step=0.01)]


@node("image/preprocessors/lines", id="CannyEdgePreprocessor", title="Canny Edge")
def canny_edge(
    image: Image, low_threshold: Byte = 100, high_threshold: Byte = 200, resolution: Resolution = 512
) -> Image:
    """Draw edges; thresholds count in values of 0 to 255."""
    return hint.hints(image, resolution, lambda picture: drawn.canny(picture, low_threshold, high_threshold))


@node("image/preprocessors/lines", id="ScribblePreprocessor", title="Scribble Lines")
def scribble_lines(image: Image, resolution: Resolution = 512) -> Image:
    """Turn dark lines on a bright ground into white ones on black."""
    return hint.hints(image, resolution, drawn.scribble)


@node("image/preprocessors/lines", id="Scribble_XDoG_Preprocessor", title="Scribble XDoG Lines")
def scribble_xdog(
    image: Image, threshold: Annotated[int, Number(1, 64, step=1)] = 32, resolution: Resolution = 512
) -> Image:
    """Draw what is darker than its surroundings as a scribble, by a difference of two blurs."""
    return hint.hints(image, resolution, lambda picture: drawn.difference_of_gaussians(picture, threshold))


@node("image/preprocessors/lines", id="BinaryPreprocessor", title="Binary Lines")
def binary_lines(image: Image, bin_threshold: Byte = 100, resolution: Resolution = 512) -> Image:
    """Make what is darker than a threshold white, and the rest black; 0 and 255 let the picture choose (Otsu)."""
    return hint.hints(image, resolution, lambda picture: drawn.binary(picture, bin_threshold))


@node("image/preprocessors/lines", id="HEDPreprocessor", title="HED Soft-Edge Lines")
def hed_lines(image: Image, safe: Switch = "enable", resolution: Resolution = 512) -> Image:
    """Draw soft edges by the network HED; safe ones have few steps of grey."""
    return detectors.look(image, resolution, lines.hed(is_safe=safe == "enable"))


@node("image/preprocessors/lines", id="FakeScribblePreprocessor", title="Fake Scribble Lines")
def fake_scribble(image: Image, safe: Switch = "enable", resolution: Resolution = 512) -> Image:
    """Draw edges by the network HED as thin white lines, as if scribbled."""
    return detectors.look(image, resolution, lines.hed(is_safe=safe == "enable", is_scribble=True))


@node("image/preprocessors/lines", id="PiDiNetPreprocessor", title="PiDiNet Soft-Edge Lines")
def pidinet_lines(image: Image, safe: Switch = "enable", resolution: Resolution = 512) -> Image:
    """Draw soft edges by the network PiDiNet; safe ones have few steps of grey."""
    return detectors.look(image, resolution, lines.pidinet(is_safe=safe == "enable"))


@node("image/preprocessors/lines", id="Scribble_PiDiNet_Preprocessor", title="Scribble PiDiNet Lines")
def scribble_pidinet(image: Image, safe: Switch = "enable", resolution: Resolution = 512) -> Image:
    """Draw edges by the network PiDiNet as thin white lines, as if scribbled."""
    return detectors.look(image, resolution, lines.pidinet(is_safe=safe == "enable", is_scribble=True))


@node("image/preprocessors/lines", id="LineArtPreprocessor", title="Realistic Lineart")
def realistic_lineart(
    image: Image, coarse: Literal["disable", "enable"] = "disable", resolution: Resolution = 512
) -> Image:
    """Draw a photograph as line art, white on black."""
    return detectors.look(image, resolution, lines.lineart(is_coarse=coarse == "enable"))


@node("image/preprocessors/lines", id="AnimeLineArtPreprocessor", title="Anime Lineart")
def anime_lineart(image: Image, resolution: Resolution = 512) -> Image:
    """Draw a painted picture as line art, white on black."""
    return detectors.look(image, resolution, lines.anime_lineart())


@node("image/preprocessors/lines", id="LineartStandardPreprocessor", title="Standard Lineart")
def standard_lineart(
    image: Image,
    guassian_sigma: Annotated[float, Number(0.1, 100.0, step=0.1)] = 6.0,
    intensity_threshold: Annotated[int, Number(0, 16, step=1)] = 8,
    resolution: Resolution = 512,
) -> Image:
    """Draw what is darker than its surroundings as line art, without a network."""
    return detectors.look(image, resolution, detectors.lineart_standard(guassian_sigma, intensity_threshold))


@node("image/preprocessors/lines", id="M-LSDPreprocessor", title="M-LSD Lines")
def mlsd_lines(
    image: Image, score_threshold: Score = 0.1, dist_threshold: Distance = 0.1, resolution: Resolution = 512
) -> Image:
    """Draw the straight lines of a picture, as of rooms and houses."""
    return detectors.look(image, resolution, lines.mlsd(score_threshold, dist_threshold))


@node("image/preprocessors/lines", id="TEEDPreprocessor", title="TEED Soft-Edge Lines")
def teed_lines(
    image: Image, safe_steps: Annotated[int, Number(0, 10, step=1)] = 2, resolution: Resolution = 512
) -> Image:
    """Draw soft edges by the small network TEED, in so many steps of grey; 0 keeps them all."""
    return detectors.look(image, resolution, lines.teed(safe_steps))


@node("image/preprocessors/lines", id="AnyLineArtPreprocessor_aux", title="AnyLine Lineart")
def anyline(
    image: Image,
    merge_with_lineart: Literal["lineart_standard", "lineart_realisitic", "lineart_anime"] = "lineart_standard",
    resolution: Resolution = 1280,
    lineart_lower_bound: Share = 0.0,
    lineart_upper_bound: Share = 1.0,
    object_min_size: Annotated[int, Number(1, step=1)] = 36,
    object_connectivity: Annotated[int, Number(1, 2, step=1)] = 1,
) -> Image:
    """Draw edges by a TEED of its own, and over them line art without its specks."""
    match merge_with_lineart:
        case "lineart_realisitic":
            lineart = lines.lineart(is_coarse=False)
        case "lineart_anime":
            lineart = lines.anime_lineart()
        case _:
            lineart = detectors.lineart_standard(2.0, 3)
    bounds = (lineart_lower_bound, lineart_upper_bound)
    made = lines.anyline(lineart, bounds, object_min_size, object_connectivity)
    return detectors.look(image, resolution, made)
