"""What LoRA files call the modules of UNets and of text encoders, and which weight each name means.

Weights are named as the original single files name them, `diffusion_model.…` and `clip_l.transformer.…`. A map may hold
names of parts that a network of this kind can have and this one lacks: files that carry them belong to it all the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from engine.weights import unet_names
from engine.weights.patch import Target

Targets = dict[str, Target]

NETWORK = "diffusion_model."
ENCODER = "{}.transformer."

_LEAF = ".weight"
_RESIDUAL = re.compile(r"(.+\.resnets\.\d+)\.conv1\.weight")
_LEVEL = re.compile(r"(down|up)_blocks\.(\d+)\..+")
_EMBEDDINGS = tuple(f"{kind}_embedding.linear_{n}.weight" for kind in ("add", "class") for n in (1, 2))
_TEXT_MODULE = re.compile(r"text_model\.encoder\.layers\.\d+\.(mlp\.fc[12]|self_attn\.(q|k|v|out)_proj)\.weight")
_PROJECTION = "text_projection.weight"


def original_targets(names: Iterable[str]) -> Targets:
    """Targets by names made of those of the original layout, given without prefix."""
    targets: Targets = {}
    for name in names:
        target = Target(NETWORK + name)
        targets[NETWORK + name.removesuffix(_LEAF)] = target
        if name.endswith(_LEAF):
            targets[f"lora_unet_{_underscored(name)}"] = target
    return targets


def unet_targets(names: Iterable[str]) -> Targets:
    """Targets in a UNet of the Stable Diffusion kind; `names` are those of its tensors as diffusers has them."""
    there = list(names)
    targets = original_targets(unet_names.ldm_names(there).values())
    possible = dict.fromkeys([*there, *_optional(there)])
    for name, original in unet_names.ldm_names(possible).items():
        if name.endswith(_LEAF):
            target = Target(NETWORK + original)
            processor = re.sub(r"\.to_out\.0$", ".to_out", name.removesuffix(_LEAF)).replace(".to_", ".processor.to_")
            for alias in (*(kind + _underscored(name) for kind in ("lora_unet_", "lycoris_")), f"unet.{processor}"):
                targets[alias] = target
            targets[processor] = target
    return targets


def _optional(names: list[str]) -> Iterator[str]:
    """Parts that some UNets have: shortcuts around residual blocks, resampling of a level, vectors beside the text."""
    for name in names:
        if found := _RESIDUAL.fullmatch(name):
            yield f"{found[1]}.conv_shortcut.weight"
        if found := _LEVEL.fullmatch(name):
            yield f"{found[1]}_blocks.{found[2]}.{found[1]}samplers.0.conv.weight"
    yield from _EMBEDDINGS


def text_targets(encoders: Mapping[str, Iterable[str]]) -> Targets:
    """Targets in a model's text encoders.

    `encoders` holds for each of `clip_l`, `clip_h`, `clip_g` and `t5xxl` that is there the names of its tensors.
    """
    targets: Targets = {}
    for encoder, names in encoders.items():
        for name in names:
            if name.endswith(_LEAF):
                full = ENCODER.format(encoder) + name
                aliases = _text_aliases(encoder, name, encoders)
                targets |= dict.fromkeys([f"text_encoders.{full.removesuffix(_LEAF)}", *aliases], Target(full))
    return targets


def _text_aliases(encoder: str, name: str, encoders: Mapping[str, Iterable[str]]) -> list[str]:
    """How files of pipelines call a weight of an encoder; they number the encoders where there are several."""
    flat, dotted = _underscored(name), name.removesuffix(_LEAF)
    if encoder == "t5xxl":
        clips = len(encoders) - 1
        return [f"lora_te{number}_{flat}" for number in ((2, 3) if clips == 1 else (clips + 1,))]
    is_second = encoder == "clip_g" and "clip_l" in encoders
    if _TEXT_MODULE.fullmatch(name):
        if is_second:
            return [f"lora_te2_{flat}", f"text_encoder_2.{dotted}"]
        numbered = [] if encoder == "clip_g" else [f"lora_te1_{flat}"]
        return [*numbered, f"lora_te_{flat}", f"text_encoder.{dotted}"]
    if name == _PROJECTION and encoder == "clip_l":
        return [f"lora_te1_{flat}"]
    if name == _PROJECTION and is_second:
        return [f"lora_te2_{flat}", f"text_encoder_2.{dotted}"]
    return []


def _underscored(name: str) -> str:
    return name.removesuffix(_LEAF).replace(".", "_")
