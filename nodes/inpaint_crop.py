"""Repainting a part of a large picture at the size a model likes: cut out around a mask, and laid back."""

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from engine.api import MAX_RESOLUTION, Image, Kind, Mask, Named, Number, Tip, deferred, node

with deferred():
    from engine.pictures import crop_and_stitch

if TYPE_CHECKING:
    from engine.pictures.crop_and_stitch import Stitch as StitchValue

Stitch = Annotated["StitchValue", Kind("STITCH")]
Side = Annotated[int, Number(64, MAX_RESOLUTION, step=8)]
Pixels = Annotated[int, Number(0, 1024, step=1)]


class Cut(NamedTuple):
    stitch: Annotated[Stitch, Named("stitch")]
    image: Annotated[Image, Named("image")]
    mask: Annotated[Mask, Named("mask")]


@node("image/inpaint", id="CropForInpainting", title="Crop for Inpainting")
def crop_for_inpainting(
    image: Image,
    mask: Mask,
    width: Annotated[Side, Tip("Of what the model sees; the cut has the same aspect.")] = 512,
    height: Side = 512,
    grow_mask: Annotated[Pixels, Tip("Pixels of the picture by which the mask grows.")] = 4,
    seam: Annotated[Pixels, Tip("Pixels beyond the mask over which new and old fade into each other.")] = 16,
    context: Annotated[
        float, Number(1.0, 16.0, step=0.05), Tip("How many times as large as the mask the cut is.")
    ] = 1.5,
    padding: Annotated[Pixels, Tip("Pixels of the picture that are seen around the mask at least.")] = 32,
    empty_mask: Literal["is an error", "keeps the picture"] = "is an error",
) -> Cut:
    """Cut out what lies around a mask, at the size a model likes, to be laid back by Stitch Inpainted."""
    around = crop_and_stitch.Around(grow_mask, seam, context, padding)
    keeps = empty_mask == "keeps the picture"
    return Cut(*crop_and_stitch.crop(image, mask, width, height, around, keeps_empty=keeps))


@node("image/inpaint", id="StitchInpainted", title="Stitch Inpainted")
def stitch_inpainted(stitch: Stitch, image: Image) -> Image:
    """Lay what was painted back where it was cut out, with a soft seam; all other pixels stay as they are."""
    return crop_and_stitch.stitch(stitch, image)
