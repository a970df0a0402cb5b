"""A node that spares the deep blocks of a UNet in most of its calls."""

from dataclasses import replace
from typing import Annotated, Literal

from engine.api import Model, Number, deferred, node

with deferred():
    from engine.diffusion import deep_cache as deep_caches

Share = Annotated[float, Number(0.0, 1.0, step=0.01)]


@node("model_patches/unet", id="DeepCache", title="DeepCache")
def deep_cache(
    model: Model,
    cache_interval: Annotated[int, Number(1, 1000)] = 3,
    quality: Literal["fast", "balanced", "high"] = "balanced",
    cache_depth: Annotated[int, Number(0, 32)] = 0,
    start_percent: Share = 0.0,
    end_percent: Share = 1.0,
) -> Model:
    """Compute a UNet's deep blocks once in so many calls, and reuse what they said: faster, and a little different.

    The quality says how much is computed in every call: one block, a level, or two; cache_depth counts blocks instead.
    """
    if start_percent > end_percent:
        msg = f"DeepCache from {start_percent} to {end_percent} of the way: start_percent should not be above"
        raise ValueError(f"{msg} end_percent")
    if cache_interval == 1:
        return model
    setting = deep_caches.deep_cache(model, cache_interval, quality, cache_depth, start_percent, end_percent)
    return replace(model, hooks=replace(model.hooks, deep=setting))
