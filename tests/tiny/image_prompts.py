"""IP-Adapters with seeded random weights: published names, narrow widths."""

from pathlib import Path

from torch import Tensor

from engine.diffusion.image_prompt import cross_attention
from tests.tiny.checkpoints import random_weight
from tests.tiny.layouts import LAYOUTS, SEEN, WIDTH
from tests.tiny.visions import make_tiny_vision

_HIDDEN = 64  # one head of the resampler
_TOKENS = 4  # as published ones have

Shapes = dict[str, tuple[int, ...]]


def tiny_ip_adapter(family: str = "sd15", kind: str = "vector") -> dict[str, Tensor]:
    """An adapter for the tiny model of this family; `kind` is "vector", "places" or "resampled"."""
    unet = LAYOUTS[family].unet
    shapes: Shapes = {f"image_proj.{name}": each for name, each in _PROJECTIONS[kind](unet.context).items()}
    for number, (_, width) in enumerate(cross_attention(unet)):
        for which in ("k", "v"):
            shapes[f"ip_adapter.{2 * number + 1}.to_{which}_ip.weight"] = (width, unet.context)
    return {name: random_weight(name, shape) for name, shape in shapes.items()}


def make_tiny_ip_adapter(path: Path, tensors: dict[str, Tensor] | None = None) -> Path:
    """Write an adapter's file, that of `tiny_ip_adapter` if nothing else is given."""
    return make_tiny_vision(path, tiny_ip_adapter() if tensors is None else tensors)


def _vector(text: int) -> Shapes:
    made: Shapes = {"proj.weight": (_TOKENS * text, SEEN), "proj.bias": (_TOKENS * text,)}
    return made | {"norm.weight": (text,), "norm.bias": (text,)}


def _places(text: int) -> Shapes:
    made: Shapes = {"proj.0.weight": (WIDTH, WIDTH), "proj.0.bias": (WIDTH,)}
    made |= {"proj.2.weight": (text, WIDTH), "proj.2.bias": (text,)}
    return made | {"proj.3.weight": (text,), "proj.3.bias": (text,)}


def _resampled(text: int) -> Shapes:
    made: Shapes = {"latents": (1, _TOKENS, _HIDDEN), "proj_in.weight": (_HIDDEN, WIDTH), "proj_in.bias": (_HIDDEN,)}
    made |= {"proj_out.weight": (text, _HIDDEN), "proj_out.bias": (text,)}
    made |= {"norm_out.weight": (text,), "norm_out.bias": (text,)}
    for layer in range(4):  # as many as all published ones have
        stem = f"layers.{layer}"
        norms = (f"{stem}.0.norm1", f"{stem}.0.norm2", f"{stem}.1.0")
        made |= {f"{norm}.{leaf}": (_HIDDEN,) for norm in norms for leaf in ("weight", "bias")}
        made |= {f"{stem}.0.to_q.weight": (_HIDDEN, _HIDDEN), f"{stem}.0.to_kv.weight": (2 * _HIDDEN, _HIDDEN)}
        made |= {f"{stem}.0.to_out.weight": (_HIDDEN, _HIDDEN)}
        made |= {f"{stem}.1.1.weight": (4 * _HIDDEN, _HIDDEN), f"{stem}.1.3.weight": (_HIDDEN, 4 * _HIDDEN)}
    return made


_PROJECTIONS = {"vector": _vector, "places": _places, "resampled": _resampled}
