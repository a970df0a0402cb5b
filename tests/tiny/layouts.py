"""The tensors of very small models: real names, real order of layers, narrow widths."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.diffusion.families.autoencoder import build_autoencoder
from engine.diffusion.families.unet import Heads, build_unet
from engine.weights import unet_names, vae_names
from engine.weights.unet_shape import UNetShape

Shapes = dict[str, tuple[int, ...]]

WIDTH = 32  # of text encoders and of the narrowest layers
SEEN = 24  # numbers that the encoders of pictures tell of one
VOCABULARY, POSITIONS = 49408, 77


@dataclass(frozen=True)
class Layout:
    """A family's single file: its UNet, and its text encoders by prefix (names ending in `model.` are OpenCLIP's)."""

    unet: UNetShape
    heads: Heads
    towers: tuple[str, ...]
    markers: tuple[str, ...] = ()
    vae_levels: int = 4


def _depths(*levels: int, each: int = 2) -> tuple[tuple[int, ...], ...]:
    return tuple((depth,) * each for depth in levels)


def _sd(in_channels: int = 4, linear: bool = False, vector: int | None = None) -> UNetShape:
    return UNetShape(
        in_channels=in_channels,
        out_channels=4,
        widths=(32, 64, 64, 64),
        encoder=_depths(1, 1, 1, 0),
        middle=1,
        decoder=_depths(0, 1, 1, 1, each=3),
        context=WIDTH,
        linear_projection=linear,
        vector=vector,
    )


def _sdxl(in_channels: int = 4, depths: tuple[int, int] = (1, 2), middle: int | None = 2) -> UNetShape:
    low, high = depths
    return UNetShape(
        in_channels=in_channels,
        out_channels=4,
        widths=(32, 64, 64),
        encoder=_depths(0, low, high),
        middle=middle,
        decoder=_depths(high, low, 0, each=3),
        context=2 * WIDTH,
        linear_projection=True,
        vector=WIDTH + 6 * 256,
    )


_REFINER = UNetShape(
    in_channels=4,
    out_channels=4,
    widths=(32, 64, 64, 64),
    encoder=_depths(0, 1, 1, 0),
    middle=1,
    decoder=_depths(0, 1, 1, 0, each=3),
    context=WIDTH,
    linear_projection=True,
    vector=WIDTH + 5 * 256,
)

_UPSCALER = UNetShape(
    in_channels=7,
    out_channels=4,
    widths=(32, 64, 64, 64),
    encoder=_depths(0, 1, 1, 1),
    middle=1,
    decoder=_depths(1, 1, 1, 0, each=3),
    context=WIDTH,
    linear_projection=True,
    classes=1000,
    crossed=(False, True, True, False),
)

_SD1_TEXT = ("cond_stage_model.transformer.",)
_SD2_TEXT = ("cond_stage_model.model.",)
_SDXL_TEXT = ("conditioner.embedders.0.transformer.", "conditioner.embedders.1.model.")

LAYOUTS = {
    "sd15": Layout(_sd(), "eight", _SD1_TEXT),
    "inpaint": Layout(_sd(9), "eight", _SD1_TEXT),
    "pix2pix": Layout(_sd(8), "eight", _SD1_TEXT),
    "sd2": Layout(_sd(linear=True), "width 64", _SD2_TEXT),
    "sd2v": Layout(_sd(linear=True), "width 64", _SD2_TEXT),
    "sd2inpaint": Layout(_sd(9, linear=True), "width 64", _SD2_TEXT),
    "unclip": Layout(_sd(linear=True, vector=2 * SEEN), "width 64", _SD2_TEXT),
    "upscaler": Layout(_UPSCALER, "eight", _SD2_TEXT, vae_levels=3),
    "sdxl": Layout(_sdxl(), "width 64", _SDXL_TEXT),
    "sdxlv": Layout(_sdxl(), "width 64", _SDXL_TEXT, ("v_pred",)),
    "sdxlz": Layout(_sdxl(), "width 64", _SDXL_TEXT, ("v_pred", "ztsnr")),
    "sdxledm": Layout(_sdxl(), "width 64", _SDXL_TEXT, ("edm_vpred.sigma_min", "edm_vpred.sigma_max")),
    "playground": Layout(_sdxl(), "width 64", _SDXL_TEXT, ("edm_mean", "edm_std")),
    "sdxlinpaint": Layout(_sdxl(9), "width 64", _SDXL_TEXT),
    "ssd1b": Layout(_sdxl(depths=(1, 2), middle=0), "width 64", _SDXL_TEXT),
    "vega": Layout(_sdxl(depths=(1, 1), middle=None), "width 64", _SDXL_TEXT),
    "refiner": Layout(_REFINER, "width 64", ("conditioner.embedders.0.model.",)),
}


def unet_tensors(layout: Layout) -> Shapes:
    """The network's tensors in the original layout, without prefix."""
    module = build_unet(layout.unet, layout.heads).state_dict()
    names = unet_names.ldm_names(module)
    return {names[name]: tuple(tensor.shape) for name, tensor in module.items()}


def vae_tensors(levels: int = 4) -> Shapes:
    """The autoencoder's tensors in the original layout, without prefix: one residual block per level."""
    module = build_autoencoder((WIDTH,) * levels, residuals=1, latent_channels=4).state_dict()
    names = vae_names.ldm_names(module)
    matrix = vae_names.is_attention_matrix
    return {
        names[name]: (*tensor.shape, 1, 1) if matrix(names[name]) else tuple(tensor.shape)
        for name, tensor in module.items()
    }


def text_tensors(prefix: str, layers: int = 3) -> Shapes:
    """A text encoder's tensors, in OpenCLIP's names after a prefix that ends in `model.`, else in transformers'."""
    return dict(_open_clip(layers) if prefix.endswith(".model.") else _transformers(layers))


def _transformers(layers: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "text_model.embeddings.token_embedding.weight", (VOCABULARY, WIDTH)
    yield "text_model.embeddings.position_embedding.weight", (POSITIONS, WIDTH)
    for layer in range(layers):
        stem = f"text_model.encoder.layers.{layer}"
        yield from _affine(f"{stem}.layer_norm1", WIDTH)
        yield from _affine(f"{stem}.layer_norm2", WIDTH)
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from _affine(f"{stem}.self_attn.{part}", WIDTH, WIDTH)
        yield from _affine(f"{stem}.mlp.fc1", 4 * WIDTH, WIDTH)
        yield from _affine(f"{stem}.mlp.fc2", WIDTH, 4 * WIDTH)
    yield from _affine("text_model.final_layer_norm", WIDTH)


def _open_clip(layers: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "token_embedding.weight", (VOCABULARY, WIDTH)
    yield "positional_embedding", (POSITIONS, WIDTH)
    yield "text_projection", (WIDTH, WIDTH)
    for layer in range(layers):
        stem = f"transformer.resblocks.{layer}"
        yield from _affine(f"{stem}.ln_1", WIDTH)
        yield from _affine(f"{stem}.ln_2", WIDTH)
        yield f"{stem}.attn.in_proj_weight", (3 * WIDTH, WIDTH)
        yield f"{stem}.attn.in_proj_bias", (3 * WIDTH,)
        yield from _affine(f"{stem}.attn.out_proj", WIDTH, WIDTH)
        yield from _affine(f"{stem}.mlp.c_fc", 4 * WIDTH, WIDTH)
        yield from _affine(f"{stem}.mlp.c_proj", WIDTH, 4 * WIDTH)
    yield from _affine("ln_final", WIDTH)


def _affine(name: str, *shape: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]
