"""Nodes that let a prompt take on the style of a picture."""

from typing import Annotated, Literal

from engine.api import Choice, ClipVisionOutput, Conditioning, Number, StyleModel, deferred, node
from engine.weights import folders

with deferred():
    from engine.device import place
    from engine.diffusion import style
    from engine.diffusion.families import style_files
    from engine.weights import shelf


@node("loaders", id="StyleModelLoader", title="Load Style Model")
def style_model_loader(style_model_name: Annotated[str, Choice(folders.listing("style_models"))]) -> StyleModel:
    """Load a style model: T2I's style adapter of SD 1.x, or Redux of Flux."""
    path = folders.current().require("style_models", style_model_name)
    return shelf.current().get(lambda: style_files.load_style_model(path), (path,), "style model", place.current())


@node("conditioning/style_model", id="StyleModelApply", title="Apply Style Model")
def style_model_apply(
    conditioning: Conditioning,
    style_model: StyleModel,
    clip_vision_output: ClipVisionOutput,
    strength: Annotated[float, Number(0.0, 10.0, step=0.001)] = 1.0,
    *,
    strength_type: Literal["multiply", "attn_bias"],
) -> Conditioning:
    """Put a picture behind a prompt as tokens: they are scaled, or attended to as many times as much."""
    return style.styled(conditioning, style_model, clip_vision_output, strength, strength_type)
