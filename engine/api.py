"""What node authors import: the decorator, the markers, and the kinds of values that links carry.

    from engine.api import Image, Number, node

Nothing here loads torch. Keep it stable: node packs depend on it.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from engine.node.declare import node
from engine.node.deferred import deferred
from engine.node.kinds import MAX_RESOLUTION, Choice, Each, Hidden, Kind, Lazy, Named, Number, Option, Seed, Text, Tip
from engine.node.spec import ExecutionBlocker, Result

if TYPE_CHECKING:
    from torch import Tensor

    from engine.diffusion.beta_schedules import NoiseSchedule as NoiseScheduleValue
    from engine.diffusion.classifier_guidance import Classifier as ClassifierValue
    from engine.diffusion.drive import Ask, Prediction
    from engine.diffusion.gligen import Gligen as GligenValue
    from engine.diffusion.guidance import Guider as GuiderValue
    from engine.diffusion.hinted import Steering
    from engine.diffusion.image_prompt import IPAdapter as IPAdapterValue
    from engine.diffusion.model import Model as ModelValue
    from engine.diffusion.noise import Noise as NoiseValue
    from engine.diffusion.solvers.solver import Solver as SolverValue
    from engine.diffusion.style import StyleModel as StyleModelValue
    from engine.diffusion.text.clip import Clip as ClipValue
    from engine.diffusion.vae import Vae as VaeValue
    from engine.diffusion.vision import Seen, Vision
    from engine.training.dataset import Dataset as DatasetValue
    from engine.weights.upscale_model import UpscaleModel as UpscaleModelValue

Image = Annotated["Tensor", Kind("IMAGE")]  # (batch, height, width, channel), float32 in 0..1
Mask = Annotated["Tensor", Kind("MASK")]  # (batch, height, width), float32 in 0..1; 1 is selected
Latent = Annotated[dict[str, Any], Kind("LATENT")]  # samples (B, C, h, w); noise_mask, batch_index where set
Conditioning = Annotated[list[tuple["Tensor", dict[str, Any]]], Kind("CONDITIONING")]  # [tokens (B, T, dim), settings]
Model = Annotated["ModelValue", Kind("MODEL")]
Clip = Annotated["ClipValue", Kind("CLIP")]
Vae = Annotated["VaeValue", Kind("VAE")]
ClipVision = Annotated["Vision", Kind("CLIP_VISION")]
ClipVisionOutput = Annotated["Seen", Kind("CLIP_VISION_OUTPUT")]  # image_embeds, last_hidden_state, …
ControlNet = Annotated["Steering", Kind("CONTROL_NET")]
IPAdapter = Annotated["IPAdapterValue", Kind("IPADAPTER")]
StyleModel = Annotated["StyleModelValue", Kind("STYLE_MODEL")]
Gligen = Annotated["GligenValue", Kind("GLIGEN")]
UpscaleModel = Annotated["UpscaleModelValue", Kind("UPSCALE_MODEL")]  # called on (1, C, H, W) in 0..1; `scale`
Sampler = Annotated["SolverValue", Kind("SAMPLER")]
Sigmas = Annotated["Tensor", Kind("SIGMAS")]  # (steps + 1,), float32, descending
Noise = Annotated["NoiseValue", Kind("NOISE")]
Guider = Annotated["GuiderValue", Kind("GUIDER")]
NoiseSchedule = Annotated["NoiseScheduleValue", Kind("NOISE_SCHEDULE")]  # betas (T,), float64
Classifier = Annotated["ClassifierValue", Kind("CLASSIFIER")]  # log_probability(x, sigma, label) -> (B,)
Dataset = Annotated["DatasetValue", Kind("DATASET")]  # pictures with captions, by number
Anything = Annotated[Any, Kind("*")]

T = TypeVar("T")
Sampling = Generator["Ask", "Prediction", T]
"""What a node that samples returns: a generator that asks for denoised latents and ends with a T."""

__all__ = [
    "MAX_RESOLUTION",
    "Anything",
    "Choice",
    "Classifier",
    "Clip",
    "ClipVision",
    "ClipVisionOutput",
    "Conditioning",
    "ControlNet",
    "Dataset",
    "Each",
    "ExecutionBlocker",
    "Gligen",
    "Guider",
    "Hidden",
    "IPAdapter",
    "Image",
    "Kind",
    "Latent",
    "Lazy",
    "Mask",
    "Model",
    "Named",
    "Noise",
    "NoiseSchedule",
    "Number",
    "Option",
    "Result",
    "Sampler",
    "Sampling",
    "Seed",
    "Sigmas",
    "StyleModel",
    "Text",
    "Tip",
    "UpscaleModel",
    "Vae",
    "deferred",
    "node",
]
