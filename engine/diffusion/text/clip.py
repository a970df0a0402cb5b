"""The value a CLIP link carries: the text encoders of a model, and what of their outputs the model is given."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from engine.diffusion.text.tokens import Tokens
from engine.diffusion.text.tower import Tower
from engine.diffusion.text.weighting import Encoded


@dataclass(frozen=True)
class Part:
    """One encoder's share: which layer a model takes (-1 is the last) and whether it goes through the final norm."""

    tower: str
    layer: int
    is_normed: bool


@dataclass(frozen=True)
class Layout:
    """What a family of models takes: the parts side by side on the channel axis, and the encoder that pools."""

    name: str
    parts: tuple[Part, ...]
    pooled: str


@dataclass(frozen=True)
class Clip:
    """The text encoders of a model: frozen, shared, altered only by `dataclasses.replace` and `with_layer`."""

    layout: Layout
    towers: Mapping[str, Tower]
    layer: int | None = None  # overrides the layer of all parts; -1 is the last

    def tokenize(self, text: str) -> Tokens:
        """A prompt as chunks of 77 tokens for each encoder."""
        return {part.tower: self.towers[part.tower].tokenize(text) for part in self.layout.parts}

    def tokenize_each(self, texts: Mapping[str, str]) -> Tokens:
        """A text of its own for each encoder, e.g. `{"l": …, "g": …}`; empty chunks make up for the shorter.

        Raises ValueError if these are not the encoders there are.
        """
        there = {part.tower for part in self.layout.parts}
        if set(texts) != there:
            wanted, found = (" and ".join(sorted(names)) for names in (texts, there))
            msg = (
                f"the texts are for the text encoders {wanted}, but those of this {self.layout.name} model are {found}"
            )
            raise ValueError(msg)
        tokens = {name: self.towers[name].tokenize(text) for name, text in texts.items()}
        longest = max(map(len, tokens.values()))
        return {
            name: [*chunks, *[self.towers[name].empty] * (longest - len(chunks))] for name, chunks in tokens.items()
        }

    def encode(self, tokens: Tokens) -> Encoded:
        """States of all tokens (1, 77 n, sum of widths) and the pooled vector (1, P), float32 on the CPU.

        Where the encoders were given different numbers of chunks, all are cut to the least.
        """
        encoded = {
            part.tower: self.towers[part.tower].encode(
                tokens[part.tower], self.layer or part.layer, is_normed=part.is_normed
            )
            for part in self.layout.parts
        }
        least = min(each.cond.shape[1] for each in encoded.values())
        cond = torch.cat([each.cond[:, :least] for each in encoded.values()], dim=-1)
        return Encoded(cond, encoded[self.layout.pooled].pooled)

    def pool(self, tokens: Tokens) -> Tensor:
        """The pooled vector (1, width) of the encoder that pools, as it is before its projection."""
        return self.towers[self.layout.pooled].pool(tokens[self.layout.pooled])

    def with_layer(self, layer: int) -> "Clip":
        """The same encoders, read after another layer: -1 is the last, -2 the one before ("clip skip 2")."""
        if layer >= 0:
            msg = f"the layer to stop at counts from the end, -1 is the last; {layer} is none"
            raise ValueError(msg)
        return replace(self, layer=layer)


def required(clip: Clip | None) -> Clip:
    """The encoders on a link. Raises ValueError where a checkpoint had none."""
    if clip is None:
        msg = (
            "there is no text encoder on the clip input: the checkpoint it comes from holds none; "
            "connect the CLIP output of a CLIPLoader or DualCLIPLoader, or of a checkpoint that has one"
        )
        raise ValueError(msg)
    return clip


def conditioning(encoded: Encoded, **settings: Any) -> list[Any]:
    """Encoded text as a CONDITIONING value: one entry, `[cond, {"pooled_output": pooled, …}]`."""
    pooled = {} if encoded.pooled is None else {"pooled_output": encoded.pooled}
    return [[encoded.cond, {**pooled, **settings}]]
