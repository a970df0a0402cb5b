"""Nodes that combine conditionings and say where, when and how strongly they count."""

from typing import Annotated, Literal

from engine.api import MAX_RESOLUTION, Conditioning, Mask, Number, deferred, node

with deferred():
    from engine.diffusion import conditioning as conditionings

Side = Annotated[int, Number(64, MAX_RESOLUTION, step=8)]
Offset = Annotated[int, Number(0, MAX_RESOLUTION, step=8)]
Share = Annotated[float, Number(0, 1.0, step=0.01)]
Strength = Annotated[float, Number(0.0, 10.0, step=0.01)]
Percent = Annotated[float, Number(0.0, 1.0, step=0.001)]


@node("conditioning", id="ConditioningCombine", title="Conditioning (Combine)")
def conditioning_combine(conditioning_1: Conditioning, conditioning_2: Conditioning) -> Conditioning:
    """Follow two prompts at once: their predictions are averaged."""
    return conditionings.combine(conditioning_1, conditioning_2)


@node("conditioning", id="ConditioningConcat", title="Conditioning (Concat)")
def conditioning_concat(conditioning_to: Conditioning, conditioning_from: Conditioning) -> Conditioning:
    """Append the words of one prompt to those of another."""
    return conditionings.concat(conditioning_to, conditioning_from)


@node("conditioning", id="ConditioningAverage", title="ConditioningAverage")
def conditioning_average(
    conditioning_to: Conditioning,
    conditioning_from: Conditioning,
    conditioning_to_strength: Annotated[float, Number(0.0, 1.0, step=0.01)] = 1.0,
) -> Conditioning:
    """Mix two encoded prompts: strength 1 is the first, 0 the second."""
    return conditionings.average(conditioning_to, conditioning_from, conditioning_to_strength)


@node("conditioning", id="ConditioningSetArea", title="Conditioning (Set Area)")
def conditioning_set_area(
    conditioning: Conditioning,
    width: Side = 64,
    height: Side = 64,
    x: Offset = 0,
    y: Offset = 0,
    strength: Strength = 1.0,
) -> Conditioning:
    """Let a prompt count in a rectangle only, given in pixels."""
    area = (height // 8, width // 8, y // 8, x // 8)
    return conditionings.with_settings(conditioning, area=area, strength=strength, set_area_to_bounds=False)


@node("conditioning", id="ConditioningSetAreaPercentage", title="Conditioning (Set Area with Percentage)")
def conditioning_set_area_percentage(
    conditioning: Conditioning,
    width: Share = 1.0,
    height: Share = 1.0,
    x: Share = 0,
    y: Share = 0,
    strength: Strength = 1.0,
) -> Conditioning:
    """Let a prompt count in a rectangle only, given in shares of the image."""
    area = ("percentage", height, width, y, x)
    return conditionings.with_settings(conditioning, area=area, strength=strength, set_area_to_bounds=False)


@node("conditioning", id="ConditioningSetAreaStrength", title="ConditioningSetAreaStrength")
def conditioning_set_area_strength(conditioning: Conditioning, strength: Strength = 1.0) -> Conditioning:
    """Say how much a prompt counts beside others."""
    return conditionings.with_settings(conditioning, strength=strength)


@node("conditioning", id="ConditioningSetMask", title="Conditioning (Set Mask)")
def conditioning_set_mask(
    conditioning: Conditioning,
    mask: Mask,
    strength: Strength = 1.0,
    *,
    set_cond_area: Literal["default", "mask bounds"],
) -> Conditioning:
    """Let a prompt count where a mask is; with "mask bounds" the model is shown only the box around it."""
    return conditionings.with_settings(
        conditioning,
        mask=mask if mask.ndim > 2 else mask[None],
        mask_strength=strength,
        set_area_to_bounds=set_cond_area == "mask bounds",
    )


@node("advanced/conditioning", id="ConditioningSetTimestepRange", title="ConditioningSetTimestepRange")
def conditioning_set_timestep_range(
    conditioning: Conditioning, start: Percent = 0.0, end: Percent = 1.0
) -> Conditioning:
    """Let a prompt count during a part of the sampling only."""
    return conditionings.with_settings(conditioning, start_percent=start, end_percent=end)


@node("advanced/conditioning", id="ConditioningZeroOut", title="ConditioningZeroOut")
def conditioning_zero_out(conditioning: Conditioning) -> Conditioning:
    """Set all that a prompt says to zero."""
    return conditionings.zero_out(conditioning)
