"""Attention in float32 inside networks of a narrower type: SD 2.x overflows float16 there."""

from typing import Any

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
        layers: Any = attn
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        q, k, v = (
            layer(tokens).unflatten(-1, (attn.heads, -1)).transpose(1, 2).float()
            for layer, tokens in ((layers.to_q, hidden_states), (layers.to_k, source), (layers.to_v, source))
        )  # each (B, heads, tokens, width of a head)
        bias = None if attention_mask is None else attention_mask[:, None].float()
        mixed = scaled_dot_product_attention(q, k, v, bias).transpose(1, 2).flatten(2)
        return layers.to_out[0](mixed.to(hidden_states.dtype))


def attend_in_float32(network: nn.Module) -> None:
    """Let all attention of a freshly built network compute in float32."""
    for module in network.modules():
        if isinstance(module, Attention) and isinstance(module.processor, AttnProcessor2_0):
            module.set_processor(WideAttention())  # pyright: ignore[reportArgumentType] (a union of their own classes)
