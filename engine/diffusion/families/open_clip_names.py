"""A text encoder's tensors in OpenCLIP's names, as SD 2.x, SDXL and the refiner keep theirs in single files."""

from collections.abc import Mapping

import torch
from torch import Tensor

_SINGLE = {
    "embeddings.position_embedding.weight": "positional_embedding",
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "final_layer_norm.weight": "ln_final.weight",
    "final_layer_norm.bias": "ln_final.bias",
}
_IN_LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
_QUERY, _KEY, _VALUE = (f"self_attn.{letter}_proj" for letter in "qkv")


def in_open_clip_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """From transformers' names, with `text_model.`: queries, keys and values become one matrix."""
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        bare = name.removeprefix("text_model.")
        if name == "text_projection.weight":
            renamed["text_projection"] = tensor.T
        elif bare in _SINGLE:
            renamed[_SINGLE[bare]] = tensor
        else:
            _, _, layer, rest = bare.split(".", 3)  # encoder.layers.N.…
            part, _, kind = rest.rpartition(".")
            block = f"transformer.resblocks.{layer}"
            if part in _IN_LAYER:
                renamed[f"{block}.{_IN_LAYER[part]}.{kind}"] = tensor
            elif part == _QUERY:
                three = [tensors[name.replace(_QUERY, each)] for each in (_QUERY, _KEY, _VALUE)]
                renamed[f"{block}.attn.in_proj_{kind}"] = torch.cat(three)
    return renamed
