"""Nodes that load ControlNets, Control-LoRAs and T2I adapters, and let a picture steer where things go."""

from typing import Annotated, Literal, NamedTuple, get_args

from engine.api import Choice, Conditioning, ControlNet, Image, Model, Named, Number, Vae, deferred, node
from engine.weights import folders

with deferred():
    from engine.device import place
    from engine.diffusion import control
    from engine.diffusion.families import control_files
    from engine.weights import shelf

ControlName = Annotated[str, Choice(folders.listing("controlnet"))]
Strength = Annotated[float, Number(0.0, 10.0, step=0.01)]
Percent = Annotated[float, Number(0.0, 1.0, step=0.001)]

Kind = Literal[
    "auto",
    "openpose",
    "depth",
    "hed/pidi/scribble/ted",
    "canny/lineart/anime_lineart/mlsd",
    "normal",
    "segment",
    "tile",
    "repaint",
]


class Steered(NamedTuple):
    positive: Annotated[Conditioning, Named("positive")]
    negative: Annotated[Conditioning, Named("negative")]


@node("loaders", id="ControlNetLoader", title="Load ControlNet Model")
def control_net_loader(control_net_name: ControlName) -> ControlNet:
    """Load a ControlNet, a Control-LoRA or a T2I adapter of SD 1.x, SD 2.x or SDXL."""
    path = folders.current().require("controlnet", control_net_name)
    return shelf.current().get(lambda: control_files.load_steering(path), (path,), "control net", place.current())


@node("loaders", id="DiffControlNetLoader", title="Load ControlNet Model (diff)")
def diff_control_net_loader(model: Model, control_net_name: ControlName) -> ControlNet:
    """Load a ControlNet; where its file holds differences, they are added to the weights of this model."""
    return control_files.load_steering(folders.current().require("controlnet", control_net_name), base=model)


@node("conditioning/controlnet", id="SetUnionControlNetType", title="SetUnionControlNetType")
def set_union_control_net_type(control_net: ControlNet, type: Kind) -> ControlNet:
    """Tell a union ControlNet of which kind the pictures are that it sees; auto tells none."""
    number = get_args(Kind).index(type)
    return control.of_kind(control_net, None if number == 0 else number - 1)


@node("conditioning/controlnet", id="ControlNetApply", title="Apply ControlNet (OLD)", deprecated=True)
def control_net_apply(
    conditioning: Conditioning, control_net: ControlNet, image: Image, strength: Strength = 1.0
) -> Conditioning:
    """Let a picture steer a prompt, and the negative one with it; strength 0 leaves it alone."""
    if strength == 0:
        return conditioning
    (made,) = control.put_on([conditioning], control_net, image, strength, for_negative_too=True)
    return made


@node("conditioning/controlnet", id="ControlNetApplyAdvanced", title="Apply ControlNet")
def control_net_apply_advanced(
    positive: Conditioning,
    negative: Conditioning,
    control_net: ControlNet,
    image: Image,
    strength: Strength = 1.0,
    start_percent: Percent = 0.0,
    end_percent: Percent = 1.0,
    vae: Vae | None = None,
) -> Steered:
    """Let a picture steer both prompts during a part of the sampling. Only nets that see latents would use the VAE."""
    if strength == 0:
        return Steered(positive, negative)
    made = control.put_on([positive, negative], control_net, image, strength, start_percent, end_percent)
    return Steered(*made)
