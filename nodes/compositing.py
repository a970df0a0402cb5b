"""Images laid over each other: by place and mask, by alpha, by the Porter-Duff rules."""

from typing import Annotated, Literal, NamedTuple

from engine.api import MAX_RESOLUTION, Image, Mask, Number, deferred, node

with deferred():
    import torch

    from engine.pictures import paste, porter_duff, resample

Place = Annotated[int, Number(0, MAX_RESOLUTION, step=1)]
Mode = Literal[
    "ADD",
    "CLEAR",
    "DARKEN",
    "DST",
    "DST_ATOP",
    "DST_IN",
    "DST_OUT",
    "DST_OVER",
    "LIGHTEN",
    "MULTIPLY",
    "OVERLAY",
    "SCREEN",
    "SRC",
    "SRC_ATOP",
    "SRC_IN",
    "SRC_OUT",
    "SRC_OVER",
    "XOR",
]


class WithMask(NamedTuple):
    image: Image
    mask: Mask


@node("image", id="ImageCompositeMasked", title="ImageCompositeMasked")
def image_composite_masked(
    destination: Image,
    source: Image,
    x: Place = 0,
    y: Place = 0,
    resize_source: bool = False,
    mask: Mask | None = None,
) -> Image:
    """Lay one image into another at a place, through a mask; the destination decides whether there is alpha."""
    _, part = paste.matching(destination, source)
    part = part[..., : destination.shape[-1]].movedim(-1, 1)
    below = destination.movedim(-1, 1)
    if resize_source:
        part = resample.resize(part, below.shape[-1], below.shape[-2], "bilinear")
    return paste.paste(below, part, x, y, mask).movedim(1, -1)


@node("mask/compositing", id="SplitImageWithAlpha", title="Split Image with Alpha")
def split_image_with_alpha(image: Image) -> WithMask:
    """Part an image with alpha into its colours and a mask of what is transparent."""
    alpha = image[..., 3] if image.shape[-1] > 3 else torch.ones_like(image[..., 0])
    return WithMask(image[..., :3].clone(), 1 - alpha)


@node("mask/compositing", id="JoinImageWithAlpha", title="Join Image with Alpha")
def join_image_with_alpha(image: Image, alpha: Mask) -> Image:
    """Give an image an alpha channel: transparent where the mask is 1."""
    planes = resample.resize_mask(alpha.to(image), image.shape[2], image.shape[1])
    count = max(image.shape[0], planes.shape[0])
    opaque = 1 - resample.repeat_batch(planes, count).movedim(1, -1)
    return torch.cat([resample.repeat_batch(image, count)[..., :3], opaque], dim=-1)


@node("mask/compositing", id="PorterDuffImageComposite", title="Porter-Duff Image Composite", spells_combo=True)
def porter_duff_image_composite(
    source: Image, source_alpha: Mask, destination: Image, destination_alpha: Mask, mode: Mode = "DST"
) -> WithMask:
    """Combine two images and their masks by one of the Porter-Duff rules; masks are 1 where transparent.

    The source is resized to the destination, and the shorter batch repeated.
    """
    count = max(source.shape[0], destination.shape[0])
    height, width = destination.shape[1:3]
    planes = [
        resample.repeat_batch(resample.resize(each, width, height, "bicubic"), count).clamp(0, 1)
        if each.shape[-2:] != (height, width)
        else resample.repeat_batch(each, count)
        for each in (
            source[..., :3].movedim(-1, 1),
            1 - resample.as_planes(source_alpha),
            destination[..., :3].movedim(-1, 1),
            1 - resample.as_planes(destination_alpha),
        )
    ]
    colours, alpha = porter_duff.composite(*planes, mode=mode)
    return WithMask(colours.movedim(1, -1), 1 - alpha[:, 0])
