"""Deep shrink: a UNet lays out large pictures at the size that it was trained for (kohya-ss 2023).

Its inner blocks see a smaller picture for the first part of the steps; on the way out the state grows to the size of
each skip that it joins.
"""

from typing import Any

from torch import Tensor

from engine.diffusion.model import Block, BlockHook, Model
from engine.pictures.resample import resize


def deep_shrink(
    model: Model, block: int, factor: float, down_method: str, up_method: str, *, after_skip: bool
) -> BlockHook:
    """Shrink the state (B, C, H, W) by `factor` behind an input block; `after_skip` keeps that block's skip as it is.

    Raises ValueError for a model without such a block.
    """
    _check_block(model, block)

    def shrunk(h: Tensor, skip: Tensor | None, place: Block) -> tuple[Tensor, Tensor | None]:
        if place == Block("input", block):
            height, width = (max(1, round(side / factor)) for side in h.shape[-2:])
            return _resized(h, height, width, down_method), h if after_skip else None
        if place.part == "output" and skip is not None and h.shape[-2:] != skip.shape[-2:]:
            return _resized(h, skip.shape[-2], skip.shape[-1], up_method), skip
        return h, skip

    return shrunk


def _resized(h: Tensor, height: int, width: int, method: str) -> Tensor:
    return resize(h, width, height, method).to(h.dtype)


def _check_block(model: Model, block: int) -> None:
    network: Any = model.network
    if not hasattr(network, "down_blocks"):
        msg = f"PatchModelAddDownscale shrinks the blocks of a UNet, and {model.family.name} models have none"
        raise ValueError(msg)
    last = sum(len(level.resnets) + len(level.downsamplers or ()) for level in network.down_blocks)
    if block > last:
        msg = f"block_number is {block}, and the input blocks of this {model.family.name} model are 1 to {last}"
        raise ValueError(msg)
