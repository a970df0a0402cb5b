"""Attention in float32 inside networks of a narrower type, as SD 2.x overflows float16 there, and attention that makes
its keys of other tokens than its values.
"""

from typing import Any

import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class WideAttention:
    """Queries, keys and values meet in float32; the projections around them stay in the network's type."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        """Tokens (B, n, width), attending to others (B, m, dim) or to themselves -> (B, n, width).

        `attention_mask` (B, 1, m) is added before the softmax.
        """
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        return attend_to(attn, hidden_states, source, source, attention_mask)


def attend_to(attn: Attention, tokens: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None) -> Tensor:
    """What a layer's own attention gives for tokens (B, n, width), its keys and values made of these (B, m, dim).

    `bias` (B, 1, m) is added before the softmax.
    """
    layers: Any = attn
    wanted = torch.float32 if isinstance(attn.processor, WideAttention) else tokens.dtype
    q, k, v = (
        layer(source).unflatten(-1, (attn.heads, -1)).transpose(1, 2).to(wanted)
        for layer, source in ((layers.to_q, tokens), (layers.to_k, keys), (layers.to_v, values))
    )  # each (B, heads, tokens, width of a head)
    mask = None if bias is None else bias[:, None].to(wanted)
    mixed = scaled_dot_product_attention(q, k, v, mask).transpose(1, 2).flatten(2)
    return layers.to_out[0](mixed.to(tokens.dtype))


def attend_in_float32(network: nn.Module) -> None:
    """Let all attention of a freshly built network compute in float32."""
    for module in network.modules():
        if isinstance(module, Attention) and isinstance(module.processor, AttnProcessor2_0):
            module.set_processor(WideAttention())  # pyright: ignore[reportArgumentType] (a union of their own classes)
