"""What kind of model a LoRA file was made for, as far as its names and shapes tell; for messages only."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from engine.weights.deltas import Delta, LowRank, Redirected, Scaled
from engine.weights.lora import Lora


class _Telltale(NamedTuple):
    words: str
    name: re.Pattern[str]


# Looked for in the names of modules, in this order.
_NAMES = (
    _Telltale("Flux", re.compile(r"double_blocks[._]|single_(transformer_)?blocks[._]")),
    _Telltale("Stable Diffusion 3", re.compile(r"joint_blocks[._]|(^|[._])transformer_blocks[._]\d+[._]attn[._]add_q")),
    _Telltale("Wan", re.compile(r"(^|[._])blocks[._]\d+[._]self_attn[._]")),
    _Telltale("SDXL", re.compile(r"lora_te2_|text_encoder_2\.")),
)
_TEXT_WIDTHS = {768: "SD 1.x", 1024: "SD 2.x", 1280: "the SDXL refiner", 2048: "SDXL"}
_READS_TEXT = re.compile(r".+[._]attn2[._](processor\.)?to_[kv]")


def made_for(lora: Lora) -> str | None:
    """The kind of model in words; None where nothing tells."""
    for telltale in _NAMES:
        if any(telltale.name.search(name) for name in lora.modules):
            return telltale.words
    return next((_TEXT_WIDTHS[width] for width in _text_widths(lora) if width in _TEXT_WIDTHS), None)


def is_of_text(name: str) -> bool:
    """Whether a module's name is one of a text encoder."""
    return name.startswith(("lora_te", "text_encoder"))


def _text_widths(lora: Lora) -> Iterator[int]:
    """How wide the text is that the file's cross-attention reads."""
    for name, changes in lora.modules.items():
        if _READS_TEXT.fullmatch(name):
            yield from (width for delta in changes.weight if (width := _columns(delta)) is not None)


def _columns(delta: Delta) -> int | None:
    match delta:
        case Scaled(LowRank(down=down)) | Redirected(Scaled(LowRank(down=down))):
            return down.shape[1]
        case _:
            return None
