"""What packs find in the module `nodes`: all node classes, the built-in ones as plain objects, and a few functions."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import nodes
from engine.compat.classes import Classes
from engine.compat.legacy import plain_classes
from engine.compat.legacy.save_image import PreviewImage, SaveImage
from engine.node import context
from engine.node.kinds import MAX_RESOLUTION
from engine.node.registry import Describe, Registry

SUBCLASSED: dict[str, type] = {"SaveImage": SaveImage, "PreviewImage": PreviewImage}
LAST_STEP = 10000


def as_class(id: str, describe: Describe) -> type:
    """A built-in node as a class: those that packs subclass are classes of their own, the others are adapted."""
    return SUBCLASSED[id] if id in SUBCLASSED else plain_classes.as_class(id, describe)


def fill(registry: Registry) -> Classes:
    """Give the module `nodes` what packs look for in it, over this registry."""
    classes = Classes(registry, as_class)
    nodes.__dict__.update(
        NODE_CLASS_MAPPINGS=classes,
        NODE_DISPLAY_NAME_MAPPINGS=classes.titles,
        MAX_RESOLUTION=MAX_RESOLUTION,
        EXTENSION_WEB_DIRS={},
        LOADED_MODULE_DIRS={},
        interrupt_processing=interrupt_processing,
        before_node_execution=before_node_execution,
        common_ksampler=common_ksampler,
        __getattr__=finder(nodes, classes),
    )
    return classes


def finder(module: ModuleType, classes: Classes) -> Callable[[str], Any]:
    """The `__getattr__` of a module whose further names are the ids of node types."""

    def find(name: str) -> Any:
        if name in classes:
            return classes[name]
        msg = f"module {module.__name__!r} has no attribute {name!r}: no node type has that name"
        raise AttributeError(msg)

    return find


def interrupt_processing(value: bool = True) -> None:
    """Have the run stop at its next look, or take that back."""
    from engine.compat.legacy import model_management

    model_management.interrupt_current_processing(value)


def before_node_execution() -> None:
    """Raise if the run is to stop."""
    context.stop_if_cancelled()


def common_ksampler(
    model: Any,
    seed: int,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Any,
    negative: Any,
    latent: dict[str, Any],
    denoise: float = 1.0,
    disable_noise: bool = False,
    start_step: int | None = None,
    last_step: int | None = None,
    force_full_denoise: bool = False,
) -> tuple[dict[str, Any]]:
    """Sample a latent. A `denoise` below 1 goes with the whole schedule only: it shortens the schedule by itself.

    Raises ValueError where it is combined with a start, an end, or without noise.
    """
    classes: Classes = nodes.__dict__["NODE_CLASS_MAPPINGS"]
    shared = {"model": model, "steps": steps, "cfg": cfg, "sampler_name": sampler_name, "scheduler": scheduler}
    shared |= {"positive": positive, "negative": negative, "latent_image": latent}
    is_whole = not disable_noise and start_step is None and last_step is None
    if is_whole:
        return _sampled(classes["KSampler"], seed=seed, denoise=denoise, **shared)
    if denoise < 1:
        msg = f"denoise {denoise} cannot be combined with start_step, last_step or disable_noise: give one or the other"
        raise ValueError(msg)
    return _sampled(
        classes["KSamplerAdvanced"],
        add_noise="disable" if disable_noise else "enable",
        noise_seed=seed,
        start_at_step=start_step or 0,
        end_at_step=LAST_STEP if last_step is None else last_step,
        return_with_leftover_noise="disable" if force_full_denoise else "enable",
        **shared,
    )


def _sampled(cls: Any, **inputs: Any) -> tuple[dict[str, Any]]:
    return getattr(cls(), cls.FUNCTION)(**inputs)
