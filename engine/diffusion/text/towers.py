"""Text encoders out of checkpoints: which ones a family of models has, and building them from tensors."""

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from engine.device.place import Placement
from engine.diffusion.text.clip import Clip, Layout, Part
from engine.diffusion.text.tower import Tower
from engine.diffusion.text.transformer import transformer_from_tensors
from engine.diffusion.text.vocabulary import CLIP_END
from engine.weights.read import Tensors


class _Make(NamedTuple):
    embedding: str
    pad: int
    activation: str


_MAKES = {
    "l": _Make("clip_l", CLIP_END, "quick_gelu"),  # OpenAI's CLIP-L
    "h": _Make("clip_h", 0, "gelu"),  # OpenCLIP's H
    "g": _Make("clip_g", 0, "gelu"),  # OpenCLIP's bigG
}

LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("sd1", (Part("l", -1, is_normed=True),), pooled="l"),
        Layout("sd2", (Part("h", -2, is_normed=True),), pooled="h"),
        Layout("sdxl", (Part("l", -2, is_normed=False), Part("g", -2, is_normed=False)), pooled="g"),
        Layout("refiner", (Part("g", -2, is_normed=False),), pooled="g"),
    )
}


def clip_from_tensors(layout: str, towers: Mapping[str, Mapping[str, Tensor]], placement: Placement) -> Clip:
    """The text encoders of a model.

    `layout` is a key of LAYOUTS. `towers` holds for each encoder of the layout (`l`, `g` or `h`) its tensors without
    the checkpoint's prefix, in the names of transformers (with or without `text_model.`) or OpenCLIP, of any size.
    Raises ValueError for an unknown layout, for missing encoders and for tensors that make none.
    """
    if layout not in LAYOUTS:
        msg = f"there is no layout of text encoders {layout!r}; there are {', '.join(LAYOUTS)}"
        raise ValueError(msg)
    names = [part.tower for part in LAYOUTS[layout].parts]
    if set(names) != set(towers):
        msg = f"a {layout} model has the text encoders {', '.join(names)}; given were {', '.join(towers) or 'none'}"
        raise ValueError(msg)
    return Clip(LAYOUTS[layout], {name: _tower(name, towers[name], placement) for name in names})


def _tower(name: str, tensors: Mapping[str, Tensor], placement: Placement) -> Tower:
    make = _MAKES[name]
    what = f"the text encoder {make.embedding}" + (f" of {tensors.path.name}" if isinstance(tensors, Tensors) else "")
    try:
        network = transformer_from_tensors(tensors, make.activation, placement.text_dtype, placement.device, what)
    except ValueError as error:
        msg = f"{make.embedding}: {error}"
        raise ValueError(msg) from None
    return Tower(network, make.embedding, make.pad)
