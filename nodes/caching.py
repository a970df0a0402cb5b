"""Nodes that spare calls of the model where its answer would hardly differ from an earlier one."""

from dataclasses import replace
from typing import Annotated

from engine.api import Model, Number, deferred, node

with deferred():
    from engine.diffusion import model as models

Threshold = Annotated[float, Number(0.0, 3.0, step=0.01)]
Share = Annotated[float, Number(0.0, 1.0, step=0.01)]


@node("advanced/debug/model", id="EasyCache", title="EasyCache", experimental=True)
def easy_cache(
    model: Model,
    reuse_threshold: Threshold = 0.2,
    start_percent: Share = 0.15,
    end_percent: Share = 0.95,
    verbose: bool = False,
) -> Model:
    """Go on from the model's last answer until this share of it would have changed: faster, and a little different."""
    return _reusing(model, models.Reuse("EasyCache", reuse_threshold, start_percent, end_percent, verbose))


@node("advanced/debug/model", id="LazyCache", title="LazyCache", experimental=True)
def lazy_cache(
    model: Model,
    reuse_threshold: Threshold = 0.2,
    start_percent: Share = 0.15,
    end_percent: Share = 0.95,
    verbose: bool = False,
) -> Model:
    """The same as EasyCache, which works on any kind of model here, for workflows that name this one."""
    return _reusing(model, models.Reuse("LazyCache", reuse_threshold, start_percent, end_percent, verbose))


def _reusing(model: Model, reuse: "models.Reuse") -> Model:
    if reuse.start > reuse.end:
        msg = (
            f"{reuse.name} from {reuse.start} to {reuse.end} of the way: start_percent should not be above end_percent"
        )
        raise ValueError(msg)
    return replace(model, hooks=replace(model.hooks, reuse=reuse))
