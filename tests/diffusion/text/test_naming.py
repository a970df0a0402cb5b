"""Names of tensors in files of text encoders."""

import pytest
import torch
from torch import Tensor

from engine.diffusion.text.naming import in_transformers_names
from engine.diffusion.text.transformer import transformer_from_tensors
from tests.diffusion.text.tiny_encoder import DEPTH, tiny_tensors


def in_open_clip_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same encoder as OpenCLIP stores it."""
    renamed = {
        "positional_embedding": tensors["text_model.embeddings.position_embedding.weight"],
        "token_embedding.weight": tensors["text_model.embeddings.token_embedding.weight"],
        "ln_final.weight": tensors["text_model.final_layer_norm.weight"],
        "ln_final.bias": tensors["text_model.final_layer_norm.bias"],
        "text_projection": tensors["text_projection.weight"].T,
        "logit_scale": torch.tensor(1.0),
        "attn_mask": torch.zeros(77, 77),
        "visual.conv1.weight": torch.zeros(1),
    }
    parts = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
    for n in range(DEPTH):
        layer, block = f"text_model.encoder.layers.{n}", f"transformer.resblocks.{n}"
        for kind in ("weight", "bias"):
            for new, old in (parts | {"self_attn.out_proj": "attn.out_proj"}).items():
                renamed[f"{block}.{old}.{kind}"] = tensors[f"{layer}.{new}.{kind}"]
            together = [tensors[f"{layer}.self_attn.{letter}_proj.{kind}"] for letter in "qkv"]
            renamed[f"{block}.attn.in_proj_{kind}"] = torch.cat(together)
    return renamed


def test_open_clip_names_become_those_of_transformers() -> None:
    tensors = tiny_tensors(8, projected=5)
    found = in_transformers_names(in_open_clip_names(tensors))
    assert set(found) == set(tensors)
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_a_missing_text_model_is_put_in_front_and_position_ids_are_left_out() -> None:
    tensors = tiny_tensors(8)
    older = {name.removeprefix("text_model."): tensor for name, tensor in tensors.items()}
    older["embeddings.position_ids"] = torch.arange(77)[None]
    assert set(in_transformers_names(older)) == set(tensors)


def test_width_depth_and_heads_are_read_from_the_tensors() -> None:
    network = transformer_from_tensors(tiny_tensors(128, depth=1), "gelu", torch.float16)
    assert (network.width, network.depth) == (128, 1)
    assert network.text_model.config.num_attention_heads == 2
    assert transformer_from_tensors(tiny_tensors(6), "gelu", torch.float16).text_model.config.num_attention_heads == 1


def test_missing_tensors_and_misfits_are_named() -> None:
    tensors = tiny_tensors(8)
    del tensors["text_model.encoder.layers.1.mlp.fc2.bias"]
    with pytest.raises(ValueError, match=r"lacks 1 of its .*layers\.1\.mlp\.fc2\.bias"):
        transformer_from_tensors(tensors, "gelu", torch.float16)
    tensors["text_model.encoder.layers.1.mlp.fc2.bias"] = torch.zeros(9)
    with pytest.raises(ValueError, match=r"fc2\.bias is \(9,\), its other tensors ask \(8,\)"):
        transformer_from_tensors(tensors, "gelu", torch.float16)


def test_a_smaller_vocabulary_is_refused() -> None:
    tensors = tiny_tensors(8)
    tensors["text_model.embeddings.token_embedding.weight"] = torch.zeros(100, 8)
    with pytest.raises(ValueError, match="knows 100 tokens"):
        transformer_from_tensors(tensors, "gelu", torch.float16)
