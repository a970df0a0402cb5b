"""Hypernetwork files: for each width of tokens, what changes those that keys are made of, and those that values are.

Each is a few layers whose output is added to their input. In files they are numbered among activations and dropout, so
the kinds of layers are told by the shapes of their weights, and the activation by a word beside them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.weights.read import BadFile, Tensors, open_tensors

_TENSOR = re.compile(r"(\d{1,5})\.([01])\.linear\.?(\d{1,4})\.(weight|bias)")  # `linear1` in the oldest files
_KEYS, _VALUES = "0", "1"
_ACTIVATIONS: dict[str, type[nn.Module]] = {
    each.__name__.lower(): each
    for each in (
        *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus),
        *(nn.Tanh, nn.Sigmoid, nn.Softsign, nn.Hardswish, nn.Hardtanh, nn.Hardsigmoid, nn.Hardshrink, nn.LogSigmoid),
        *(nn.Softshrink, nn.Tanhshrink),
    )
}
_NOTHING = torch.zeros(0)
_OTHER_WORDS = {"swish": "hardswish"}
_NONE = ("", "linear", "none")


@dataclass(frozen=True, eq=False)
class Hypernetwork:
    """A hypernetwork: the layers for keys and for values, by the width of the tokens that they change."""

    name: str
    keys: Mapping[int, nn.Module]
    values: Mapping[int, nn.Module]

    def changed(self, keys: Tensor, values: Tensor, strength: float) -> tuple[Tensor, Tensor]:
        """What keys and values are made of (B, m, dim), with as much of the change as `strength` says."""
        return _added(self.keys, keys, strength), _added(self.values, values, strength)


def read_hypernetwork(path: Path, device: torch.device, dtype: torch.dtype) -> Hypernetwork:
    """Read a hypernetwork. Raises FileNotFoundError, and BadFile for what is none or has layers of another kind."""
    tensors = open_tensors(path)
    parts: dict[tuple[int, str], dict[int, dict[str, Tensor]]] = {}
    for name in tensors:
        if found := _TENSOR.fullmatch(name):
            layers = parts.setdefault((int(found[1]), found[2]), {})
            layers.setdefault(int(found[3]), {})[found[4]] = tensors[name].to(device, dtype, copy=True)
    widths = sorted({width for width, _ in parts})
    if not widths:
        raise BadFile(path, "is no hypernetwork: wanted are tensors such as 768.0.linear.0.weight")
    if lacking := [width for width in widths if not {(width, _KEYS), (width, _VALUES)} <= parts.keys()]:
        raise BadFile(path, f"is incomplete: for width {lacking[0]} it has not both keys (0) and values (1)")
    made = {place: _layers(place[0], layers, tensors) for place, layers in parts.items()}
    keys, values = ({width: made[width, part] for width in widths} for part in (_KEYS, _VALUES))
    return Hypernetwork(path.name, keys, values)


def _added(layers: Mapping[int, nn.Module], tokens: Tensor, strength: float) -> Tensor:
    change = layers.get(tokens.shape[-1])
    return tokens if change is None else tokens + change(tokens) * strength


def _layers(width: int, stored: Mapping[int, Mapping[str, Tensor]], tensors: Tensors) -> nn.Sequential:
    """The layers of one part, in their order. Raises BadFile."""
    activation = _activation(tensors)
    last = max((number for number, each in stored.items() if each.get("weight", _NOTHING).ndim == 2), default=None)
    goes_to_the_end = tensors.metadata.get("activate_output", "").lower() == "true"
    made: list[nn.Module] = []
    size = width
    for number in sorted(stored):
        weight, bias = stored[number].get("weight"), stored[number].get("bias")
        if weight is None or bias is None or not _follows(weight, bias, size):
            raise BadFile(tensors.path, f"has layers that do not follow each other: {width}, layer {number}")
        before, size = size, weight.shape[0]
        layer = nn.Linear(before, size, device="meta") if weight.ndim == 2 else nn.LayerNorm(size, device="meta")
        layer.weight, layer.bias = (nn.Parameter(each, requires_grad=False) for each in (weight, bias))
        made.append(layer)
        if activation is not None and weight.ndim == 2 and (number != last or goes_to_the_end):
            made.append(activation())
    if size != width:
        raise BadFile(tensors.path, f"has layers for tokens of width {width} that make them {size} wide")
    return nn.Sequential(*made).eval()


def _follows(weight: Tensor, bias: Tensor, size: int) -> bool:
    """Whether these make a linear layer or a norm for tokens of this width."""
    return weight.ndim in (1, 2) and weight.shape[-1] == size and bias.shape == weight.shape[:1]


def _activation(tensors: Tensors) -> type[nn.Module] | None:
    word = tensors.metadata.get("activation_func", "").lower()
    if word in _NONE:
        return None
    word = _OTHER_WORDS.get(word, word)
    if word not in _ACTIVATIONS:
        known = ", ".join(sorted(_ACTIVATIONS))
        raise BadFile(tensors.path, f"wants the activation {word!r}, which is not known; known are {known}")
    return _ACTIVATIONS[word]
