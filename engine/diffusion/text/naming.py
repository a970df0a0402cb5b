"""The two ways text encoders name their tensors in files, brought to one: that of transformers, with `text_model.`."""

import re
from collections.abc import Iterator, Mapping

from torch import Tensor

PROJECTION = "text_projection.weight"  # (projected, width), as a Linear layer stores it

_EMBEDDINGS, _LAYERS = "text_model.embeddings", "text_model.encoder.layers"
_SINGLE = {
    "positional_embedding": f"{_EMBEDDINGS}.position_embedding.weight",
    "token_embedding.weight": f"{_EMBEDDINGS}.token_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
}
_IN_BLOCK = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
_BLOCK = re.compile(r"transformer\.resblocks\.(?P<n>\d+)\.(?P<part>.+)[._](?P<kind>weight|bias)")
_BARE = re.compile(r"(embeddings|encoder|final_layer_norm)\.")


def in_transformers_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of one text encoder, from OpenCLIP's names, transformers' or transformers' without `text_model.`.

    What is no part of a text encoder is left out.
    """
    return dict(pair for name in tensors for pair in _renamed(name, tensors))


def _renamed(name: str, tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    if name.endswith("position_ids"):
        return  # counts 0, 1, 2, …; older files store it
    if name.startswith("text_model.") or name == PROJECTION:
        yield name, tensors[name]
    elif _BARE.match(name):
        yield f"text_model.{name}", tensors[name]
    elif name == "text_projection":
        yield PROJECTION, tensors[name].T.contiguous()
    elif name in _SINGLE:
        yield _SINGLE[name], tensors[name]
    elif found := _BLOCK.fullmatch(name):
        layer = f"{_LAYERS}.{found['n']}"
        if found["part"] == "attn.in_proj":
            for letter, rows in zip("qkv", tensors[name].chunk(3), strict=True):
                yield f"{layer}.self_attn.{letter}_proj.{found['kind']}", rows
        elif found["part"] in _IN_BLOCK:
            yield f"{layer}.{_IN_BLOCK[found['part']]}.{found['kind']}", tensors[name]
