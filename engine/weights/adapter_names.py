"""Names of T2I adapters' tensors: those of the original files for those of diffusers' modules, and what they make.

Mou et al. 2023. Names of both may begin with `adapter.`. The original layout numbers the residual blocks of a full
adapter through, diffusers groups them by level.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from engine.weights.read import BadFile, Tensors
from engine.weights.unet_shape import Shapes

_PREFIX = "adapter."
_LEVELS = 4
_CELL, _CELL_XL = 8, 16  # pixels of the hint along one side of what the first layer sees as one place

_FIRST_FULL, _FIRST_LIGHT = "conv_in.weight", "body.0.in_conv.weight"
_ORIGINAL_FULL = re.compile(r"body\.(\d{1,4})\.(in_conv|block1|block2)\.(\w+)")
_ORIGINAL_LIGHT = re.compile(r"body\.(\d{1,4})\.body\.(\d{1,4})\.(.+)")


@dataclass(frozen=True)
class AdapterShape:
    """All that differs between T2I adapters."""

    kind: Literal["full", "full xl", "light"]
    channels: int  # of the hint: 3, or 1 for their mean
    widths: tuple[int, ...]  # of each level
    residuals: int  # residual blocks in each level

    @property
    def cell(self) -> int:
        """Pixels of the hint along one side of what the first layer sees as one place."""
        return _CELL_XL if self.kind == "full xl" else _CELL


def is_adapter(names: Iterable[str]) -> bool:
    """Whether these are the names of a T2I adapter, of either layout."""
    bare = {name.removeprefix(_PREFIX) for name in names}
    blocks = ("body.0.block1.weight", "body.0.resnets.0.block1.weight", "body.0.body.0.block1.weight")
    return not bare.isdisjoint((_FIRST_FULL, _FIRST_LIGHT)) and not bare.isdisjoint(blocks)


def adapter_tensors(tensors: Tensors) -> Tensors:
    """A T2I adapter's tensors by their names in diffusers' module."""
    bare = tensors.renamed({name.removeprefix(_PREFIX): name for name in tensors})
    per_level = max(1, _count(bare.shapes, "body.{}.block1.weight") // _LEVELS)
    return bare.renamed({_diffusers_name(name, per_level): name for name in bare})


def adapter_shape(tensors: Tensors) -> AdapterShape:
    """The shape of an adapter from its tensors by diffusers' names. Raises BadFile for one of another make."""
    shapes = tensors.shapes
    is_light = _FIRST_FULL not in shapes
    first = shapes[_FIRST_LIGHT if is_light else _FIRST_FULL]
    seen = first[1] if len(first) > 1 else 0
    cell = _CELL_XL if seen in (_CELL_XL**2, 3 * _CELL_XL**2) and not is_light else _CELL
    if seen not in (cell**2, 3 * cell**2):
        wrong = f"its first layer sees {seen} channels, not one or three for each pixel of a cell of {cell} x {cell}"
        raise BadFile(tensors.path, f"is a T2I adapter of another make: {wrong}")
    if (levels := _count(shapes, "body.{}.resnets.0.block1.weight")) != _LEVELS:
        raise BadFile(tensors.path, f"is a T2I adapter of another make: it has {levels} levels, not {_LEVELS}")
    leaf = "out_conv" if is_light else "resnets.0.block1"
    return AdapterShape(
        kind="light" if is_light else "full xl" if cell == _CELL_XL else "full",
        channels=seen // cell**2,
        widths=tuple(next(iter(shapes.get(f"body.{level}.{leaf}.weight", ())), 0) for level in range(levels)),
        residuals=_count(shapes, "body.0.resnets.{}.block1.weight"),
    )


def _diffusers_name(name: str, per_level: int) -> str:
    if found := _ORIGINAL_LIGHT.fullmatch(name):
        return f"body.{found[1]}.resnets.{found[2]}.{found[3]}"
    if found := _ORIGINAL_FULL.fullmatch(name):
        level, index = divmod(int(found[1]), per_level)
        if found[2] != "in_conv":
            return f"body.{level}.resnets.{index}.{found[2]}.{found[3]}"
        if index == 0:
            return f"body.{level}.in_conv.{found[3]}"
    return name


def _count(shapes: Shapes, pattern: str) -> int:
    """How many of these there are, numbered from 0 without a gap."""
    return next(number for number in range(len(shapes) + 1) if pattern.format(number) not in shapes)
