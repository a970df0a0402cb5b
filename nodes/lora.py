"""Nodes that put a LoRA on a model and its text encoders."""

from typing import Annotated, NamedTuple

from engine.api import Choice, Clip, Model, Number, deferred, node
from engine.weights import folders

with deferred():
    from engine.diffusion import lora
    from engine.weights import lora as lora_files
    from engine.weights import shelf

LoraName = Annotated[str, Choice(folders.listing("loras"))]
Strength = Annotated[float, Number(-100.0, 100.0, step=0.01)]


class Patched(NamedTuple):
    model: Model
    clip: Clip | None


@node("loaders", id="LoraLoader", title="Load LoRA")
def lora_loader(
    model: Model,
    clip: Clip,  # None where a checkpoint has no text encoder, which is fine here
    lora_name: LoraName,
    strength_model: Strength = 1.0,
    strength_clip: Strength = 1.0,
) -> Patched:
    """Add a LoRA to a model and its text encoders, each at a strength of its own; a negative one takes it away."""
    return Patched(*_added(model, clip, lora_name, strength_model, strength_clip))


@node("loaders", id="LoraLoaderModelOnly", title="LoraLoaderModelOnly")
def lora_loader_model_only(model: Model, lora_name: LoraName, strength_model: Strength = 1.0) -> Model:
    """Add a LoRA to a model and leave its text encoders as they are."""
    changed, _ = _added(model, None, lora_name, strength_model, 0.0)
    return changed


def _added(
    model: Model, clip: Clip | None, name: str, strength_model: float, strength_clip: float
) -> tuple[Model, Clip | None]:
    if strength_model == 0 and strength_clip == 0:
        return model, clip
    path = folders.current().require("loras", name)
    file = shelf.current().get(lambda: lora_files.read_lora(path), (path,), "lora")
    return lora.add_lora(model, clip, file, strength_model, strength_clip)
