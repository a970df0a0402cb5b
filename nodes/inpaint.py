"""Repainting parts of a picture: latents and conditioning made from an image and a mask."""

from typing import Annotated, Any, NamedTuple

from engine.api import MAX_RESOLUTION, Conditioning, Image, Latent, Mask, Named, Number, Vae, deferred, node

with deferred():
    from engine.diffusion import conditioning, inpaint
    from engine.diffusion import vae as vaes
    from engine.pictures import resample

Side = Annotated[int, Number(0, MAX_RESOLUTION, step=8)]


@node("latent/inpaint", id="VAEEncodeForInpaint", title="VAE Encode (for Inpainting)")
def vae_encode_for_inpaint(
    pixels: Image, vae: Vae, mask: Mask, grow_mask_by: Annotated[int, Number(0, 64, step=1)] = 6
) -> Latent:
    """Encode an image whose masked part is blanked, with a mask that says where to sample."""
    prepared = inpaint.prepare(pixels, mask, vaes.present(vae).factor)
    return {"samples": vae.encode(prepared.pixels), "noise_mask": inpaint.widened(prepared.mask, grow_mask_by)}


class Inpainting(NamedTuple):
    positive: Conditioning
    negative: Conditioning
    latent: Annotated[Latent, Named("latent")]


@node("conditioning/inpaint", id="InpaintModelConditioning", title="InpaintModelConditioning")
def inpaint_model_conditioning(
    positive: Conditioning, negative: Conditioning, vae: Vae, pixels: Image, mask: Mask, noise_mask: bool = True
) -> Inpainting:
    """Show an inpainting model the picture around the hole, and where the hole is."""
    prepared = inpaint.prepare(pixels, mask, vaes.present(vae).factor)
    seen = {"concat_latent_image": vae.encode(prepared.pixels), "concat_mask": prepared.mask}
    latent: dict[str, Any] = {"samples": vae.encode(prepared.original)}
    if noise_mask:
        latent["noise_mask"] = prepared.mask
    return Inpainting(
        conditioning.with_settings(positive, **seen), conditioning.with_settings(negative, **seen), latent
    )


@node("latent/inpaint", id="SetLatentNoiseMask", title="Set Latent Noise Mask")
def set_latent_noise_mask(samples: Latent, mask: Mask) -> Latent:
    """Say which part of a latent is sampled anew; the rest stays as it is."""
    return {**samples, "noise_mask": resample.as_planes(mask)}


class Padded(NamedTuple):
    image: Image
    mask: Mask


@node("image", id="ImagePadForOutpaint", title="Pad Image for Outpainting")
def image_pad_for_outpaint(
    image: Image,
    left: Side = 0,
    top: Side = 0,
    right: Side = 0,
    bottom: Side = 0,
    feathering: Annotated[int, Number(0, MAX_RESOLUTION, step=1)] = 40,
) -> Padded:
    """Widen an image by grey borders, and mask them so that a model can paint there."""
    padded = inpaint.pad(image, left, top, right, bottom, feathering)
    return Padded(padded.image, padded.mask)
