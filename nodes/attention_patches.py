"""Nodes that change how a model's picture attends to itself, or at what size its blocks see it."""

from dataclasses import replace
from typing import Annotated, Literal

from engine.api import Model, Number, deferred, node

with deferred():
    from engine.diffusion import deep_shrink, hypertile, token_merging
    from engine.diffusion import model as models

Method = Literal["bicubic", "nearest-exact", "bilinear", "area", "bislerp"]
Share = Annotated[float, Number(0.0, 1.0, step=0.001)]


@node("model_patches/unet", id="HyperTile")
def hyper_tile(
    model: Model,
    tile_size: Annotated[int, Number(1, 2048)] = 256,
    swap_size: Annotated[int, Number(1, 128)] = 2,
    max_depth: Annotated[int, Number(0, 10)] = 0,
    scale_depth: bool = False,
) -> Model:
    """Let large pictures attend to themselves tile by tile, which takes less time."""
    hook = hypertile.hypertile(tile_size, swap_size, max_depth, scale_depth=scale_depth)
    return replace(model, hooks=replace(model.hooks, attention=(*model.hooks.attention, hook)))


@node("model_patches/unet", id="TomePatchModel")
def tome_patch_model(model: Model, ratio: Annotated[float, Number(0.0, 1.0, step=0.01)] = 0.3) -> Model:
    """Merge this share of a picture's most similar places where a model attends to the most: it takes less time."""
    if ratio == 0:
        return model
    hook = token_merging.token_merging(ratio, token_merging.finest_depth(model))
    return replace(model, hooks=replace(model.hooks, attention=(*model.hooks.attention, hook)))


@node(
    "model_patches/unet",
    id="PatchModelAddDownscale",
    title="PatchModelAddDownscale (Kohya Deep Shrink)",
    spells_combo=True,
)
def patch_model_add_downscale(
    model: Model,
    block_number: Annotated[int, Number(1, 32, step=1)] = 3,
    downscale_factor: Annotated[float, Number(0.1, 9.0, step=0.001)] = 2.0,
    start_percent: Share = 0.0,
    end_percent: Share = 0.35,
    downscale_after_skip: bool = True,
    *,
    downscale_method: Method,
    upscale_method: Method,
) -> Model:
    """Let the inner blocks see a smaller picture at first, so that large ones keep a sound composition."""
    if downscale_factor == 1:
        return model
    hook = deep_shrink.deep_shrink(
        model, block_number, downscale_factor, downscale_method, upscale_method, after_skip=downscale_after_skip
    )
    ranged = models.Ranged(hook, start_percent, end_percent)
    return replace(model, hooks=replace(model.hooks, ranged=(*model.hooks.ranged, ranged)))
