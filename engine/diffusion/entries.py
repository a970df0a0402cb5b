"""A conditioning list resolved against one latent: where, when and how strongly each entry counts.

The prediction of a list is the mean of its active entries' predictions, weighted element by element. An entry with an
area is predicted on a crop of the latent and counts there only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from engine.diffusion.conditioning import TOKEN_BIAS, Conditioning, token_bias
from engine.diffusion.gligen import GLIGEN, empty_boxes, grounded
from engine.diffusion.model import Predictor

FEATHER = 8  # cells over which an area without a mask fades in, where it does not touch the border
LEAST_BOUNDS = 8  # cells that the bounding box of a mask has at least along each side

PLACEMENT = (
    "area",
    "strength",
    "mask",
    "mask_strength",
    "set_area_to_bounds",
    "start_percent",
    "end_percent",
    "control",
)
"""The settings that say where and when an entry counts; the others say what it says."""


@dataclass(frozen=True)
class Area:
    """A rectangle of latent cells."""

    height: int
    width: int
    y: int
    x: int

    @property
    def size(self) -> int:
        return self.height * self.width

    def contains(self, other: "Area") -> bool:
        return (
            self.y <= other.y
            and self.x <= other.x
            and other.y + other.height <= self.y + self.height
            and other.x + other.width <= self.x + self.width
        )

    def crop(self, tensor: Tensor) -> Tensor:
        """This part of (…, H, W)."""
        return tensor[..., self.y : self.y + self.height, self.x : self.x + self.width]


@dataclass(frozen=True, eq=False)
class Entry:
    """One entry, ready to be predicted: tokens (b, T, dim), and its weight (1 or B, 1, …, h, w) over its area.

    `start` and `end` are levels of noise: it is active from `start` down to `end`, both included.
    """

    tokens: Tensor
    weight: Tensor
    area: Area | None
    start: float | None
    end: float | None
    extras: Mapping[str, Tensor]
    control: Any

    def is_active(self, sigma: float) -> bool:
        if self.start is not None and sigma > self.start:
            return False
        return self.end is None or sigma >= self.end

    def crop(self, latent: Tensor) -> Tensor:
        return latent if self.area is None else self.area.crop(latent)


@dataclass(frozen=True, eq=False)
class _Placed:
    """An entry whose area and mask are those of the latent, before its weight is known."""

    tokens: Tensor
    settings: Mapping[str, Any]
    area: Area | None
    mask: Tensor | None  # (B, H, W)


def resolve(
    lists: Mapping[str, Conditioning], model: Predictor, latent: Tensor, noise_mask: Tensor | None, seed: int = 0
) -> dict[str, tuple[Entry, ...]]:
    """The lists of one guider, entry by entry, for the processed initial latent (B, C, …, H, W).

    Where one list has an entry for an area, the others are given their own text for that area. A list called
    "negative" is told to the model's family as such, and so is any entry with a `prompt_type` of "negative".
    """
    placed = {name: [_place(entry, latent) for entry in each] for name, each in lists.items()}
    matched = _with_empty_boxes(_with_lent_controls(_match_areas(placed)))
    return {
        name: tuple(_finish(each, name, model, latent, noise_mask, seed) for each in matched[name]) for name in lists
    }


def _place(entry: Any, latent: Tensor) -> _Placed:
    try:
        tokens, settings = entry
    except (TypeError, ValueError):
        raise ValueError(f"a conditioning entry is [tokens, settings], not {type(entry).__name__}") from None
    if not isinstance(tokens, Tensor) or tokens.ndim != 3:
        got = tuple(tokens.shape) if isinstance(tokens, Tensor) else type(tokens).__name__
        raise ValueError(f"the tokens of a conditioning entry should be a tensor (batch, tokens, dim), not {got}")
    mask = settings.get("mask")
    if mask is not None:
        mask = _mask_over(mask, latent)
    area = _area(settings.get("area"), latent)
    if mask is not None and settings.get("set_area_to_bounds"):
        area = _bounds(mask)
    return _Placed(tokens, settings, area, mask)


def _area(raw: Any, latent: Tensor) -> Area | None:
    """An area setting in latent cells: (height, width, y, x), or ("percentage", …) of them in shares of the latent."""
    if raw is None:
        return None
    height, width = latent.shape[-2:]
    shares = raw[0] == "percentage"
    numbers = raw[1:] if shares else raw
    if len(numbers) != 4:
        raise ValueError(f"the area {raw!r} has {len(numbers)} numbers; images take height, width, y and x")
    if not shares:
        return Area(*(int(number) for number in numbers))
    tall, wide, y, x = numbers
    return Area(max(1, round(tall * height)), max(1, round(wide * width)), round(y * height), round(x * width))


def _mask_over(mask: Tensor, latent: Tensor) -> Tensor:
    """A mask of any resolution over the whole latent: (B', H, W)."""
    height, width = latent.shape[-2:]
    planes = mask.to(latent.device, torch.float32).reshape(-1, 1, *mask.shape[-2:])
    if planes.shape[-2:] != (height, width):
        planes = functional.interpolate(planes, size=(height, width), mode="bilinear", align_corners=False)
    return planes[:, 0]


def _bounds(mask: Tensor) -> Area:
    """The box around all that a mask (B, H, W) marks in any of its images."""
    marked = mask.amax(dim=0) > 0
    rows, columns = marked.any(dim=1).nonzero(), marked.any(dim=0).nonzero()
    if not len(rows):
        return Area(LEAST_BOUNDS, LEAST_BOUNDS, 0, 0)
    (top, bottom), (left, right) = (
        (int(rows[0]), int(rows[-1]) + 1),
        (int(columns[0]), int(columns[-1]) + 1),
    )
    return Area(max(LEAST_BOUNDS, bottom - top), max(LEAST_BOUNDS, right - left), top, left)


def _match_areas(placed: Mapping[str, list[_Placed]]) -> dict[str, list[_Placed]]:
    """Give each list an entry for every area that another one has, with the text of its own best match."""
    matched = {name: list(entries) for name, entries in placed.items()}
    for name, entries in placed.items():
        for entry in entries:
            for other in (each for each in matched if each != name):
                copy = _counterpart(entry, matched[other])
                if copy is not None:
                    matched[other].append(copy)
    return matched


def _counterpart(entry: _Placed, candidates: list[_Placed]) -> _Placed | None:
    """What a list lacks for this entry's area: the entry's placement with the text of the list's best match."""
    if entry.area is None:
        return None
    best: _Placed | None = None
    for each in candidates:
        if each.area is None:
            best = best or each
        elif each.area.contains(entry.area) and (best is None or best.area is None or each.area.size < best.area.size):
            best = each
    if best is None or best.area == entry.area:
        return None
    said = {key: value for key, value in best.settings.items() if key not in PLACEMENT}
    where = {key: entry.settings[key] for key in PLACEMENT if key in entry.settings}
    return replace(entry, tokens=best.tokens, settings=said | where)


def _with_lent_controls(placed: Mapping[str, list[_Placed]]) -> Mapping[str, list[_Placed]]:
    """Give negative entries for the whole latent the controls of marked entries, in turn, where none of them has one.

    The mark is the setting `control_apply_to_uncond`.
    """
    entries = placed.get("negative", [])
    whole = [index for index, entry in enumerate(entries) if entry.area is None]
    lent = [
        entry.settings["control"]
        for name, others in placed.items()
        if name != "negative"
        for entry in others
        if entry.area is None and entry.settings.get("control_apply_to_uncond") and entry.settings.get("control")
    ]
    if not lent or not whole or any(entries[index].settings.get("control") is not None for index in whole):
        return placed
    kept = list(entries)
    for turn, control in enumerate(lent):
        index = whole[turn % len(whole)]
        kept[index] = replace(entries[index], settings={**entries[index].settings, "control": control})
    return {**placed, "negative": kept}


def _with_empty_boxes(placed: Mapping[str, list[_Placed]]) -> Mapping[str, list[_Placed]]:
    """Give lists without boxes empty ones where another list has some."""
    boxes = {name: [each.settings.get(GLIGEN) for each in entries] for name, entries in placed.items()}
    given = next((setting for settings in boxes.values() for setting in settings if setting is not None), None)
    if given is None:
        return placed
    empty = {GLIGEN: empty_boxes(given)}
    return {
        name: entries
        if any(setting is not None for setting in boxes[name])
        else [replace(each, settings={**each.settings, **empty}) for each in entries]
        for name, entries in placed.items()
    }


def _finish(
    placed: _Placed, name: str, model: Predictor, latent: Tensor, noise_mask: Tensor | None, seed: int
) -> Entry:
    settings = placed.settings
    area = placed.area and _clamped(placed.area, latent)
    role = settings.get("prompt_type") or ("negative" if name == "negative" else "positive")
    extras = model.extras({**settings, "role": role, "seed": seed}, latent, noise_mask)
    if settings.get(TOKEN_BIAS) is not None:
        extras = {**extras, "bias": token_bias(placed.tokens, settings)}
    start, end = settings.get("start_percent"), settings.get("end_percent")
    return Entry(
        tokens=placed.tokens.to(latent.device),
        weight=_weight(placed, area, latent),
        area=area,
        start=None if start is None else model.levels.at_percent(start),
        end=None if end is None else model.levels.at_percent(end),
        extras={key: _cropped(value.to(latent.device), area, latent) for key, value in extras.items()},
        control=grounded(settings.get(GLIGEN), settings.get("control")),
    )


def _clamped(area: Area, latent: Tensor) -> Area:
    height, width = latent.shape[-2:]
    inside = Area(min(area.height, height - area.y), min(area.width, width - area.x), area.y, area.x)
    if min(inside.height, inside.width) < 1 or min(area.y, area.x) < 0:
        raise ValueError(
            f"an area of {area.width} x {area.height} cells at ({area.x}, {area.y}) lies outside the latent of"
            f" {width} x {height} cells (8 pixels each); it should begin inside the image"
        )
    return inside


def _cropped(value: Tensor, area: Area | None, latent: Tensor) -> Tensor:
    is_spatial = value.ndim == latent.ndim and value.shape[-2:] == latent.shape[-2:]
    return area.crop(value) if area is not None and is_spatial else value


def _weight(placed: _Placed, area: Area | None, latent: Tensor) -> Tensor:
    """mask * mask_strength * strength over the area, faded in at its edges if it has no mask."""
    settings = placed.settings
    height, width = latent.shape[-2:]
    strength = float(settings.get("strength", 1.0))
    if placed.mask is not None:
        images = torch.arange(latent.shape[0], device=latent.device) % placed.mask.shape[0]
        weight = placed.mask[images] * float(settings.get("mask_strength", 1.0)) * strength
        weight = weight if area is None else area.crop(weight)
    else:
        shape = (height, width) if area is None else (area.height, area.width)
        weight = torch.full((1, *shape), strength, device=latent.device)
        if area is not None:
            weight = weight * _feather(area.height, area.y, height, latent.device)[:, None]
            weight = weight * _feather(area.width, area.x, width, latent.device)
    return weight.reshape(weight.shape[0], *[1] * (latent.ndim - 3), *weight.shape[-2:])


def _feather(extent: int, start: int, full: int, device: torch.device) -> Tensor:
    """Linear ramps at those ends of an area's side that do not touch the latent's border: (extent,)."""
    ramp = torch.ones(extent, device=device)
    reach = min(FEATHER, extent // 4)
    rise = torch.arange(1, reach + 1, device=device) / max(reach, 1)
    if start > 0:
        ramp[:reach] *= rise
    if start + extent < full:
        ramp[extent - reach :] *= rise.flip(0)
    return ramp
