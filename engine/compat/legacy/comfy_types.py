"""The module that packs import as `comfy.comfy_types`: type names, and bases for classes of the first generation."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypedDict

from engine.graph.types import fits


class IO(StrEnum):
    """The names of the usual types. Comparing with `!=` asks whether they fit: `ANY` is unequal to nothing."""

    STRING = "STRING"
    IMAGE = "IMAGE"
    MASK = "MASK"
    LATENT = "LATENT"
    BOOLEAN = "BOOLEAN"
    INT = "INT"
    FLOAT = "FLOAT"
    COMBO = "COMBO"
    CONDITIONING = "CONDITIONING"
    SAMPLER = "SAMPLER"
    SIGMAS = "SIGMAS"
    GUIDER = "GUIDER"
    NOISE = "NOISE"
    CLIP = "CLIP"
    CONTROL_NET = "CONTROL_NET"
    VAE = "VAE"
    MODEL = "MODEL"
    LORA_MODEL = "LORA_MODEL"
    LOSS_MAP = "LOSS_MAP"
    CLIP_VISION = "CLIP_VISION"
    CLIP_VISION_OUTPUT = "CLIP_VISION_OUTPUT"
    STYLE_MODEL = "STYLE_MODEL"
    GLIGEN = "GLIGEN"
    UPSCALE_MODEL = "UPSCALE_MODEL"
    AUDIO = "AUDIO"
    VIDEO = "VIDEO"
    SVG = "SVG"
    POINT = "POINT"
    FACE_ANALYSIS = "FACE_ANALYSIS"
    BBOX = "BBOX"
    SEGS = "SEGS"
    WEBCAM = "WEBCAM"
    PHOTOMAKER = "PHOTOMAKER"
    TIMESTEPS_RANGE = "TIMESTEPS_RANGE"
    MESH = "MESH"
    VOXEL = "VOXEL"

    ANY = "*"
    NUMBER = "FLOAT,INT"
    PRIMITIVE = "STRING,FLOAT,INT,BOOLEAN"

    def __ne__(self, other: object) -> bool:
        return not (isinstance(other, str) and fits(str(other), str(self.value)))

    __hash__ = StrEnum.__hash__


class InputTypeDict(TypedDict, total=False):
    """What `INPUT_TYPES` returns: each input as `(type, options)`, by section."""

    required: dict[str, Any]
    optional: dict[str, Any]
    hidden: dict[str, Any]


class ComfyNodeABC(ABC):
    """A base for node classes of the first generation: it names what they have, and does nothing."""

    DESCRIPTION: str
    CATEGORY: str
    EXPERIMENTAL: bool
    DEPRECATED: bool
    INPUT_IS_LIST: bool
    OUTPUT_NODE: bool
    OUTPUT_IS_LIST: tuple[bool, ...]
    RETURN_TYPES: tuple[Any, ...]
    RETURN_NAMES: tuple[str, ...]
    OUTPUT_TOOLTIPS: tuple[str, ...]
    FUNCTION: str

    @classmethod
    @abstractmethod
    def INPUT_TYPES(cls) -> InputTypeDict:  # noqa: N802
        """The inputs by section."""
        return {"required": {}}


class CheckLazyMixin:
    """For a node that needs all its lazy inputs: it asks for each that is None."""

    def check_lazy_status(self, **inputs: Any) -> list[str]:
        return [name for name, value in inputs.items() if value is None]


class FileLocator(TypedDict):
    """Where a file lies, as clients are told."""

    filename: str
    subfolder: str
    type: str


UnetApplyFunction = Callable[..., Any]


class UnetApplyConds(TypedDict, total=False):
    """What a network is called with beside the noisy latent."""

    c_crossattn: Any
    c_concat: Any
    y: Any
    control: Any
    transformer_options: dict[str, Any]


class UnetParams(TypedDict):
    """The argument of a function that wraps the call of a network."""

    input: Any
    timestep: Any
    c: UnetApplyConds
    cond_or_uncond: list[int]


UnetWrapperFunction = Callable[[UnetApplyFunction, UnetParams], Any]
