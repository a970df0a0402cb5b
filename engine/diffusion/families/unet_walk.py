"""One call of a UNet, block by block, so that hooks may look at and alter what flows through it.

Blocks are counted as the original layout does: input block 0 is the first convolution, downsampling is a block of its
own, and each output block joins one skip. Without hooks the result is that of the module's own forward, bit for bit.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor

from engine.diffusion.families.transformer_walk import Text, attended
from engine.diffusion.model import AttentionHook, Block, BlockHook, Deep, StandIn

Hooks = tuple[BlockHook, ...]


def walk(
    unet: UNet2DConditionModel,
    x: Tensor,
    t: Tensor,
    context: Tensor,
    vector: Tensor | None = None,
    hooks: Hooks = (),
    attention: tuple[AttentionHook, ...] = (),
    beside_text: tuple[StandIn, ...] = (),
    bias: Tensor | None = None,
    deep: Deep | None = None,
) -> Tensor:
    """x (B, C, H, W), t (B,), context (B, tokens, dim), vector (B, width), or numbers (B,)
    -> (B, C_out, H, W).

    Hooks run after each input block, where a skip they return is kept in place of the hidden state, after the middle,
    and before each output block joins its skip; those of `attention` in place of every self-attention, and those of
    `beside_text` in place of every attention to the context. `bias` (B, tokens) says how much more each of its tokens
    is attended to. With `deep` the call begins with what an earlier one had before an output block: blocks that lie
    deeper are left out.
    """
    text = Text(context, attention, (x.shape[-2], x.shape[-1]), beside_text, None if bias is None else bias[:, None])
    time = _time(unet, x, t, vector)
    if deep is None:
        h, skips, time = _encoded(unet, x, time, text, hooks)
        h, _ = _hooked(hooks, h, None, Block("middle", 0))
        h = _up(unet, h, skips, time, text, hooks)
    else:
        blocks = sum(1 for level in unet.up_blocks for _ in _steps(level))
        _, skips = _down(unet, x, time, text, hooks, blocks - deep.first)
        h = _up(unet, deep.state, skips, time, text, hooks, deep.first)
    last: Any = unet.conv_norm_out
    return unet.conv_out(unet.conv_act(last(h)))  # pyright: ignore[reportOptionalCall] (always there with groups)


def encode(
    unet: UNet2DConditionModel,
    x: Tensor,
    t: Tensor,
    context: Tensor,
    vector: Tensor | None = None,
    hooks: Hooks = (),
    beside_time: Tensor | None = None,
) -> tuple[Tensor, list[Tensor], Tensor]:
    """The half of a call before the decoder: the state (B, C, h, w) after the middle, the skips in the order in which
    they arose, and the embedding of time (B, dim). Hooks run after each input block.
    `beside_time` (1 or B, dim) is added to that embedding.
    """
    time = _time(unet, x, t, vector)
    if beside_time is not None:
        time = time + beside_time
    return _encoded(unet, x, time, Text(context, (), (x.shape[-2], x.shape[-1])), hooks)


def _encoded(
    unet: UNet2DConditionModel, x: Tensor, time: Tensor, text: Text, hooks: Hooks
) -> tuple[Tensor, list[Tensor], Tensor]:
    h, skips = _down(unet, x, time, text, hooks)
    middle: Any = unet.mid_block
    if middle is not None:
        h = _middle(middle, h, time, text)
    return h, skips, time


def _time(unet: UNet2DConditionModel, x: Tensor, t: Tensor, vector: Tensor | None) -> Tensor:
    """The embedding (B, dim) that every residual block takes: time, and the vector or number beside the text."""
    sinusoids: Any = unet.get_time_embed(sample=x, timestep=t)
    time = unet.time_embedding(sinusoids)
    if vector is None:
        return time
    beside: Any = unet.add_embedding if unet.class_embedding is None else unet.class_embedding
    return time + beside(vector)


def _down(
    unet: UNet2DConditionModel, x: Tensor, time: Tensor, text: Text, hooks: Hooks, count: int | None = None
) -> tuple[Tensor, list[Tensor]]:
    """The encoder, or its first blocks: the last hidden state, and the skips in the order in which they arose."""
    h, skips = x, list[Tensor]()
    for block in islice(_input_blocks(unet, time, text), count):
        h, skip = _hooked(hooks, block(h), None, Block("input", len(skips)))
        skips.append(h if skip is None else skip)
    return h, skips


def _input_blocks(unet: UNet2DConditionModel, time: Tensor, text: Text) -> Iterator[Callable[[Tensor], Tensor]]:
    yield unet.conv_in
    index = 1
    for level in unet.down_blocks:
        for resnet, attention in _steps(level):
            yield partial(_step, resnet, attention, time=time, text=text, block=Block("input", index))
            index += 1
        for downsample in _layers(level, "downsamplers"):
            yield downsample
            index += 1


def _middle(middle: Any, h: Tensor, time: Tensor, text: Text) -> Tensor:
    if not _attends(middle):
        return middle(h, time)
    h = middle.resnets[0](h, time)
    for attention, resnet in zip(middle.attentions, middle.resnets[1:], strict=True):
        h = resnet(attended(attention, h, text, Block("middle", 0)), time)
    return h


def _up(
    unet: UNet2DConditionModel, h: Tensor, skips: list[Tensor], time: Tensor, text: Text, hooks: Hooks, first: int = 0
) -> Tensor:
    """The decoder from an output block on, which h comes before: the skips are those that are joined from there on."""
    index = 0
    for level in unet.up_blocks:
        for resnet, attention in _steps(level):
            if index >= first:
                h, skip = _hooked(hooks, h, skips.pop(), Block("output", index))
                joined = h if skip is None else torch.cat([h, skip], dim=1)
                h = _step(resnet, attention, joined, time, text, Block("output", index))
            index += 1
        for upsample in _layers(level, "upsamplers") if index > first else ():
            h = upsample(h, tuple(skips[-1].shape[2:]))  # the skip's size: an odd one is not twice the size below
    return h


def _hooked(hooks: Hooks, h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
    for hook in hooks:
        h, skip = hook(h, skip, block)
    return h, skip


def _step(resnet: Any, attention: Any, h: Tensor, time: Tensor, text: Text, block: Block) -> Tensor:
    h = resnet(h, time)
    return h if attention is None else attended(attention, h, text, block)


def _steps(level: Any) -> Iterator[tuple[Any, Any]]:
    """The residual blocks of a level, each with the attention behind it or None."""
    attentions = level.attentions if _attends(level) else [None] * len(level.resnets)
    return zip(level.resnets, attentions, strict=True)


def _attends(block: Any) -> bool:
    return bool(getattr(block, "has_cross_attention", False))


def _layers(level: Any, name: str) -> Any:
    """The resampling layers of a level; none where it keeps its size."""
    return getattr(level, name) or ()
