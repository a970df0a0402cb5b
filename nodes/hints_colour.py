"""Hints of colours and regions for ControlNets: tiles, mosaics, brightness, and shuffled pictures."""

from typing import Annotated

from engine.api import MAX_RESOLUTION, Image, Mask, Number, Seed, deferred, node

with deferred():
    from engine.hints import detectors, drawn, hint, segments
    from engine.pictures import resample

Resolution = Annotated[int, Number(64, MAX_RESOLUTION, step=64)]
Gamma = Annotated[float, Number(0.1, 2.0, step=0.001)]


@node("image/preprocessors/tile", id="TilePreprocessor", title="Tile")
def tile(image: Image, pyrUp_iters: Annotated[int, Number(1, 10, step=1)] = 3, resolution: Resolution = 512) -> Image:
    """Take the details out of a picture, for a tile ControlNet to draw anew: it is halved so often, and enlarged."""
    return hint.hints(image, resolution, lambda picture: drawn.tile(picture, pyrUp_iters))


@node("image/preprocessors/colour", id="ColorPreprocessor", title="Colour Palette")
def colour_mosaic(image: Image, resolution: Resolution = 512) -> Image:
    """Keep nothing but the colours of squares of 64 pixels."""
    return hint.hints(image, resolution, drawn.colours)


@node("image/preprocessors/colour", id="ImageLuminanceDetector", title="Image Luminance")
def image_luminance(image: Image, gamma_correction: Gamma = 1.0, resolution: Resolution = 512) -> Image:
    """Keep the brightness as it is perceived (L of CIELAB), for a ControlNet that colours pictures."""
    return hint.hints(image, resolution, lambda picture: drawn.luminance(picture, gamma_correction))


@node("image/preprocessors/colour", id="ImageIntensityDetector", title="Image Intensity")
def image_intensity(image: Image, gamma_correction: Gamma = 1.0, resolution: Resolution = 512) -> Image:
    """Keep the brightest of the three colours (V of HSV), for a ControlNet that colours pictures."""
    return hint.hints(image, resolution, lambda picture: drawn.intensity(picture, gamma_correction))


@node("image/preprocessors/colour", id="ShufflePreprocessor", title="Content Shuffle")
def content_shuffle(image: Image, resolution: Resolution = 512, seed: Annotated[int, Seed()] = 0) -> Image:
    """Pull a picture about until only its colours and shapes are left; every picture of a batch in the same way."""
    return hint.hints(image, resolution, lambda picture: drawn.shuffle(picture, seed))


@node("image/preprocessors/colour", id="SAMPreprocessor", title="SAM Segmentor")
def sam_regions(image: Image, resolution: Resolution = 512) -> Image:
    """Paint every region that Segment Anything finds in a colour of its own."""
    return detectors.look(image, resolution, segments.segments())


@node("image/preprocessors/tile", id="InpaintPreprocessor", title="Inpaint Preprocessor")
def inpaint_hint(image: Image, mask: Mask, black_pixel_for_xinsir_cn: bool = False) -> Image:
    """Mark the masked part of an image for an inpainting ControlNet: with -1, or with black for those that want it."""
    planes = resample.resize_mask(mask.to(image), image.shape[2], image.shape[1]).round()
    holes = resample.repeat_batch(planes, image.shape[0]).movedim(1, -1).bool()
    return image[..., :3].masked_fill(holes, 0.0 if black_pixel_for_xinsir_cn else -1.0)
