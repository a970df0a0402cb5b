"""Masks: made, converted, combined, cut, grown and softened."""

from typing import Annotated, Literal

from engine.api import MAX_RESOLUTION, Image, Mask, Number, deferred, node

with deferred():
    import torch

    from engine.device import room
    from engine.pictures import masks, paste, resample

Place = Annotated[int, Number(0, MAX_RESOLUTION, step=1)]
Side = Annotated[int, Number(1, MAX_RESOLUTION, step=1)]
Share = Annotated[float, Number(0.0, 1.0, step=0.01)]
_CHANNELS = ("red", "green", "blue", "alpha")


@node("mask", id="MaskToImage", title="Convert Mask to Image")
def mask_to_image(mask: Mask) -> Image:
    """Show a mask as a grey image."""
    return resample.as_planes(mask).movedim(1, -1).repeat(1, 1, 1, 3)


@node("mask", id="ImageToMask", title="Convert Image to Mask")
def image_to_mask(image: Image, channel: Literal["red", "green", "blue", "alpha"]) -> Mask:
    """Take one channel of an image as a mask."""
    number = _CHANNELS.index(channel)
    if number >= image.shape[-1]:
        msg = f"the image has {image.shape[-1]} channels and no {channel}: choose another channel"
        raise ValueError(msg)
    return image[..., number].clone()


@node("mask", id="ImageColorToMask", title="ImageColorToMask")
def image_color_to_mask(image: Image, color: Annotated[int, Number(0, 0xFFFFFF, step=1, display="color")] = 0) -> Mask:
    """Select the pixels of exactly one colour, given as 0xRRGGBB."""
    wanted = torch.tensor([color >> 16, color >> 8 & 0xFF, color & 0xFF], device=image.device)
    return ((image[..., :3].clamp(0, 1) * 255).round() == wanted).all(dim=-1).float()


@node("mask", id="SolidMask", title="SolidMask")
def solid_mask(value: Share = 1.0, width: Side = 512, height: Side = 512) -> Mask:
    """Make a mask of one value."""
    room.require(f"a mask of {width} x {height}", height, width)
    return torch.full((1, height, width), value)


@node("mask", id="InvertMask", title="InvertMask")
def invert_mask(mask: Mask) -> Mask:
    """Select what was not selected."""
    return 1 - mask


@node("mask", id="CropMask", title="CropMask")
def crop_mask(mask: Mask, x: Place = 0, y: Place = 0, width: Side = 512, height: Side = 512) -> Mask:
    """Cut a rectangle out of a mask."""
    planes = resample.as_planes(mask)[:, 0]
    cut = planes[:, y : y + height, x : x + width]
    if 0 in cut.shape:
        msg = f"a mask of {planes.shape[2]} x {planes.shape[1]} has nothing at x {x}, y {y}: crop inside it"
        raise ValueError(msg)
    return cut.clone()


@node("mask", id="MaskComposite", title="MaskComposite")
def mask_composite(
    destination: Mask,
    source: Mask,
    *,
    x: Place = 0,
    y: Place = 0,
    operation: Literal["multiply", "add", "subtract", "and", "or", "xor"],
) -> Mask:
    """Combine one mask with another that is laid on it at a place; and, or, xor round both to 0 and 1 first."""
    result = resample.as_planes(destination)[:, 0].clone()
    laid = resample.repeat_batch(resample.as_planes(source)[:, 0], result.shape[0]).to(result)
    rows, columns, source_rows, source_columns = paste.overlap(
        (result.shape[1], result.shape[2]), (laid.shape[1], laid.shape[2]), x, y
    )
    below, above = result[:, rows, columns], laid[:, source_rows, source_columns]
    result[:, rows, columns] = _combined(below, above, operation)
    return result.clamp(0, 1)


@node("mask", id="FeatherMask", title="FeatherMask")
def feather_mask(mask: Mask, left: Place = 0, top: Place = 0, right: Place = 0, bottom: Place = 0) -> Mask:
    """Fade a mask in from its sides, over so many pixels each."""
    return masks.feather(mask, left, top, right, bottom)


@node("mask", id="GrowMask", title="GrowMask")
def grow_mask(
    mask: Mask,
    expand: Annotated[int, Number(-MAX_RESOLUTION, MAX_RESOLUTION, step=1)] = 0,
    tapered_corners: bool = True,
) -> Mask:
    """Grow a mask by so many pixels, or shrink it where the number is negative."""
    return masks.grow(mask, expand, tapered=tapered_corners)


@node("mask", id="ThresholdMask", title="ThresholdMask")
def threshold_mask(mask: Mask, value: Share = 0.5) -> Mask:
    """Make a mask hard: 1 above the value, 0 elsewhere."""
    return (mask > value).float()


def _combined(a: "torch.Tensor", b: "torch.Tensor", operation: str) -> "torch.Tensor":
    if operation == "multiply":
        return a * b
    if operation == "add":
        return a + b
    if operation == "subtract":
        return a - b
    a_on, b_on = a.round().bool(), b.round().bool()
    return {"and": a_on & b_on, "or": a_on | b_on, "xor": a_on ^ b_on}[operation].to(a)
