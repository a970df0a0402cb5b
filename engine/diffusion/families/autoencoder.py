"""Autoencoders of pictures as diffusers modules, at any width and depth."""

import re
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from engine.diffusion.families.assign import fill, hollow
from engine.diffusion.families.attention import attend_as_chosen
from engine.weights import vae_names
from engine.weights.read import BadFile, Tensors

_DOWN = re.compile(r"encoder\.down\.(\d{1,4})\.block\.(\d{1,4})\.conv1\.weight")


def build_autoencoder(
    widths: tuple[int, ...],
    residuals: int,
    latent_channels: int,
    image_channels: int = 3,
    *,
    has_quant: bool = True,
    has_post_quant: bool = True,
    attends: bool = True,
) -> AutoencoderKL:
    """An autoencoder without weights: the width of each level from fine to coarse, residual blocks per level."""
    config: dict[str, Any] = {
        "in_channels": image_channels,
        "out_channels": image_channels,
        "latent_channels": latent_channels,
        "block_out_channels": widths,
        "layers_per_block": residuals,
        "down_block_types": ("DownEncoderBlock2D",) * len(widths),
        "up_block_types": ("UpDecoderBlock2D",) * len(widths),
        "use_quant_conv": has_quant,
        "use_post_quant_conv": has_post_quant,
        "mid_block_add_attention": attends,
    }
    module = hollow(lambda: AutoencoderKL(**config))
    attend_as_chosen(module)
    return module


def load_autoencoder(tensors: Tensors, device: torch.device, dtype: torch.dtype) -> AutoencoderKL:
    """The autoencoder in these tensors (names without prefix, in the original layout or diffusers').

    Raises BadFile where they make none.
    """
    if vae_names.is_diffusers_vae(tensors):
        tensors = tensors.renamed({ldm: name for name, ldm in vae_names.ldm_names(tensors).items()})
    module = _hollow_like(tensors)
    fill(module, tensors, vae_names.ldm_names(module.state_dict()), device, dtype, "the autoencoder")
    return module


def _hollow_like(tensors: Tensors) -> AutoencoderKL:
    shapes = tensors.shapes
    levels: dict[int, int] = {}  # level -> its width
    residuals = 0
    for name, shape in shapes.items():
        if found := _DOWN.fullmatch(name):
            levels[int(found[1])] = shape[0]
            residuals = max(residuals, int(found[2]) + 1)
    needed = ("encoder.conv_in.weight", "decoder.conv_in.weight")
    if not levels or any(name not in shapes for name in needed) or sorted(levels) != list(range(len(levels))):
        raise BadFile(tensors.path, "holds no image autoencoder that is known (wanted: the VAE of an SD or SDXL model)")
    try:
        return build_autoencoder(
            widths=tuple(levels[level] for level in sorted(levels)),
            residuals=residuals,
            latent_channels=shapes["decoder.conv_in.weight"][1],
            image_channels=shapes["encoder.conv_in.weight"][1],
            has_quant="quant_conv.weight" in shapes,
            has_post_quant="post_quant_conv.weight" in shapes,
            attends="decoder.mid.attn_1.q.weight" in shapes,
        )
    except ValueError as error:
        raise BadFile(tensors.path, f"holds an autoencoder that cannot be built: {error}") from None
