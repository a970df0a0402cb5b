"""Images: made, measured, resized, and taken in and out of batches."""

from itertools import groupby
from math import sqrt
from typing import Annotated, Any, Literal, NamedTuple

from engine.api import MAX_RESOLUTION, Choice, Hidden, Image, Named, Number, deferred, node

with deferred():
    import torch

    from engine.device import room
    from engine.pictures import paste, resample

Method = Literal["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]
Side = Annotated[int, Number(1, MAX_RESOLUTION, step=1)]
Target = Annotated[int, Number(0, MAX_RESOLUTION, step=1)]
MEGAPIXEL = 1024 * 1024


@node("image", id="EmptyImage", title="EmptyImage")
def empty_image(
    width: Side = 512,
    height: Side = 512,
    batch_size: Annotated[int, Number(1, 4096)] = 1,
    color: Annotated[int, Number(0, 0xFFFFFF, step=1, display="color")] = 0,
) -> Image:
    """Make images of one colour, given as 0xRRGGBB."""
    room.require(f"{batch_size} images of {width} x {height}", batch_size, height, width, 3)
    rgb = torch.tensor([color >> 16, color >> 8 & 0xFF, color & 0xFF]) / 255
    return rgb.expand(batch_size, height, width, 3).contiguous()


class Size(NamedTuple):
    width: Annotated[int, Named("width")]
    height: Annotated[int, Named("height")]
    batch_size: Annotated[int, Named("batch_size")]


@node("image", id="GetImageSize", title="Get Image Size")
def get_image_size(image: Image, unique_id: Annotated[str | None, Hidden("UNIQUE_ID")] = None) -> Size:
    """Say how wide and high an image is, and how many there are in the batch."""
    return Size(image.shape[2], image.shape[1], image.shape[0])


@node("image/upscaling", id="ImageScale", title="Upscale Image")
def image_scale(
    image: Image,
    upscale_method: Method,
    *,
    width: Target = 512,
    height: Target = 512,
    crop: Literal["disabled", "center"],
) -> Image:
    """Resize an image; where one side is 0, the aspect stays."""
    if width == 0 and height == 0:
        return image
    width, height = resample.kept_aspect(width, height, image.shape[2], image.shape[1])
    return resample.resize_image(image, width, height, upscale_method, crop)


@node("image/upscaling", id="ImageScaleBy", title="Upscale Image By")
def image_scale_by(
    image: Image, upscale_method: Method, scale_by: Annotated[float, Number(0.01, 8.0, step=0.01)] = 1.0
) -> Image:
    """Resize an image by a factor."""
    return _scaled(image, scale_by, upscale_method)


@node("image/upscaling", id="ImageScaleToTotalPixels", spells_combo=True)
def image_scale_to_total_pixels(
    image: Image, upscale_method: Method, megapixels: Annotated[float, Number(0.01, 16.0, step=0.01)] = 1.0
) -> Image:
    """Resize an image to an area in megapixels (of 1024 x 1024); the aspect stays."""
    factor = sqrt(megapixels * MEGAPIXEL / (image.shape[1] * image.shape[2]))
    return _scaled(image, factor, upscale_method)


@node("image/upscaling", id="ImageScaleToMaxDimension", title="ImageScaleToMaxDimension")
def image_scale_to_max_dimension(
    image: Image,
    upscale_method: Annotated[str, Choice(("area", "lanczos", "bilinear", "nearest-exact", "bilinear", "bicubic"))],
    largest_size: Target = 512,
) -> Image:
    """Resize an image so that its longer side has this length; the aspect stays."""
    return _scaled(image, max(1, largest_size) / max(image.shape[1], image.shape[2]), upscale_method)


@node("image/transform", id="ResizeAndPadImage", title="ResizeAndPadImage")
def resize_and_pad_image(
    image: Image,
    *,
    target_width: Side = 512,
    target_height: Side = 512,
    padding_color: Literal["white", "black"],
    interpolation: Literal["area", "bicubic", "nearest-exact", "bilinear", "lanczos"],
) -> Image:
    """Fit an image into a frame of this size, and fill what stays free with a colour."""
    factor = min(target_width / image.shape[2], target_height / image.shape[1])
    scaled = _scaled(image, factor, interpolation)
    colour = 1.0 if padding_color == "white" else 0.0
    room.require(f"a frame of {target_width} x {target_height}", image.shape[0], target_height, target_width, 3)
    frame = scaled.new_full((image.shape[0], target_height, target_width, image.shape[3]), colour)
    top, left = (target_height - scaled.shape[1]) // 2, (target_width - scaled.shape[2]) // 2
    frame[:, top : top + scaled.shape[1], left : left + scaled.shape[2]] = scaled
    return frame


@node("image", id="ImageBatch", title="Batch Images")
def image_batch(image1: Image, image2: Image) -> Image:
    """Join two batches of images; the second is resized to the first."""
    first, second = paste.matching(image1, image2)
    if first.shape[1:3] != second.shape[1:3]:
        second = resample.resize_image(second, first.shape[2], first.shape[1], "bilinear", "center")
    return torch.cat([first, second])


@node("image/batch", id="ImageFromBatch", title="ImageFromBatch")
def image_from_batch(
    image: Image,
    batch_index: Annotated[int, Number(0, 4095)] = 0,
    length: Annotated[int, Number(1, 4096)] = 1,
) -> Image:
    """Take some images out of a batch."""
    start = min(batch_index, image.shape[0] - 1)
    return image[start : start + length].clone()


@node("image/batch", id="RepeatImageBatch", title="RepeatImageBatch")
def repeat_image_batch(image: Image, amount: Annotated[int, Number(1, 4096)] = 1) -> Image:
    """Repeat a batch of images."""
    return resample.repeat_batch(image, image.shape[0] * amount)


@node("image/batch", id="RebatchImages", title="Rebatch Images", takes_lists=True)
def rebatch_images(images: Image, batch_size: Annotated[int, Number(1, 4096)] = 1) -> list[Image]:
    """Cut all images that come in into batches of this size; those of different sizes are not mixed."""
    (size,) = _as_list(batch_size)
    singles = (single for batch in _as_list(images) for single in batch.split(1))
    batches: list[Image] = []
    for _, alike in groupby(singles, key=lambda single: single.shape):
        batches += torch.cat(list(alike)).split(size)
    return batches


def _scaled(image: Image, factor: float, method: str) -> Image:
    width, height = (max(1, round(image.shape[axis] * factor)) for axis in (2, 1))
    return resample.resize_image(image, width, height, method)


def _as_list(value: Any) -> list[Any]:
    """What came in, as a list: a run hands lists over, a caller may give one value."""
    return value if isinstance(value, list) else [value]
