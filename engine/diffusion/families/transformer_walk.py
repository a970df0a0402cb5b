"""One transformer of a UNet, layer by layer, so that hooks may stand in for its attention and change what follows.

Without hooks the module's own forward is called; with hooks that only pass on, the result is the same, bit for bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor

from engine.diffusion.families.attention import attend_to
from engine.diffusion.model import Attend, AttentionHook, AttentionPlace, Between, Block, Sources, StandIn


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
    hooks = _Hooks.of(text.hooks)
    height, width = h.shape[-2:]
    tokens, dim = transformer._operate_on_continuous_inputs(h)  # (B, h * w, dim)
    for index, layer in enumerate(transformer.transformer_blocks):
        place = AttentionPlace(block, index, (height, width), text.latent, layer.attn1, hooks.sources)
        if layer.only_cross_attention:  # it reads the text twice
            tokens = _read(layer.attn1, layer.norm1(tokens), text, place, None) + tokens
        else:
            tokens = hooks.self_attended(layer.attn1, layer.norm1(tokens), place) + tokens
        for each in hooks.between:
            tokens = each.hook(tokens, place)
        read = partial(_read, layer.attn2, text=text, place=place, bias=text.bias)
        tokens = _hooked(text.beside, read, replace(place, weights=layer.attn2))(layer.norm2(tokens)) + tokens
        tokens = layer.ff(layer.norm3(tokens)) + tokens
    return transformer._get_output_for_continuous_inputs(tokens, h, len(h), height, width, dim)


@dataclass(frozen=True)
class _Hooks:
    """The hooks of one call by what they do."""

    stand_ins: tuple[StandIn, ...]
    between: tuple[Between, ...]
    sources: tuple[Sources, ...]

    @classmethod
    def of(cls, hooks: tuple[AttentionHook, ...]) -> "_Hooks":
        between = tuple(hook for hook in hooks if isinstance(hook, Between))
        sources = tuple(hook for hook in hooks if isinstance(hook, Sources))
        return cls(tuple(hook for hook in hooks if not isinstance(hook, (Between, Sources))), between, sources)

    def self_attended(self, attn: Any, tokens: Tensor, place: AttentionPlace) -> Tensor:
        """Tokens after they attended to themselves."""

        def own(tokens: Tensor) -> Tensor:
            return attend_to(attn, tokens, *place.read(tokens)) if place.sources else attn(tokens)

        return _hooked(self.stand_ins, own, place)(tokens)


def _read(attn: Any, tokens: Tensor, text: Text, place: AttentionPlace, bias: Tensor | None) -> Tensor:
    """Tokens after they attended to the text."""
    if not place.sources:
        return attn(tokens, text.context, bias)
    return attend_to(attn, tokens, *place.read(text.context), bias)


def _hooked(hooks: Sequence[StandIn], attend: Attend, place: AttentionPlace) -> Attend:
    """Attention with the hooks around it, later ones around earlier ones."""
    for hook in hooks:
        attend = _around(hook, attend, place)
    return attend


def _around(hook: StandIn, attend: Attend, place: AttentionPlace) -> Attend:
    return lambda tokens: hook(tokens, attend, place)
