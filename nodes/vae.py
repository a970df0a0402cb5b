"""Between pixels and latents: encode and decode, whole or in tiles."""

from typing import Annotated

from engine.api import Image, Latent, Number, Vae, deferred, node

with deferred():
    from engine.diffusion import vae as vaes


@node("latent", id="VAEEncode", title="VAE Encode")
def vae_encode(pixels: Image, vae: Vae) -> Latent:
    """Turn an image into a latent, the form in which diffusion models see it."""
    return {"samples": vaes.present(vae).encode(pixels)}


@node("latent", id="VAEDecode", title="VAE Decode")
def vae_decode(samples: Latent, vae: Vae) -> Image:
    """Turn a latent back into an image."""
    return vaes.present(vae).decode(samples["samples"])


@node("_for_testing", id="VAEEncodeTiled", title="VAE Encode (Tiled)")
def vae_encode_tiled(
    pixels: Image,
    vae: Vae,
    tile_size: Annotated[int, Number(64, 4096, step=64)] = 512,
    overlap: Annotated[int, Number(0, 4096, step=32)] = 64,
    temporal_size: Annotated[int, Number(8, 4096, step=4)] = 64,
    temporal_overlap: Annotated[int, Number(4, 4096, step=4)] = 8,
) -> Latent:
    """Turn an image into a latent tile by tile, for images too large to encode at once.

    The temporal sizes are for VAEs of video; one of pictures has no use for them.
    """
    return {"samples": vaes.present(vae).encode_tiled(pixels, tile_size, tile_size, _fitting(overlap, tile_size))}


@node("_for_testing", id="VAEDecodeTiled", title="VAE Decode (Tiled)")
def vae_decode_tiled(
    samples: Latent,
    vae: Vae,
    tile_size: Annotated[int, Number(64, 4096, step=32)] = 512,
    overlap: Annotated[int, Number(0, 4096, step=32)] = 64,
    temporal_size: Annotated[int, Number(8, 4096, step=4)] = 64,
    temporal_overlap: Annotated[int, Number(4, 4096, step=4)] = 8,
) -> Image:
    """Turn a latent back into an image tile by tile, for images too large to decode at once.

    The temporal sizes are for VAEs of video; one of pictures has no use for them.
    """
    factor = vaes.present(vae).factor
    cells = tile_size // factor
    return vae.decode_tiled(samples["samples"], cells, cells, _fitting(overlap, tile_size) // factor)


def _fitting(overlap: int, tile_size: int) -> int:
    """At most a quarter of the tile."""
    return tile_size // 4 if tile_size < 4 * overlap else overlap
