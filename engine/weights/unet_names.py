"""Names of UNet tensors: those of the original single files (LDM) for those of diffusers' modules.

Blocks are counted differently. LDM numbers all encoder steps through, downsampling included; diffusers groups them by
level. With R residual blocks per level, level x begins at `input_blocks.{1 + (R + 1) x}` and
`output_blocks.{(R + 1) x}`.
"""

import re
from collections.abc import Iterable, Iterator

_TOP = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "class_embedding.linear_1": "label_emb.0.0",
    "class_embedding.linear_2": "label_emb.0.2",
    "class_embedding": "label_emb",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_RESIDUAL = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_BLOCK = re.compile(r"(down|up)_blocks\.(\d{1,4})\.(resnets|attentions|downsamplers|upsamplers)\.(\d{1,4})\.(.+)")
_MIDDLE = re.compile(r"mid_block\.(resnets|attentions)\.(\d{1,4})\.(.+)")


def ldm_names(names: Iterable[str]) -> dict[str, str]:
    """For each tensor of a diffusers UNet its name in the original layout. Raises ValueError for a foreign name."""
    known = list(names)
    count = _residuals_per_level(known)
    attended = {int(found[2]) for found in _blocks(known) if found[1] == "up" and found[3] == "attentions"}
    return {name: _ldm_name(name, count, attended) for name in known}


def is_diffusers_unet(names: Iterable[str]) -> bool:
    """Whether these are names of a UNet as diffusers spells them."""
    return {"conv_in.weight", "time_embedding.linear_1.weight"} <= set(names)


def _residuals_per_level(names: list[str]) -> int:
    """Residual blocks of each encoder level."""
    first = {int(found[4]) for found in _blocks(names) if found[1] == "down" and found[3] == "resnets"}
    return max(first, default=0) + 1


def _blocks(names: list[str]) -> Iterator[re.Match[str]]:
    return (found for name in names if (found := _BLOCK.fullmatch(name)))


def _ldm_name(name: str, count: int, attended: set[int]) -> str:
    if found := _BLOCK.fullmatch(name):
        side, kind, rest = found[1], found[3], found[5]
        level, index = int(found[2]), int(found[4])
        if kind == "downsamplers":
            return f"input_blocks.{(count + 1) * (level + 1)}.0.op.{rest.removeprefix('conv.')}"
        if kind == "upsamplers":
            return f"output_blocks.{(count + 1) * level + count}.{2 if level in attended else 1}.{rest}"
        step = (count + 1) * level + index
        block = f"input_blocks.{step + 1}" if side == "down" else f"output_blocks.{step}"
        return f"{block}.0.{_residual(rest)}" if kind == "resnets" else f"{block}.1.{rest}"
    if found := _MIDDLE.fullmatch(name):
        index, rest = int(found[2]), found[3]
        if found[1] == "attentions":
            return f"middle_block.{2 * index + 1}.{rest}"
        return f"middle_block.{2 * index}.{_residual(rest)}"
    stem, _, leaf = name.rpartition(".")
    if stem not in _TOP:
        msg = f"{name!r} is no tensor of a Stable Diffusion UNet"
        raise ValueError(msg)
    return f"{_TOP[stem]}.{leaf}"


def _residual(rest: str) -> str:
    part, _, leaf = rest.partition(".")
    return f"{_RESIDUAL.get(part, part)}.{leaf}"
