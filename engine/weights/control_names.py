"""Names of ControlNet tensors: those of the original single files for those of diffusers, and what other files are.

The original layout is that of a UNet's encoder and middle, with `zero_convs` at each skip, `middle_block_out` behind
the middle and `input_hint_block` for the hint (Zhang et al. 2023), bare or after `control_model.`. Unions of kinds
of hints have parts more, which have one name only.
"""

import re
from collections.abc import Iterable, Mapping

from engine.weights import unet_names
from engine.weights.foreign import Shapes, Telltale
from engine.weights.read import BadFile, Tensors

PREFIX = "control_model."
HINT = "input_hint_block.0.weight"

_DIFFUSERS_HINT = "controlnet_cond_embedding.conv_in.weight"
_JOIN = re.compile(r"controlnet_down_blocks\.(\d{1,4})\.(\w+)")
_HINT_BLOCK = re.compile(r"controlnet_cond_embedding\.blocks\.(\d{1,4})\.(\w+)")
_STEMS = {
    "controlnet_mid_block.": "middle_block_out.0.",
    "controlnet_cond_embedding.conv_in.": "input_hint_block.0.",
    "controlnet_cond_embedding.conv_out.": "input_hint_block.14.",
}

_UNION = ("task_embedding", "transformer_layes.", "spatial_ch_projs.", "control_add_embedding.")

DIFFERENCE = "difference"  # marks files whose weights are what has to be added to a UNet's

LORA = "lora_controlnet"  # marks files whose weights are changes of those of the model that is steered

_OWN = ("input_hint_block.", "zero_convs.", "middle_block_out.")  # what a UNet does not have
_FOREIGN = (
    Telltale("a T2I style adapter, which cannot be loaded today", "style_embedding"),
    Telltale("a ControlNet for Flux or SD 3, which cannot be loaded today", "controlnet_blocks.0.weight"),
    Telltale("a LoRA: load it with a LoRA loader, on top of a model", ".lora_down.weight"),
    Telltale("a checkpoint, not a ControlNet: load it with CheckpointLoaderSimple", "out.2.weight"),
    Telltale("a diffusion model, not a ControlNet: load it with UNETLoader", "conv_norm_out.weight"),
    Telltale("a VAE, not a ControlNet: load it with VAELoader", "decoder.conv_in.weight"),
)


def control_tensors(tensors: Tensors) -> Tensors:
    """A ControlNet's tensors by their original names without prefix. Raises BadFile that says what a file is."""
    if told := _described(tensors.shapes):
        raise BadFile(tensors.path, f"is {told}")
    if PREFIX + HINT in tensors:
        return tensors.under(PREFIX)
    if HINT in tensors:
        return tensors
    if _DIFFUSERS_HINT in tensors:
        try:
            return tensors.renamed({new: old for old, new in _ldm_names(tensors).items()})
        except ValueError as error:
            raise BadFile(tensors.path, f"is not a ControlNet that can be loaded: {error}") from None
    wanted = f"wanted is one of SD 1.x, SD 2.x or SDXL with {HINT}, bare or after {PREFIX!r}, or a T2I adapter"
    raise BadFile(tensors.path, f"holds no ControlNet that is known; {wanted}")


def is_difference(tensors: Mapping[str, object]) -> bool:
    """Whether a file holds what has to be added to the weights of a UNet."""
    return any(f"{prefix}{DIFFERENCE}" in tensors for prefix in ("", PREFIX))


def is_lora(tensors: Mapping[str, object]) -> bool:
    """Whether a file holds changes of the weights of the model that is steered."""
    return any(f"{prefix}{LORA}" in tensors for prefix in ("", PREFIX))


def is_own(name: str) -> bool:
    """Whether a tensor, by its original name, is one of those that a UNet does not have."""
    return name.startswith(_OWN)


def module_names(names: Iterable[str]) -> dict[str, str]:
    """For each tensor of a `ControlNetwork` its name in the original layout, without prefix."""
    made: dict[str, str] = {}
    encoder = [name for name in names if name.startswith("encoder.")]
    originals = unet_names.ldm_names(name.removeprefix("encoder.") for name in encoder)
    for name in names:
        part, _, rest = name.partition(".")
        if part == "encoder":
            made[name] = originals[rest]
        elif part == "joins":
            index, _, leaf = rest.partition(".")
            made[name] = f"zero_convs.{index}.0.{leaf}"
        elif part == "union":
            made[name] = rest
        else:
            made[name] = f"{'input_hint_block' if part == 'hint' else 'middle_block_out.0'}.{rest}"
    return made


def _described(shapes: Shapes) -> str | None:
    if any(name.endswith((HINT, _DIFFUSERS_HINT)) for name in shapes):
        return None
    for telltale in _FOREIGN:
        if any(name.endswith(telltale.name) for name in shapes):
            return telltale.words
    return None


def _ldm_names(names: Iterable[str]) -> dict[str, str]:
    made: dict[str, str] = {}
    rest: list[str] = []
    for name in names:
        if found := _JOIN.fullmatch(name):
            made[name] = f"zero_convs.{found[1]}.0.{found[2]}"
        elif found := _HINT_BLOCK.fullmatch(name):
            made[name] = f"input_hint_block.{2 * int(found[1]) + 2}.{found[2]}"
        elif name.startswith(_UNION):
            made[name] = name
        elif stem := next((stem for stem in _STEMS if name.startswith(stem)), None):
            made[name] = _STEMS[stem] + name.removeprefix(stem)
        else:
            rest.append(name)
    return made | unet_names.ldm_names(rest)
