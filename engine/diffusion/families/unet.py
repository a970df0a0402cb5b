"""UNets of the Stable Diffusion kind as diffusers modules, at any width and depth."""

from typing import Any, Literal

import torch
from diffusers.models.unets.unet_2d_blocks import get_mid_block
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from engine.device.place import Placement
from engine.diffusion.families.assign import fill, hollow
from engine.diffusion.families.attention import attend_as_chosen, attend_in_float32
from engine.weights import unet_names
from engine.weights.read import BadFile, Tensors
from engine.weights.recognise import Recognised
from engine.weights.unet_shape import UNetShape

Heads = Literal["eight", "width 64"]
"""How attention is split: into eight heads whatever the width (SD 1.x and the x4 upscaler), or into heads of width 64
(all others)."""

_TIME_WIDTH = 256  # of the sinusoids of one number in the vector beside the text


def build_unet(shape: UNetShape, heads: Heads) -> UNet2DConditionModel:
    """A UNet of this shape without weights. Raises ValueError for a shape that its module cannot have."""
    unet = hollow(lambda: UNet2DConditionModel(**_config(shape, heads)))
    if shape.middle and shape.middle != _depths(shape.encoder)[-1][0]:
        with torch.device("meta"):
            unet.mid_block = _middle_block(unet, shape, heads)
    attend_as_chosen(unet)
    return unet


def load_unet(
    tensors: Tensors, found: Recognised, placement: Placement, storage: torch.dtype | None = None
) -> UNet2DConditionModel:
    """The network in a file, from its tensors by their original names without prefix.

    With `storage` (a float8) the weights are kept in it and converted layer by layer as they are used. Raises BadFile
    where tensors are missing or do not fit.
    """
    heads: Heads = "eight" if found.family in ("sd15", "upscaler") else "width 64"
    try:
        unet = build_unet(found.unet, heads)
    except ValueError as error:
        raise BadFile(tensors.path, f"holds a UNet that cannot be built: {error}") from None
    names = unet_names.ldm_names(unet.state_dict())
    if found.family in ("sd2", "unclip") and placement.dtype != torch.float32:
        attend_in_float32(unet)
    if storage is not None:
        # The first layer stays as it is: the type of its weights is the one the network computes in.
        skipped = ("norm", "^conv_in$", "time_embedding", "add_embedding")
        unet.enable_layerwise_casting(storage, placement.dtype, skipped)
    fill(unet, tensors, names, placement.device, placement.dtype, "the UNet")
    return unet


def _config(shape: UNetShape, heads: Heads) -> dict[str, Any]:
    with_vector = {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": _TIME_WIDTH,
        "projection_class_embeddings_input_dim": shape.vector,
    }
    return {
        "in_channels": shape.in_channels,
        "out_channels": shape.out_channels,
        "block_out_channels": shape.widths,
        "layers_per_block": shape.residuals,
        "down_block_types": [_kind("Down", level) for level in shape.encoder],
        "up_block_types": [_kind("Up", level) for level in shape.decoder],
        "mid_block_type": _middle_kind(shape),
        "transformer_layers_per_block": _depths(shape.encoder),
        "reverse_transformer_layers_per_block": _depths(shape.decoder),
        "attention_head_dim": tuple(_heads(width, heads) for width in shape.widths),  # diffusers' name for their number
        "cross_attention_dim": shape.context or 1,
        "use_linear_projection": shape.linear_projection,
        "upcast_attention": False,
        "num_class_embeds": shape.classes,
        "only_cross_attention": shape.crossed or False,
        **(with_vector if shape.vector else {}),
    }


def _kind(side: Literal["Down", "Up"], depths: tuple[int, ...]) -> str:
    if any(depths) and not all(depths):
        msg = f"some blocks of a level attend to the text and some do not ({depths})"
        raise ValueError(msg)
    return f"CrossAttn{side}Block2D" if any(depths) else f"{side}Block2D"


def _middle_kind(shape: UNetShape) -> str | None:
    if shape.middle is None:
        return None
    return "UNetMidBlock2DCrossAttn" if shape.middle else "UNetMidBlock2D"


def _depths(levels: tuple[tuple[int, ...], ...]) -> list[list[int]]:
    """Transformer blocks by level and block; diffusers wants a number also where there are none."""
    return [[depth or 1 for depth in level] for level in levels]


def _heads(width: int, heads: Heads) -> int:
    """How many heads a level of this width has; narrow test models get as many as divide it."""
    wanted = 8 if heads == "eight" else max(1, width // 64)
    return wanted if width % wanted == 0 else 1


def _middle_block(unet: UNet2DConditionModel, shape: UNetShape, heads: Heads) -> Any:
    """A middle block whose depth is not that of the encoder's last level."""
    config: Any = unet.config
    return get_mid_block(
        "UNetMidBlock2DCrossAttn",
        temb_channels=shape.widths[0] * 4,
        in_channels=shape.widths[-1],
        resnet_eps=config.norm_eps,
        resnet_act_fn=config.act_fn,
        resnet_groups=config.norm_num_groups,
        transformer_layers_per_block=shape.middle or 1,
        num_attention_heads=_heads(shape.widths[-1], heads),
        cross_attention_dim=shape.context,
        use_linear_projection=shape.linear_projection,
        upcast_attention=False,
    )
