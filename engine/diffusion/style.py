"""Style models: they turn what an encoder saw of a picture into tokens, which are read after those of the text.

The style adapter is that of T2I adapters (Mou et al. 2023), Redux that of Flux.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from diffusers.models.controlnets.controlnet_union import ResidualAttentionBlock
from torch import Tensor, nn

from engine.device import memory
from engine.device.resident import resident
from engine.diffusion.conditioning import Conditioning, Made, append
from engine.diffusion.vision import Seen

Strength = Literal["multiply", "attn_bias"]

_HEADS = 8
_VALUES_PER_NUMBER = 12  # numbers alive per number of what was seen, inside a layer


class StyleAdapter(nn.Module):
    """Learned tokens that look at the places of a picture; parameters are named as in files."""

    def __init__(self, width: int, text: int, layers: int, tokens: int) -> None:
        super().__init__()
        self.style_embedding = nn.Parameter(torch.empty(1, tokens, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer_layes = nn.ModuleList([ResidualAttentionBlock(width, _HEADS) for _ in range(layers)])
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.empty(width, text))

    def forward(self, places: Tensor) -> Tensor:
        """Places (B, n, width) -> tokens (B, t, text)."""
        tokens = self.style_embedding.expand(len(places), -1, -1)
        h = self.ln_pre(torch.cat([places, tokens], dim=1)).transpose(0, 1)  # (n + t, B, width)
        for layer in self.transformer_layes:
            h = layer(h)
        return self.ln_post(h.transpose(0, 1)[:, -tokens.shape[1] :]) @ self.proj


class Redux(nn.Module):
    """Each place of a picture as a token; parameters are named as in files."""

    def __init__(self, width: int, hidden: int, text: int) -> None:
        super().__init__()
        self.redux_up = nn.Linear(width, hidden)
        self.redux_down = nn.Linear(hidden, text)

    def forward(self, places: Tensor) -> Tensor:
        """Places (B, n, width) -> tokens (B, n, text)."""
        return self.redux_down(nn.functional.silu(self.redux_up(places)))


@dataclass(frozen=True, eq=False)
class StyleModel:
    """The value a STYLE_MODEL link carries: a frozen network, and how wide the places are that it reads."""

    network: nn.Module
    width: int
    name: str

    def get_cond(self, seen: Seen) -> Tensor:
        """The tokens of pictures (B, t, dim), on the CPU. Raises ValueError for another encoder's, and OutOfMemory."""
        places = seen.last_hidden_state
        if places.shape[-1] != self.width:
            msg = (
                f"{self.name} reads what an encoder of width {self.width} saw, and this one is {places.shape[-1]} wide"
            )
            kind = {1024: "CLIP ViT-L/14", 1152: "SigLIP so400m"}.get(self.width, "the one it was trained with")
            raise ValueError(f"{msg}: look at the picture with {kind}")
        weight = next(self.network.parameters())
        with torch.no_grad(), memory.named_shortage(f"making tokens with {self.name}", weight.device):
            work = _VALUES_PER_NUMBER * places.numel() * weight.dtype.itemsize
            with resident(self.network, work, f"making tokens with {self.name}"):
                return self.network(places.to(weight)).float().cpu()


def styled(conditioning: Conditioning, model: StyleModel, seen: Seen, strength: float, kind: Strength) -> Made:
    """The same entries with the tokens of all pictures behind their text.

    "multiply" scales those tokens; "attn_bias" leaves them, and has them attended to `strength` times as much.
    """
    tokens = model.get_cond(seen).flatten(0, 1)[None]
    for text, _ in conditioning:
        if text.shape[-1] != tokens.shape[-1]:
            msg = f"{model.name} makes tokens of {tokens.shape[-1]} numbers and this text has {text.shape[-1]}"
            raise ValueError(f"{msg}: take a style model that was made for this kind of model")
    if kind == "multiply":
        return append(conditioning, tokens * strength, 0.0)
    return append(conditioning, tokens, math.log(strength) if strength > 0 else -math.inf)
