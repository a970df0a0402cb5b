"""What a prompt carries, as lists: entries of text tokens and settings, set, combined, mixed and joined.

A conditioning is a list of entries `[tokens (B, T, dim), settings]`. Nothing here changes its arguments: functions give
new lists whose settings are copies, and keys that they do not know are kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Entry = Sequence[Any]
"""`[tokens, settings]`: what files and node packs pass around is a list of two, a tuple serves as well."""

Conditioning = Sequence[Entry]
Made = list[tuple[Tensor, dict[str, Any]]]

POOLED = "pooled_output"
PICTURES = "unclip_conditioning"
TOKEN_BIAS = "token_bias"
"""The setting that says how much more each token is attended to: (1, T), added before the softmax; 0 behind its end."""


def with_settings(conditioning: Conditioning, **settings: Any) -> Made:
    """The same entries with these settings."""
    return [(tokens, {**old, **settings}) for tokens, old in conditioning]


def append(conditioning: Conditioning, tokens: Tensor, bias: float) -> Made:
    """The same entries with these tokens (1, t, dim) behind their text, attended to with this bias."""
    others: Entry = (tokens, {TOKEN_BIAS: torch.full(tokens.shape[:2], bias)} if bias else {})
    return concat(conditioning, [others])


def token_bias(tokens: Tensor, settings: Mapping[str, Any]) -> Tensor:
    """How much more each token (B, T, dim) is attended to: (1, T), zero where nothing was said of it."""
    bias: Tensor | None = settings.get(TOKEN_BIAS)
    bias = torch.zeros(1, 0) if bias is None else bias
    return functional.pad(bias[:, : tokens.shape[1]], (0, max(0, tokens.shape[1] - bias.shape[1])))


def with_picture(conditioning: Conditioning, seen: Any, strength: float, noise: float) -> Made:
    """The same entries with one more picture for unCLIP models to follow; a share of `noise` makes them freer."""
    picture = {"clip_vision_output": seen, "strength": strength, "noise_augmentation": noise}
    return [
        (tokens, {**settings, PICTURES: [*settings.get(PICTURES, ()), picture]}) for tokens, settings in conditioning
    ]


def combine(*conditionings: Conditioning) -> Made:
    """All entries together: their predictions are averaged, each by its strength, where they overlap."""
    return [(tokens, dict(settings)) for each in conditionings for tokens, settings in each]


def average(to: Conditioning, source: Conditioning, strength: float) -> Made:
    """Each entry of `to` mixed with the first of `source`: `to * strength + source * (1 - strength)`.

    The source's tokens are cut or padded with zeros to the length of `to`; pooled vectors are mixed alike, and where
    `to` has none the source's is taken.
    """
    other, other_settings = _first(source, "conditioning_from")
    other_pooled = other_settings.get(POOLED)
    mixed: Made = []
    for tokens, settings in to:
        settings = dict(settings)
        pooled = settings.get(POOLED)
        if pooled is None:
            pooled = other_pooled
        elif other_pooled is not None:
            _check_same_width(pooled, other_pooled, "pooled vectors")
            pooled = _mix(pooled, other_pooled, strength)
        if pooled is not None:
            settings[POOLED] = pooled
        _check_same_width(tokens, other, "tokens")
        mixed.append((_mix(tokens, _fitted(other, tokens.shape[1]), strength), settings))
    return mixed


def concat(to: Conditioning, source: Conditioning) -> Made:
    """The first entry of `source` appended to each of `to`, along the tokens; the settings of `to` stay."""
    other, other_settings = _first(source, "conditioning_from")
    return [(_joined(tokens, other), _biased(tokens, settings, other, other_settings)) for tokens, settings in to]


def zero_out(conditioning: Conditioning) -> Made:
    """The same entries with all tokens and pooled vectors zero."""
    zeroed: Made = []
    for tokens, settings in conditioning:
        settings = dict(settings)
        if settings.get(POOLED) is not None:
            settings[POOLED] = torch.zeros_like(settings[POOLED])
        zeroed.append((torch.zeros_like(tokens), settings))
    return zeroed


def _joined(tokens: Tensor, other: Tensor) -> Tensor:
    _check_same_width(tokens, other, "tokens")
    return torch.cat([tokens, other.to(tokens).expand(len(tokens), -1, -1)], dim=1)


def _biased(
    tokens: Tensor, settings: Mapping[str, Any], other: Tensor, other_settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings of the first tokens, with the bias of both where either has one."""
    if settings.get(TOKEN_BIAS) is None and other_settings.get(TOKEN_BIAS) is None:
        return dict(settings)
    bias = torch.cat([token_bias(tokens, settings), token_bias(other, other_settings)], dim=1)
    return {**settings, TOKEN_BIAS: bias}


def _first(conditioning: Conditioning, name: str) -> tuple[Tensor, Mapping[str, Any]]:
    if not conditioning:
        raise ValueError(f"{name} has no entries; it should hold at least one encoded prompt")
    tokens, settings = conditioning[0]
    return tokens, settings


def _fitted(tokens: Tensor, length: int) -> Tensor:
    """Tokens (B, T, dim) cut, or padded with zeros, to a length."""
    return functional.pad(tokens[:, :length], (0, 0, 0, max(0, length - tokens.shape[1])))


def _mix(a: Tensor, b: Tensor, strength: float) -> Tensor:
    return a * strength + b.to(a) * (1 - strength)


def _check_same_width(a: Tensor, b: Tensor, what: str) -> None:
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(
            f"{what} of {a.shape[-1]} and {b.shape[-1]} numbers do not mix; both prompts should come from the same"
            " text encoder"
        )
