"""One transformer of a UNet, layer by layer, so that hooks may stand in for its attention or change what follows.

Without hooks the module's own forward is called; with hooks that only pass on, the result is the same, bit for bit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor

from engine.diffusion.model import AttentionHook, AttentionPlace, Between, Block, StandIn


@dataclass(frozen=True)
class Text:
    """What all transformers of one call see: the text (B, tokens, dim), hooks, and the latent's height and width.

    Of the hooks, `beside` stand in for attention to the text and the others for self-attention. `bias` (B, 1, tokens)
    says how much more each token of the text is attended to.
    """

    context: Tensor
    hooks: tuple[AttentionHook, ...]
    latent: tuple[int, int]
    beside: tuple[StandIn, ...] = ()
    bias: Tensor | None = None


def attended(transformer: Any, h: Tensor, text: Text, block: Block) -> Tensor:
    """A hidden state (B, C, h, w) after a transformer's layers, each of self-attention, text and feed-forward."""
    if not text.hooks and not text.beside:
        told = transformer(h, encoder_hidden_states=text.context, encoder_attention_mask=text.bias, return_dict=False)
        return told[0]
    between = [hook for hook in text.hooks if isinstance(hook, Between)]
    stand_ins = [hook for hook in text.hooks if not isinstance(hook, Between)]
    height, width = h.shape[-2:]
    tokens, dim = transformer._operate_on_continuous_inputs(h)  # (B, h * w, dim)
    for index, layer in enumerate(transformer.transformer_blocks):
        place = AttentionPlace(block, index, (height, width), text.latent, layer.attn1)
        if layer.only_cross_attention:  # it reads the text twice
            tokens = layer.attn1(layer.norm1(tokens), text.context) + tokens
        else:
            tokens = _hooked(stand_ins, layer.attn1, place)(layer.norm1(tokens)) + tokens
        for each in between:
            tokens = each.hook(tokens, place)
        read = partial(layer.attn2, encoder_hidden_states=text.context, attention_mask=text.bias)
        tokens = _hooked(text.beside, read, replace(place, weights=layer.attn2))(layer.norm2(tokens)) + tokens
        tokens = layer.ff(layer.norm3(tokens)) + tokens
    return transformer._get_output_for_continuous_inputs(tokens, h, len(h), height, width, dim)


def _hooked(
    hooks: Sequence[StandIn], attend: Callable[[Tensor], Tensor], place: AttentionPlace
) -> Callable[[Tensor], Tensor]:
    """The layer's own attention with the hooks around it, later ones around earlier ones."""
    for hook in hooks:
        attend = _around(hook, attend, place)
    return attend


def _around(hook: StandIn, attend: Callable[[Tensor], Tensor], place: AttentionPlace) -> Callable[[Tensor], Tensor]:
    return lambda tokens: hook(tokens, attend, place)
