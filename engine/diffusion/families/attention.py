"""Attention layers of diffusers' modules, by the kernel that was chosen, and where a network overflows float16 in
float32; and attention that makes its keys of other tokens than its values.
"""

from typing import Any

import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from torch import Tensor, nn

from engine.diffusion.attention import attend


class ChosenAttention:
    """What diffusers' own processor computes, by the kernel that was chosen when the program started."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,  # noqa: ARG002 - named, as diffusers warns of what it hands over otherwise
        **_: Any,
    ) -> Tensor:
        """Tokens (B, n, width), attending to others (B, m, dim) or to themselves -> (B, n, width); or a picture's
        state (B, C, H, W), whose places attend to each other.

        `attention_mask` (B, 1, m) is added before the softmax.
        """
        layers: Any = attn
        tokens = hidden_states.flatten(2).transpose(1, 2) if hidden_states.ndim == 4 else hidden_states
        if layers.group_norm is not None:
            tokens = layers.group_norm(tokens.transpose(1, 2)).transpose(1, 2)
        source = tokens if encoder_hidden_states is None else encoder_hidden_states
        made = attend_to(attn, tokens, source, source, attention_mask)
        if hidden_states.ndim == 4:
            made = made.transpose(1, 2).reshape(hidden_states.shape)
        if layers.residual_connection:
            made = made + hidden_states
        return made / layers.rescale_output_factor


class WideAttention(ChosenAttention):
    """The same, where queries, keys and values meet in float32; the projections stay in the network's type."""


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
    mixed = attend(q, k, v, mask).transpose(1, 2).flatten(2)
    return layers.to_out[0](mixed.to(tokens.dtype))


def attend_as_chosen(network: nn.Module) -> None:
    """Let all attention of a freshly built network be computed by the kernel that was chosen."""
    _let_attend(network, AttnProcessor2_0, ChosenAttention())


def attend_in_float32(network: nn.Module) -> None:
    """Let all attention of a freshly built network compute in float32."""
    _let_attend(network, ChosenAttention, WideAttention())


def _let_attend(network: nn.Module, before: type, now: ChosenAttention) -> None:
    for module in network.modules():
        if isinstance(module, Attention) and isinstance(module.processor, before):
            module.set_processor(now)  # pyright: ignore[reportArgumentType] (a union of their own classes)
