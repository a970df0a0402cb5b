"""A ControlNet: a copy of a UNet's encoder that sees a picture too, and tells the UNet at each of its skips.

Zhang, Rao and Agrawala 2023. Layers that join it to the UNet begin at zero: untrained, it changes nothing.
"""

from dataclasses import dataclass
from typing import cast

from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from torch.nn.functional import interpolate

from engine.diffusion.families.control_union import Union
from engine.diffusion.families.unet_walk import encode
from engine.diffusion.model import Block

HINT_CELL = 8
"""Pixels of the hint along one side of a latent cell."""

_HINT_WIDTHS = (16, 16, 32, 32, 96, 96, 256)
_HINT_STRIDES = (1, 1, 2, 1, 2, 1, 2)


@dataclass(frozen=True, eq=False)
class Residuals:
    """What a control adds to a UNet: to each skip, in the order in which skips arise, and behind the middle."""

    skips: tuple[Tensor, ...]
    middle: Tensor

    def plus(self, other: "Residuals | None") -> "Residuals":
        """The sum of both; this one comes first. Raises ValueError where they are not of the same network."""
        if other is None:
            return self
        if len(self.skips) != len(other.skips):
            msg = f"ControlNets with {len(self.skips)} and {len(other.skips)} blocks do not belong to one model"
            raise ValueError(msg + ": chain those made for the same kind")
        sums = tuple(a + b for a, b in zip(self.skips, other.skips, strict=True))
        return Residuals(sums, self.middle + other.middle)

    def hook(self, h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
        """The block hook that adds them."""
        if block.part == "middle":
            return h + resized_like(self.middle, h), skip
        if block.part == "output" and skip is not None:
            return h, skip + resized_like(self.skips[len(self.skips) - 1 - block.index], skip)
        return h, skip


def resized_like(told: Tensor, state: Tensor) -> Tensor:
    """What is added to a state, in the type and at the size of it: other hooks may have shrunk that."""
    if told.shape[-2:] != state.shape[-2:]:
        told = interpolate(told, size=state.shape[-2:], mode="bilinear")
    return told.to(state.dtype)


class ControlNetwork(nn.Module):
    """The encoder of a UNet, the layers that read the hint, and those that lead into the UNet's skips.

    `union` is what networks have that see hints of several kinds.
    """

    def __init__(self, unet: UNet2DConditionModel, union: Union | None = None) -> None:
        """Takes the encoder and the middle out of a UNet, which is of no other use afterwards."""
        super().__init__()
        for part in ("conv_norm_out", "conv_act", "conv_out"):
            setattr(unet, part, None)
        unet.up_blocks = nn.ModuleList()
        self.encoder = unet
        widths = _skip_widths(unet)
        self.hint = _hint_layers(widths[0])
        self.joins = nn.ModuleList([nn.Conv2d(width, width, 1) for width in widths])
        self.middle = nn.Conv2d(widths[-1], widths[-1], 1)
        self.union = union

    def features(self, hint: Tensor) -> Tensor:
        """A hint (B, 3, 8 H, 8 W) in 0..1 as the encoder takes it: (B, width, H, W). The same at every level."""
        return self.hint(hint)

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        context: Tensor,
        features: Tensor,
        vector: Tensor | None,
        kinds: tuple[int, ...] = (),
    ) -> Residuals:
        """What is added to the UNet for x (B, C, H, W) scaled as the UNet sees it, t (B,), context (B, tokens, dim) and
        features (B, width, H, W); vector (B, width) for networks that take one beside the text. `kinds` are
        those of the hint, for a union: none, or one.
        """
        union = self.union

        def guided(h: Tensor) -> Tensor:
            return features if union is None or not kinds else union.guided(h, features, kinds[0])

        def see(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
            return (h + guided(h) if block.index == 0 else h), skip

        told = None if union is None else union.time(kinds)
        h, skips, _ = encode(self.encoder, x, t, context, vector, (see,), beside_time=told)
        return Residuals(tuple(join(skip) for join, skip in zip(self.joins, skips, strict=True)), self.middle(h))


def start_at_nothing(network: ControlNetwork) -> None:
    """Zero the layers that join a fresh ControlNet to its UNet, and the last one that reads the hint."""
    for layer in (*network.joins, network.middle, network.hint[-1]):
        for weight in layer.parameters():
            nn.init.zeros_(weight)


def _hint_layers(width: int) -> nn.Sequential:
    """Eight convolutions with SiLU between them, three of which halve the size; the widths are those of SD 1.x."""
    layers: list[nn.Module] = []
    channels = 3
    for out, stride in zip(_HINT_WIDTHS, _HINT_STRIDES, strict=True):
        layers += [nn.Conv2d(channels, out, 3, stride, padding=1), nn.SiLU()]
        channels = out
    return nn.Sequential(*layers, nn.Conv2d(channels, width, 3, padding=1))


def _skip_widths(unet: UNet2DConditionModel) -> list[int]:
    """The width of each skip, in the order in which they arise."""
    widths = cast("tuple[int, ...]", unet.config["block_out_channels"])
    residuals = cast(int, unet.config["layers_per_block"])
    found = [widths[0]]
    for level, width in enumerate(widths):
        found += [width] * (residuals + (level < len(widths) - 1))
    return found
