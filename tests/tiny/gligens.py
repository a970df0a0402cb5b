"""GLIGEN files for the tiny model of SD 1.x: seeded random weights, alone in the original layout or in a whole UNet."""

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from engine.weights.unet_names import ldm_names
from tests.tiny.checkpoints import random_weight
from tests.tiny.layouts import LAYOUTS


def tiny_gligen_unet(network: nn.Module) -> UNet2DConditionModel:
    """Diffusers' own UNet with GLIGEN's parts, the weights of the tiny model in all others."""
    shape = LAYOUTS["sd15"].unet
    unet = UNet2DConditionModel(
        block_out_channels=shape.widths,
        layers_per_block=2,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        cross_attention_dim=shape.context,
        attention_head_dim=8,
        attention_type="gated",
    ).eval()
    own = network.state_dict()
    weights = {name: own.get(name, _random(name, each)) for name, each in unet.state_dict().items()}
    unet.load_state_dict(weights)
    return unet


def tiny_gligen(network: nn.Module) -> dict[str, Tensor]:
    """What such a UNet has of GLIGEN's, in the original layout."""
    weights = tiny_gligen_unet(network).state_dict()
    of_unet = ldm_names(name for name in weights if not name.startswith("position_net."))
    fusers = {new: weights[old] for old, new in of_unet.items() if ".fuser." in new}
    return fusers | {name: each for name, each in weights.items() if name.startswith("position_net.")}


def _random(name: str, like: Tensor) -> Tensor:
    """Weights with open gates: their sines are not zero."""
    return torch.tensor(0.7) if like.ndim == 0 else random_weight(name, tuple(like.shape)).float()
