"""Changes to images: invert, crop, turn, stitch, blend, blur, sharpen, fewer colours, edges, noise."""

from typing import Annotated, Literal, NamedTuple

from engine.api import MAX_RESOLUTION, Image, Named, Number, Seed, deferred, node

with deferred():
    import torch

    from engine.device import room
    from engine.pictures import canny, filters, paste, resample

Side = Annotated[int, Number(1, MAX_RESOLUTION, step=1)]
Place = Annotated[int, Number(0, MAX_RESOLUTION, step=1)]
Radius = Annotated[int, Number(1, 31, step=1)]
Threshold = Annotated[float, Number(0.01, 0.99, step=0.01)]
_COLOURS = {"white": (1, 1, 1), "black": (0, 0, 0), "red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}


@node("image", id="ImageInvert", title="Invert Image")
def image_invert(image: Image) -> Image:
    """Turn an image into its negative."""
    return 1 - image


@node("image/transform", id="ImageCrop", title="Image Crop")
def image_crop(image: Image, width: Side = 512, height: Side = 512, x: Place = 0, y: Place = 0) -> Image:
    """Cut a rectangle out of an image; what lies beyond its border is left away."""
    x, y = min(x, image.shape[2] - 1), min(y, image.shape[1] - 1)
    return image[:, y : y + height, x : x + width].clone()


@node("image/transform", id="ImageFlip", title="ImageFlip")
def image_flip(image: Image, flip_method: Literal["x-axis: vertically", "y-axis: horizontally"]) -> Image:
    """Mirror an image, upside down or left to right."""
    return image.flip(1 if flip_method.startswith("x") else 2)


@node("image/transform", id="ImageRotate", title="ImageRotate")
def image_rotate(image: Image, rotation: Literal["none", "90 degrees", "180 degrees", "270 degrees"]) -> Image:
    """Turn an image clockwise."""
    turns = 0 if rotation == "none" else int(rotation.partition(" ")[0]) // 90
    return image.rot90(turns, (2, 1))


@node("image/transform", id="ImageStitch", title="Image Stitch")
def image_stitch(
    image1: Image,
    direction: Literal["right", "down", "left", "up"] = "right",
    match_image_size: bool = True,
    spacing_width: Annotated[int, Number(0, 1024, step=2)] = 0,
    spacing_color: Literal["white", "black", "red", "green", "blue"] = "white",
    image2: Image | None = None,
) -> Image:
    """Set the second image beside the first, with a bar of colour between them.

    With `match_image_size` the second is resized to the length of the common side, without it the smaller one is
    centred on the bar's colour. The shorter batch repeats its last image.
    """
    if image2 is None:
        return image1
    first, second = paste.matching(image1, image2)
    count = max(first.shape[0], second.shape[0])
    first, second = (torch.cat([each, each[-1:].repeat(count - each.shape[0], 1, 1, 1)]) for each in (first, second))
    across = 1 if direction in ("right", "left") else 2  # the axis along which both must be as long
    if match_image_size and first.shape[across] != second.shape[across]:
        factor = first.shape[across] / second.shape[across]
        tall, wide = (max(1, round(second.shape[axis] * factor)) for axis in (1, 2))
        second = resample.resize_image(second, wide, tall, "lanczos")
    colour = torch.tensor([*_COLOURS[spacing_color], 1.0][: first.shape[-1]])
    length = max(first.shape[across], second.shape[across])
    first, second = (_centred(each, across, length, colour) for each in (first, second))
    pieces = [first, second] if direction in ("right", "down") else [second, first]
    if spacing_width:
        bar = (count, length, spacing_width) if across == 1 else (count, spacing_width, length)
        pieces.insert(1, colour.expand(*bar, -1))
    return torch.cat(pieces, dim=3 - across)


@node("image/postprocessing", id="ImageBlend", spells_combo=True)
def image_blend(
    image1: Image,
    image2: Image,
    *,
    blend_factor: Annotated[float, Number(0.0, 1.0, step=0.01)] = 0.5,
    blend_mode: Literal["normal", "multiply", "screen", "overlay", "soft_light", "difference"],
) -> Image:
    """Lay the second image over the first: factor 0 is the first alone, 1 the blend.

    The modes are those of the W3C's Compositing and Blending, the second image being the source.
    """
    below, above = paste.matching(image1, image2)
    if below.shape[1:3] != above.shape[1:3]:
        above = resample.resize_image(above, below.shape[2], below.shape[1], "bicubic", "center")
    above = resample.repeat_batch(above, below.shape[0]).to(below)
    return (below * (1 - blend_factor) + _blended(below, above, blend_mode) * blend_factor).clamp(0, 1)


@node("image/postprocessing", id="ImageBlur")
def image_blur(
    image: Image, blur_radius: Radius = 1, sigma: Annotated[float, Number(0.1, 10.0, step=0.1)] = 1.0
) -> Image:
    """Blur an image with a Gaussian bell; sigma counts in radii."""
    return filters.blur(image, blur_radius, sigma)


@node("image/postprocessing", id="ImageSharpen")
def image_sharpen(
    image: Image,
    sharpen_radius: Radius = 1,
    sigma: Annotated[float, Number(0.1, 10.0, step=0.01)] = 1.0,
    alpha: Annotated[float, Number(0.0, 5.0, step=0.01)] = 1.0,
) -> Image:
    """Sharpen an image by adding what a blur would take away; sigma counts in radii."""
    return filters.sharpen(image, sharpen_radius, sigma, alpha)


@node("image/postprocessing", id="ImageQuantize", spells_combo=True)
def image_quantize(
    image: Image,
    *,
    colors: Annotated[int, Number(1, 256, step=1)] = 256,
    dither: Literal["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"],
) -> Image:
    """Reduce each image to a palette of so many colours, dithered or not."""
    return filters.quantize(image, colors, dither)


@node("image/postprocessing", id="Morphology", title="ImageMorphology", spells_combo=True)
def morphology(
    image: Image,
    operation: Literal["erode", "dilate", "open", "close", "gradient", "bottom_hat", "top_hat"],
    kernel_size: Annotated[int, Number(3, 999, step=1)] = 3,
) -> Image:
    """Grow or shrink what is bright in an image, with a square of so many pixels."""
    return filters.MORPHOLOGY[operation](image, kernel_size)


@node("image/preprocessors", id="Canny", spells_combo=True)
def canny_edges(image: Image, low_threshold: Threshold = 0.4, high_threshold: Threshold = 0.8) -> Image:
    """Draw the edges of an image in white: those above the high threshold, and weaker ones that touch them."""
    return canny.edges(image, low_threshold, high_threshold)


@node("image", id="ImageAddNoise", title="ImageAddNoise")
def image_add_noise(
    image: Image,
    seed: Annotated[int, Seed()] = 0,
    strength: Annotated[float, Number(0.0, 1.0, step=0.01)] = 0.5,
) -> Image:
    """Add Gaussian noise to an image; the seed decides which."""
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed))
    return (image + strength * noise.to(image)).clamp(0, 1)


class Yuv(NamedTuple):
    luma: Annotated[Image, Named("Y")]
    blue: Annotated[Image, Named("U")]
    red: Annotated[Image, Named("V")]


@node("image/batch", id="ImageRGBToYUV")
def image_rgb_to_yuv(image: Image) -> Yuv:
    """Split an image into brightness and two colour differences, each a grey image.

    ITU-R BT.601 at full range: U and V are 0.5 where there is no colour.
    """
    r, g, b = image[..., :3].unbind(-1)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    planes = y, (b - y) / (2 * (1 - 0.114)) + 0.5, (r - y) / (2 * (1 - 0.299)) + 0.5
    return Yuv(*(plane[..., None].repeat(1, 1, 1, 3) for plane in planes))


@node("image/batch", id="ImageYUVToRGB")
def image_yuv_to_rgb(Y: Image, U: Image, V: Image) -> Image:
    """Put an image together from brightness and two colour differences; the reverse of ImageRGBToYUV."""
    y, u, v = (plane.mean(-1) for plane in (Y, U, V))
    r, b = y + (v - 0.5) * 2 * (1 - 0.299), y + (u - 0.5) * 2 * (1 - 0.114)
    g = (y - 0.299 * r - 0.114 * b) / 0.587
    return torch.stack([r, g, b], dim=-1).clamp(0, 1)


def _centred(image: Image, axis: int, length: int, colour: "torch.Tensor") -> Image:
    """An image between two bars of a colour, so that `axis` has this length."""
    missing = length - image.shape[axis]
    if missing == 0:
        return image
    shape = [*image.shape]
    shape[axis] = length
    room.require("the stitched image", *shape)
    result = colour.expand(*shape).clone()
    result.narrow(axis, missing // 2, image.shape[axis]).copy_(image)
    return result


def _blended(below: "torch.Tensor", above: "torch.Tensor", mode: str) -> "torch.Tensor":
    match mode:
        case "multiply":
            return below * above
        case "screen":
            return 1 - (1 - below) * (1 - above)
        case "overlay":
            return torch.where(below <= 0.5, 2 * below * above, 1 - 2 * (1 - below) * (1 - above))
        case "soft_light":
            light = torch.where(below <= 0.25, ((16 * below - 12) * below + 4) * below, below.clamp(min=0).sqrt())
            dark = below - (1 - 2 * above) * below * (1 - below)
            return torch.where(above <= 0.5, dark, below + (2 * above - 1) * (light - below))
        case "difference":
            return (below - above).abs()
        case _:
            return above
