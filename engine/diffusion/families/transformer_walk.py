"""One transformer of a UNet, layer by layer, so that hooks may stand in for its self-attention.

Without hooks the module's own forward is called; with hooks that only pass on, the result is the same, bit for bit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from engine.diffusion.model import AttentionHook, AttentionPlace, Block


@dataclass(frozen=True)
class Text:
    """What all transformers of one call see: the text (B, tokens, dim), hooks, and the latent's height and width.

    `bias` (B, 1, tokens) says how much more each token of the text is attended to.
    """

    context: Tensor
    hooks: tuple[AttentionHook, ...]
    latent: tuple[int, int]
    bias: Tensor | None = None


def attended(transformer: Any, h: Tensor, text: Text, block: Block) -> Tensor:
    """A hidden state (B, C, h, w) after a transformer's layers, each of self-attention, text and feed-forward."""
    if not text.hooks:
        return transformer(h, encoder_hidden_states=text.context, encoder_attention_mask=text.bias, return_dict=False)[
            0
        ]
    height, width = h.shape[-2:]
    tokens, dim = transformer._operate_on_continuous_inputs(h)  # (B, h * w, dim)
    for index, layer in enumerate(transformer.transformer_blocks):
        if layer.only_cross_attention:  # it reads the text twice
            tokens = layer.attn1(layer.norm1(tokens), text.context) + tokens
        else:
            place = AttentionPlace(block, index, (height, width), text.latent, layer.attn1)
            tokens = _self_attention(text.hooks, layer.attn1, place)(layer.norm1(tokens)) + tokens
        tokens = layer.attn2(layer.norm2(tokens), text.context, text.bias) + tokens
        tokens = layer.ff(layer.norm3(tokens)) + tokens
    return transformer._get_output_for_continuous_inputs(tokens, h, len(h), height, width, dim)


def _self_attention(
    hooks: tuple[AttentionHook, ...], attend: Callable[[Tensor], Tensor], place: AttentionPlace
) -> Callable[[Tensor], Tensor]:
    """The layer's own attention with the hooks around it, later ones around earlier ones."""
    for hook in hooks:
        attend = _around(hook, attend, place)
    return attend


def _around(
    hook: AttentionHook, attend: Callable[[Tensor], Tensor], place: AttentionPlace
) -> Callable[[Tensor], Tensor]:
    return lambda tokens: hook(tokens, attend, place)
