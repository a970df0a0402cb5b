"""A node that shows a picture to the SD x4 upscaler."""

from typing import Annotated, NamedTuple

from engine.api import Conditioning, Image, Latent, Named, Number, deferred, node

with deferred():
    from engine.diffusion import upscale_conditioning


class Shown(NamedTuple):
    positive: Annotated[Conditioning, Named("positive")]
    negative: Annotated[Conditioning, Named("negative")]
    latent: Annotated[Latent, Named("latent")]


@node("conditioning/upscale_diffusion", id="SD_4XUpscale_Conditioning")
def sd_4x_upscale_conditioning(
    images: Image,
    positive: Conditioning,
    negative: Conditioning,
    scale_ratio: Annotated[float, Number(0.0, 10.0, step=0.01)] = 4.0,
    noise_augmentation: Annotated[float, Number(0.0, 1.0, step=0.001)] = 0.0,
) -> Shown:
    """Show a picture to the SD x4 upscaler, and make an empty latent of the size to paint it at."""
    return Shown(*upscale_conditioning.shown(images, positive, negative, scale_ratio, noise_augmentation))
