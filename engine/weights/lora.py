"""LoRA files: their tensors, whichever way they are named, become one change per module."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from engine.weights.deltas import (
    Delta,
    Difference,
    Factors,
    Hadamard,
    Kronecker,
    LowRank,
    Product,
    Redirected,
    Replacement,
    Scaled,
)
from engine.weights.read import BadFile, Tensors, open_tensors
from engine.weights.rotations import Butterfly, Rotated

Parts = Mapping[str, Tensor]
"""The tensors of one module, by what they are: `up`, `down`, `alpha`, …"""

# How the two low-rank factors are called, up and down; the rest of a tensor's name is the module's.
_PAIRS = (
    (".lora_up.weight", ".lora_down.weight"),
    ("_lora.up.weight", "_lora.down.weight"),
    (".lora_B.weight", ".lora_A.weight"),
    (".lora.up.weight", ".lora.down.weight"),
    (".lora_B", ".lora_A"),
    (".lora_linear_layer.up.weight", ".lora_linear_layer.down.weight"),
    (".lora_B.default.weight", ".lora_A.default.weight"),
)
_SINGLE = (
    *("alpha", "dora_scale", "diff", "diff_b", "set_weight"),
    *("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2"),
    *("oft_blocks", "rescale"),
    *("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2"),
)
_ROLES = {
    **{up: "up" for up, _ in _PAIRS},
    **{down: "down" for _, down in _PAIRS},
    ".lora_mid.weight": "mid",
    **{f".{name}": name for name in _SINGLE},
}
_ROLE = re.compile(f"(.+?)({'|'.join(map(re.escape, sorted(_ROLES, key=len, reverse=True)))})")


@dataclass(frozen=True)
class Changes:
    """What a file does to one module: to its weight, and to its bias."""

    weight: tuple[Delta, ...] = ()
    bias: tuple[Delta, ...] = ()


@dataclass(frozen=True)
class Lora:
    """A LoRA file: the changes by the names that it has for modules, and the tensors that are part of none."""

    path: Path
    modules: Mapping[str, Changes]
    strange: tuple[str, ...] = ()


def read_lora(path: Path) -> Lora:
    """Read a LoRA file of any of the usual kinds. Raises FileNotFoundError, and BadFile for what is no LoRA."""
    return lora_of(open_tensors(path))


def lora_of(tensors: Tensors) -> Lora:
    """The changes in the tensors of a file. Raises BadFile."""
    modules: dict[str, dict[str, Tensor]] = {}
    strange: list[str] = []
    for name in tensors:
        if found := _ROLE.fullmatch(name):
            part = tensors[name].clone()  # in memory of its own: files of training runs are written anew
            if _ROLES[found[2]] == "alpha" and part.numel() != 1:
                raise BadFile(tensors.path, f"{name} should be one number, but has the shape {list(part.shape)}")
            modules.setdefault(found[1], {})[_ROLES[found[2]]] = part
        else:
            strange.append(name)
    changes = {name: changes_of(parts) for name, parts in modules.items()}
    known = {name: each for name, each in changes.items() if each.weight or each.bias}
    if not known:
        raise BadFile(
            tensors.path, "is no LoRA: it holds no pair of tensors such as .lora_up.weight, .lora_down.weight"
        )
    return Lora(tensors.path, known, (*strange, *(name for name in changes if name not in known)))


def changes_of(parts: Parts) -> Changes:
    """The changes that the tensors of one module make, in the order in which they are applied; none of bad parts."""
    weight = [each for make in (_product, _rotation, _difference, _replacement) if (each := make(parts)) is not None]
    bias = [Difference(parts["diff_b"])] if "diff_b" in parts else []
    return Changes(tuple(weight), tuple(bias))


def _product(parts: Parts) -> Delta | None:
    product = next(_products(parts), None)
    if product is None:
        return None
    scaled = Scaled(product, parts["alpha"].item() if "alpha" in parts else None)
    return Redirected(scaled, parts["dora_scale"]) if "dora_scale" in parts else scaled


def _rotation(parts: Parts) -> Delta | None:
    """OFT has a block for each group of rows, BOFT one more dimension: the rotations that follow one another."""
    blocks = parts.get("oft_blocks")
    kind = None if blocks is None else {3: Rotated, 4: Butterfly}.get(blocks.ndim)
    if blocks is None or kind is None:
        return None
    return kind(blocks, parts["alpha"].item() if "alpha" in parts else 0.0, parts.get("rescale"))


def _products(parts: Parts) -> Iterator[Product]:
    if "up" in parts and "down" in parts:
        yield LowRank(parts["up"], parts["down"], parts.get("mid"))
    first, second = (_factors(parts, f"hada_w{n}", f"hada_t{n}") for n in (1, 2))
    if first is not None and second is not None:
        yield Hadamard(first, second)
    first, second = _whole_or_factors(parts, "lokr_w1", ""), _whole_or_factors(parts, "lokr_w2", "lokr_t2")
    if first is not None and second is not None:
        yield Kronecker(first, second)


def _factors(parts: Parts, stem: str, core: str) -> Factors | None:
    if f"{stem}_a" not in parts or f"{stem}_b" not in parts:
        return None
    return Factors(parts[f"{stem}_a"], parts[f"{stem}_b"], parts.get(core))


def _whole_or_factors(parts: Parts, stem: str, core: str) -> Tensor | Factors | None:
    return parts[stem] if stem in parts else _factors(parts, stem, core)


def _single(role: str, kind: Callable[[Tensor], Delta]) -> Callable[[Parts], Delta | None]:
    return lambda parts: kind(parts[role]) if role in parts else None


_difference = _single("diff", Difference)
_replacement = _single("set_weight", Replacement)
