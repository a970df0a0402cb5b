"""Names of the tensors of encoders that see pictures, brought to those of transformers, and what encoder they make.

Files keep them as transformers does (`vision_model.…`) or as OpenCLIP and OpenAI do (`visual.…`), each bare or after
whatever a checkpoint puts before them.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

from engine.weights.read import BadFile, Spec, Tensors

INNER = "vision_model."
PROJECTION = "visual_projection.weight"  # (projected, width), as a Linear layer stores it
SUPPORTED = "CLIP (ViT-B, ViT-L, ViT-H, ViT-g, ViT-bigG) and SigLIP, in the names of transformers or OpenCLIP"

_PATCHES = "embeddings.patch_embedding.weight"
_POSITIONS = "embeddings.position_embedding.weight"
_LAYER = re.compile(r"vision_model\.encoder\.layers\.(\d{1,4})\..+")

_OPEN_CLIP = "visual.conv1.weight"
_TOP = {
    "class_embedding": "embeddings.class_embedding",
    "positional_embedding": _POSITIONS,
    "conv1.weight": _PATCHES,
    "ln_pre.weight": "pre_layrnorm.weight",  # transformers' own spelling
    "ln_pre.bias": "pre_layrnorm.bias",
    "ln_post.weight": "post_layernorm.weight",
    "ln_post.bias": "post_layernorm.bias",
}
_IN_BLOCK = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
_BLOCK = re.compile(r"transformer\.resblocks\.(?P<n>\d{1,4})\.(?P<part>.+)[._](?P<kind>weight|bias)")

_HEADS = {768: 12, 1024: 16, 1152: 16, 1280: 16, 1408: 16, 1664: 16}  # of published encoders, by their width
_OPENAI_LAYERS = 24  # OpenAI's encoders, which have an activation of their own, are not deeper


@dataclass(frozen=True)
class VisionShape:
    """All that differs between encoders that see pictures."""

    kind: Literal["clip", "siglip"]
    width: int
    hidden: int  # width between the two matrices of a layer
    layers: int
    heads: int
    patch: int  # pixels along one side
    image: int  # pixels along one side of the picture it sees
    projected: int | None  # width of the vector beside the text; None where the file keeps no projection

    @property
    def activation(self) -> str:
        """OpenAI's approximation for encoders of its sizes, as all CLIP models of them are taken for its own."""
        if self.kind == "siglip":
            return "gelu_pytorch_tanh"
        return "gelu" if self.layers > _OPENAI_LAYERS else "quick_gelu"


def vision_tensors(tensors: Tensors) -> Tensors | None:
    """The encoder in a file's tensors by transformers' names, `vision_model.…`; None where there is none."""
    if (prefix := _before(tensors, _OPEN_CLIP)) is not None:
        return _from_open_clip(tensors.under(prefix + "visual."))
    if (inner := _before(tensors, _PATCHES)) is not None:
        names = {INNER + name.removeprefix(inner): name for name in tensors if name.startswith(inner)}
        outer = inner.removesuffix(INNER) + PROJECTION
        return tensors.renamed(names | ({PROJECTION: outer} if outer in tensors else {}))
    return None


def read_vision_shape(tensors: Tensors) -> VisionShape:
    """The shape of an encoder from its tensors by transformers' names. Raises BadFile."""
    shapes = tensors.shapes
    layers = [int(found[1]) + 1 for name in shapes if (found := _LAYER.fullmatch(name))]
    try:
        width, _, _, patch = shapes[INNER + _PATCHES]
        positions = shapes[INNER + _POSITIONS][0]
        hidden = shapes[f"{INNER}encoder.layers.0.mlp.fc1.weight"][0]
    except (KeyError, ValueError) as error:
        wrong = f"holds no encoder of pictures that is known ({error}); can be loaded: {SUPPORTED}"
        raise BadFile(tensors.path, wrong) from None
    is_clip = f"{INNER}embeddings.class_embedding" in shapes
    side = math.isqrt(positions - 1 if is_clip else positions)
    if side * side != (positions - 1 if is_clip else positions):
        raise BadFile(tensors.path, f"sees {positions} places, which make no square; can be loaded: {SUPPORTED}")
    projection = shapes.get(PROJECTION)
    return VisionShape(
        "clip" if is_clip else "siglip",
        width,
        hidden,
        max(layers),
        heads=_heads(width),
        patch=patch,
        image=side * patch,
        projected=projection[0] if projection else None,
    )


def _before(names: Mapping[str, object], end: str) -> str | None:
    """What stands before a name with this end, the first one found; maybe nothing."""
    return next((name.removesuffix(end) for name in names if name.endswith(end)), None)


def _heads(width: int) -> int:
    """One head per 64 channels where the width is no published one; else the next smaller number that divides it."""
    wanted = _HEADS.get(width, max(1, width // 64))
    return next(heads for heads in range(wanted, 0, -1) if width % heads == 0)


def _from_open_clip(tensors: Tensors) -> Tensors:
    """Queries, keys and values lie in one matrix there, and the projection the other way round."""
    old: dict[str, tuple[str, int | None]] = {}  # transformers' name -> OpenCLIP's, and which third of it
    for name in tensors:
        if name in _TOP:
            old[INNER + _TOP[name]] = name, None
        elif found := _BLOCK.fullmatch(name):
            layer, part, kind = f"{INNER}encoder.layers.{found['n']}", found["part"], found["kind"]
            if part == "attn.in_proj":
                for third, letter in enumerate("qkv"):
                    old[f"{layer}.self_attn.{letter}_proj.{kind}"] = name, third
            elif part in _IN_BLOCK:
                old[f"{layer}.{_IN_BLOCK[part]}.{kind}"] = name, None
    specs = {
        new: _third(tensors.specs[name]) if part is not None else tensors.specs[name]
        for new, (name, part) in old.items()
    }
    if "proj" in tensors:
        specs[PROJECTION] = replace(tensors.specs["proj"], shape=tensors.specs["proj"].shape[::-1])

    def read(name: str) -> Tensor:
        if name == PROJECTION:
            return tensors["proj"].T.contiguous()
        whole, part = old[name]
        return tensors[whole] if part is None else tensors[whole].chunk(3)[part]

    return Tensors(tensors.path, specs, read, tensors.metadata)


def _third(spec: Spec) -> Spec:
    return replace(spec, shape=(spec.shape[0] // 3, *spec.shape[1:]))
