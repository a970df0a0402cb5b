"""Where text encoders stand in files, and which ones a file of their own holds."""

import re
from collections.abc import Mapping

from engine.device.place import Placement
from engine.diffusion.text.clip import Clip
from engine.diffusion.text.towers import clip_from_tensors
from engine.weights.read import BadFile, Tensors

# Family -> layout of encoders, and for each encoder the prefixes under which files keep it, usual ones first.
_NEWER = "text_encoders.clip_{}.transformer."
_SD2 = ("sd2", {"h": ("cond_stage_model.model.", "conditioner.embedders.0.model.", _NEWER.format("h"))})
PLACES: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "sd15": ("sd1", {"l": ("cond_stage_model.transformer.", _NEWER.format("l"))}),
    "sd2": _SD2,
    "unclip": _SD2,
    "upscaler": _SD2,
    "sdxl": (
        "sdxl",
        {
            "l": ("conditioner.embedders.0.transformer.", _NEWER.format("l")),
            "g": ("conditioner.embedders.1.model.", _NEWER.format("g")),
        },
    ),
    "refiner": ("refiner", {"g": ("conditioner.embedders.0.model.", _NEWER.format("g"))}),
}

_ALONE = {"l": "sd1", "h": "sd2", "g": "refiner"}  # the layout of an encoder that comes by itself
_DIFFUSERS_H_LAYERS = 23  # diffusers' folders of SD 2.x leave the last layer out, which is not used
_LAYER = re.compile(r"(?:.*\.)?(?:encoder\.layers|transformer\.resblocks)\.(\d{1,4})\.(?:mlp|ln_1)\..+")


def clip_of_checkpoint(tensors: Tensors, family: str, placement: Placement) -> Clip | None:
    """The text encoders of a checkpoint; None where it does not hold all that the family has. Raises BadFile."""
    layout, places = PLACES[family]
    found = {tower: _first(tensors, prefixes) for tower, prefixes in places.items()}
    towers = {tower: tensors.under(prefix) for tower, prefix in found.items() if prefix is not None}
    return _built(layout, towers, placement) if len(towers) == len(places) else None


def clip_of_files(files: list[Tensors], placement: Placement) -> Clip:
    """The text encoders in files of their own: one of SD or the refiner, or SDXL's two in any order. Raises BadFile."""
    towers: dict[str, Tensors] = {}
    for tensors in files:
        whole = _without_prefix(tensors)
        tower = tower_of(whole)
        if tower in towers:
            wrong = f"is a CLIP-{tower.upper()} encoder as {towers[tower].path.name} is; SDXL wants one L and one G"
            raise BadFile(tensors.path, wrong)
        towers[tower] = whole
    if len(towers) == 1:
        (tower,) = towers
        clip = _built(_ALONE[tower], towers, placement)
        stops_early = tower == "h" and depth_of(towers[tower]) == _DIFFUSERS_H_LAYERS
        return clip.with_layer(-1) if stops_early else clip
    if set(towers) != {"l", "g"}:
        last = files[-1]
        raise BadFile(last.path, f"makes a pair of {' and '.join(sorted(towers))}; SDXL wants one L and one G encoder")
    return _built("sdxl", towers, placement)


def depth_of(tensors: Tensors) -> int:
    """The number of transformer layers of a text encoder; 0 where these are none."""
    found = (_LAYER.fullmatch(name) for name in tensors)
    return max((int(match[1]) + 1 for match in found if match), default=0)


def tower_of(tensors: Tensors) -> str:
    """Which encoder a file of its own holds: `l`, `h` or `g`, told from its depth. Raises BadFile."""
    if any(name.startswith("encoder.block.") for name in tensors):
        raise BadFile(tensors.path, "is a T5 text encoder; only CLIP encoders (L, H, G) can be loaded today")
    depth = depth_of(tensors)
    if depth == 0:
        raise BadFile(tensors.path, "holds no CLIP text encoder")
    return "g" if depth > 30 else "h" if depth > 22 else "l"


def _first(tensors: Tensors, prefixes: tuple[str, ...]) -> str | None:
    return next((prefix for prefix in prefixes if any(name.startswith(prefix) for name in tensors)), None)


def _without_prefix(tensors: Tensors) -> Tensors:
    """A stand-alone encoder, also where it keeps the prefix it had in a checkpoint."""
    every = tuple(prefix for _, places in PLACES.values() for prefixes in places.values() for prefix in prefixes)
    prefix = _first(tensors, every)
    return tensors if prefix is None else tensors.under(prefix)


def _built(layout: str, towers: Mapping[str, Tensors], placement: Placement) -> Clip:
    try:
        return clip_from_tensors(layout, towers, placement)
    except ValueError as error:
        path = next(iter(towers.values())).path
        raise BadFile(path, f"its text encoder cannot be built: {error}") from None
