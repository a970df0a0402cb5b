"""Nodes that let a model read pictures beside the text of prompts: IP-Adapters."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from engine.api import Choice, ClipVision, Image, IPAdapter, Mask, Model, Number, deferred, node
from engine.weights import folders

if TYPE_CHECKING:
    from torch import Tensor

with deferred():
    from engine.device import place
    from engine.diffusion import image_prompt, vision
    from engine.diffusion.families import image_prompt_files
    from engine.pictures import resample
    from engine.weights import shelf

Percent = Annotated[float, Number(0.0, 1.0, step=0.001)]
Weighting = Literal[
    "linear",
    "ease in",
    "ease out",
    "ease in-out",
    "reverse in-out",
    "weak input",
    "weak output",
    "weak middle",
    "strong middle",
    "style transfer",
    "composition",
    "strong style transfer",
    "style and composition",
    "style transfer precise",
    "composition precise",
]
Combining = Literal["concat", "add", "subtract", "average", "norm average"]
Scaling = Literal["V only", "K+V", "K+V w/ C penalty", "K+mean(V) w/ C penalty"]

SUPPORTED: dict[str, tuple[str, ...]] = {
    "weight_type": ("linear", "standard", "style transfer", "composition", "style and composition"),
    "combine_embeds": ("concat", "add", "average"),
    "embeds_scaling": ("V only", "K+V"),
}


def is_supported(
    weight_type: str | None = None, combine_embeds: str | None = None, embeds_scaling: str | None = None
) -> bool | str:
    """Whether these choices can be followed; if not, which could be. A linked one is not known yet."""
    asked = {"weight_type": weight_type, "combine_embeds": combine_embeds, "embeds_scaling": embeds_scaling}
    for name, choice in asked.items():
        if choice is not None and choice not in SUPPORTED[name]:
            return f"{name} {choice!r} cannot be followed today; take one of {', '.join(SUPPORTED[name])}"
    return True


@node("ipadapter", id="IPAdapterModelLoader", title="IPAdapter Model Loader")
def ip_adapter_model_loader(ipadapter_file: Annotated[str, Choice(folders.listing("ipadapter"))]) -> IPAdapter:
    """Load an IP-Adapter of SD 1.x or SDXL: plain, light, plus or full-face."""
    path = folders.current().require("ipadapter", ipadapter_file)
    return shelf.current().get(lambda: image_prompt_files.load_ip_adapter(path), (path,), "ip adapter", place.current())


@node("ipadapter", id="IPAdapter", title="IPAdapter", validate=is_supported)
def ip_adapter(
    model: Model,
    ipadapter: IPAdapter,
    image: Image,
    weight: Annotated[float, Number(-1.0, 3.0, step=0.05)] = 1.0,
    start_at: Percent = 0.0,
    end_at: Percent = 1.0,
    weight_type: Literal["standard", "prompt is more important", "style transfer"] = "standard",
    attn_mask: Mask | None = None,
    clip_vision: ClipVision | None = None,
) -> Model:
    """Let a model read a picture beside its prompt, through the encoder that the IP-Adapter was trained with."""
    return _prompted(
        model, ipadapter, image, clip_vision, weight, weight_type, "concat", start_at, end_at, "V only", None, attn_mask
    )


@node("ipadapter", id="IPAdapterAdvanced", title="IPAdapter Advanced", validate=is_supported)
def ip_adapter_advanced(
    model: Model,
    ipadapter: IPAdapter,
    image: Image,
    weight: Annotated[float, Number(-1.0, 5.0, step=0.05)] = 1.0,
    weight_type: Weighting = "linear",
    combine_embeds: Combining = "concat",
    start_at: Percent = 0.0,
    end_at: Percent = 1.0,
    embeds_scaling: Scaling = "V only",
    image_negative: Image | None = None,
    attn_mask: Mask | None = None,
    clip_vision: ClipVision | None = None,
) -> Model:
    """Let a model read pictures beside its prompt: how strongly, when, where, in place of what, and in which layers."""
    return _prompted(
        model,
        ipadapter,
        image,
        clip_vision,
        weight,
        weight_type,
        combine_embeds,
        start_at,
        end_at,
        embeds_scaling,
        image_negative,
        attn_mask,
    )


def _prompted(
    model: Model,
    adapter: IPAdapter,
    image: Image,
    clip_vision: ClipVision | None,
    weight: float,
    weight_type: str,
    combine_embeds: Any,
    start_at: float,
    end_at: float,
    embeds_scaling: str,
    image_negative: Image | None,
    attn_mask: Mask | None,
) -> Model:
    if (told := is_supported(weight_type, combine_embeds, embeds_scaling)) is not True:
        raise ValueError(told)
    if weight == 0:
        return model
    eye = vision.required(clip_vision)

    def read(pictures: Image) -> "Tensor":
        return image_prompt.combined(adapter.read(eye.encode_image(pictures)), combine_embeds)

    asked = read(image)
    if image_negative is None:
        unlike = adapter.unlike(asked, eye)
    else:
        unlike = resample.repeat_batch(read(image_negative), len(asked))
    return image_prompt.prompted(
        model,
        adapter,
        asked,
        unlike,
        image_prompt.blocks_of(weight_type, model),
        weight=weight,
        start=start_at,
        end=end_at,
        mask=attn_mask,
        scales_keys=embeds_scaling == "K+V",
    )
