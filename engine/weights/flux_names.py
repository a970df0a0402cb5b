"""What LoRA files call the modules of a Flux transformer, and which rows of its fused weights each name means.

diffusers keeps queries, keys and values apart where the original has one matrix, `qkv`; single blocks fuse the first
layer of their perceptron into it, too (`linear1`).
"""

import re
from collections.abc import Iterable, Iterator

from engine.weights.lora_names import NETWORK, Targets, original_targets
from engine.weights.patch import Target

WIDTH = 3072  # channels of all published Flux models
_PERCEPTRON = 4 * WIDTH

_TOP = {
    "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
    "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
    "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
    "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
    "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
    "txt_in": "context_embedder",
    "img_in": "x_embedder",
    "pos_embed_input": "controlnet_x_embedder",
    "final_layer.linear": "proj_out",
}
_FINAL = "final_layer.adaLN_modulation.1"  # shift and scale; diffusers has scale and shift
_DOUBLE = {
    "img_mod.lin": "norm1.linear",
    "txt_mod.lin": "norm1_context.linear",
    "img_attn.proj": "attn.to_out.0",
    "txt_attn.proj": "attn.to_add_out",
    "img_mlp.0": "ff.net.0.proj",
    "img_mlp.2": "ff.net.2",
    "txt_mlp.0": "ff_context.net.0.proj",
    "txt_mlp.2": "ff_context.net.2",
}
_DOUBLE_NORMS = {
    "img_attn.norm.query_norm": "attn.norm_q",
    "img_attn.norm.key_norm": "attn.norm_k",
    "txt_attn.norm.query_norm": "attn.norm_added_q",
    "txt_attn.norm.key_norm": "attn.norm_added_k",
}
_SINGLE = {"modulation.lin": "norm.linear", "linear2": "proj_out"}
_SINGLE_NORMS = {"norm.query_norm": "attn.norm_q", "norm.key_norm": "attn.norm_k"}
_FUSED = {
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
}
_BLOCK = re.compile(r"(double|single)_blocks\.(\d+)\..+")


def flux_targets(names: Iterable[str]) -> Targets:
    """Targets in a Flux transformer; `names` are those of its tensors in the original layout, without prefix."""
    there = list(names)
    found = {match for name in there if (match := _BLOCK.fullmatch(name))}
    doubles, singles = (sorted({int(each[2]) for each in found if each[1] == kind}) for kind in ("double", "single"))
    targets = original_targets(there)
    for block in singles:
        name = f"{NETWORK}single_blocks.{block}.linear1"
        targets[f"{name}_qkv"] = Target(f"{name}.weight", (0, 3 * WIDTH))
    for name, target in _diffusers(doubles, singles):
        flat = name.replace(".", "_")
        targets |= dict.fromkeys([f"transformer.{name}", f"lycoris_{flat}", f"lora_transformer_{flat}"], target)
    return targets


def _diffusers(doubles: list[int], singles: list[int]) -> Iterator[tuple[str, Target]]:
    """The modules as diffusers names them."""
    for original, name in _TOP.items():
        yield name, Target(f"{NETWORK}{original}.weight")
    yield "norm_out.linear", Target(f"{NETWORK}{_FINAL}.weight", is_swapped=True)
    for block in doubles:
        there, here = f"{NETWORK}double_blocks.{block}", f"transformer_blocks.{block}"
        yield from _renamed(there, here, _DOUBLE, "weight")
        yield from _renamed(there, here, _DOUBLE_NORMS, "scale")
        for fused, parts in _FUSED.items():
            for index, part in enumerate(parts):
                yield f"{here}.{part}", Target(f"{there}.{fused}.weight", (index * WIDTH, WIDTH))
    for block in singles:
        there, here = f"{NETWORK}single_blocks.{block}", f"single_transformer_blocks.{block}"
        yield from _renamed(there, here, _SINGLE, "weight")
        yield from _renamed(there, here, _SINGLE_NORMS, "scale")
        for index, part in enumerate(_FUSED["img_attn.qkv"]):
            yield f"{here}.{part}", Target(f"{there}.linear1.weight", (index * WIDTH, WIDTH))
        yield f"{here}.proj_mlp", Target(f"{there}.linear1.weight", (3 * WIDTH, _PERCEPTRON))


def _renamed(there: str, here: str, names: dict[str, str], leaf: str) -> Iterator[tuple[str, Target]]:
    for original, name in names.items():
        yield f"{here}.{name}", Target(f"{there}.{original}.{leaf}")
