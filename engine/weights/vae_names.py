"""Names of autoencoder tensors: those of the original single files (LDM) for those of diffusers' AutoencoderKL.

LDM numbers the levels of the decoder from the finest one, diffusers in the order in which they run.
"""

import re
from collections.abc import Iterable

_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
_OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
_BLOCK = re.compile(
    r"(encoder\.down|decoder\.up)_blocks\.(\d{1,4})\.(resnets|downsamplers|upsamplers)\.(\d{1,4})\.(.+)"
)
_MIDDLE = re.compile(r"(encoder|decoder)\.mid_block\.(resnets|attentions)\.(\d{1,4})\.(.+)")


def ldm_names(names: Iterable[str]) -> dict[str, str]:
    """For each tensor of a diffusers autoencoder its name in the original layout; others keep their names."""
    known = list(names)
    levels = {int(found[2]) for name in known if (found := _BLOCK.fullmatch(name)) and found[1] == "decoder.up"}
    return {name: _ldm_name(name, max(levels, default=0)) for name in known}


def is_diffusers_vae(names: Iterable[str]) -> bool:
    """Whether these are names of an autoencoder as diffusers spells them."""
    return "decoder.mid_block.resnets.0.norm1.weight" in set(names)


def is_attention_matrix(name: str) -> bool:
    """Whether a tensor in the original layout is a matrix of the attention, kept there as a 1 x 1 convolution."""
    return ".mid.attn_1." in name and ".norm." not in name and name.endswith(".weight")


def _ldm_name(name: str, last_level: int) -> str:
    if found := _BLOCK.fullmatch(name):
        side, kind, rest = found[1], found[3], found[5]
        level = int(found[2]) if side == "encoder.down" else last_level - int(found[2])
        if kind == "resnets":
            return f"{side}.{level}.block.{found[4]}.{rest.replace('conv_shortcut', 'nin_shortcut')}"
        return f"{side}.{level}.{kind.removesuffix('rs')}.{rest}"
    if found := _MIDDLE.fullmatch(name):
        part, index, rest = found[1], int(found[3]), found[4]
        if found[2] == "resnets":
            return f"{part}.mid.block_{index + 1}.{rest.replace('conv_shortcut', 'nin_shortcut')}"
        stem, _, leaf = rest.rpartition(".")
        stem = _OLD_ATTENTION.get(stem, stem)
        return f"{part}.mid.attn_1.{_ATTENTION.get(stem, stem)}.{leaf}"
    return name.replace("conv_norm_out", "norm_out")
