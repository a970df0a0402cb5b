"""SD 1.x and SD 2.x: text tokens guide the network, and nothing else does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from engine.diffusion.families.concat import concat_latent
from engine.diffusion.families.unet_walk import walk
from engine.diffusion.latent_format import IDENTITY, LatentFormat
from engine.diffusion.model import AttentionHook, BlockHook, Deep, StandIn
from engine.weights.recognise import Recognised

# Numbers alive per cell and channel of a level that attends, at its own size, and per channel of the first level in any
# case, both in the last blocks of the decoder. 29.5 to 32.6 and 19 to 20 were measured, at 32 to 128 cells a side.
# Fused attention adds none.
_ATTENDING = 33
_RESIDUAL = 20


@dataclass(frozen=True)
class StableDiffusion:
    """A UNet of the Stable Diffusion kind, and the channels it may take beside the noisy latent."""

    recognised: Recognised
    latent_format: LatentFormat

    @property
    def name(self) -> str:
        return self.recognised.family

    @property
    def repeats_text(self) -> bool:
        return True

    @property
    def edit_format(self) -> LatentFormat:
        """How the picture that instruct-pix2pix edits is scaled: not at all."""
        return IDENTITY

    def extras(self, entry: Mapping[str, Any], latent: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
        """`concat` (B, 4 or 5, H, W) where the network takes more channels than a latent has."""
        kind = self.recognised.concat
        if not kind:
            return {}
        return {"concat": concat_latent(kind, entry, latent, mask, self.edit_format, self.latent_format)}

    def values_per_cell(self, network: nn.Module) -> int:
        unet = self.recognised.unet
        levels = zip(unet.widths, unet.encoder, strict=True)
        attending = (_ATTENDING * width // 4**level for level, (width, depths) in enumerate(levels) if any(depths))
        return max(_RESIDUAL * unet.widths[0], *attending, 0)

    def call(
        self,
        network: nn.Module,
        x: Tensor,
        t: Tensor,
        context: Tensor,
        extras: Mapping[str, Tensor],
        blocks: tuple[BlockHook, ...],
        attention: tuple[AttentionHook, ...] = (),
        beside_text: tuple[StandIn, ...] = (),
        deep: Deep | None = None,
    ) -> Tensor:
        """One call: x (B, C, H, W) scaled, t (B,), context (B, tokens, dim) -> (B, C, H, W). Raises ValueError where
        the text is of another width than the network's.
        """
        wanted = self.recognised.unet.context
        if wanted and context.shape[-1] != wanted:
            msg = f"the text is {context.shape[-1]} wide and this {self.name} model wants {wanted}: take its own CLIP"
            raise ValueError(msg)
        if (concat := extras.get("concat")) is not None:
            x = torch.cat([x, _batched(concat, x)], dim=1)
        vector = extras.get("y")
        unet = cast(UNet2DConditionModel, network)
        vector = None if vector is None else _batched(vector, x)
        bias = _bias(extras.get("bias"), context)
        return walk(unet, x, t, context, vector, blocks, attention, beside_text, bias, deep)


def _bias(bias: Tensor | None, context: Tensor) -> Tensor | None:
    """The bias (1 or B, T) of text that may have been repeated along its tokens: (B, tokens)."""
    return None if bias is None else _batched(bias, context).repeat(1, context.shape[1] // bias.shape[1])


def _batched(each: Tensor, x: Tensor) -> Tensor:
    """One row for all, or one for each, of the batch."""
    return each.expand(x.shape[0], *each.shape[1:]) if each.shape[0] == 1 else each
