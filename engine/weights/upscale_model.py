"""Upscale models out of files: ESRGAN, Compact, SwinIR and all other networks that the library spandrel knows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from spandrel import MAIN_REGISTRY, ImageModelDescriptor, canonicalize_state_dict
from torch import Tensor, nn

from engine.device import memory, place
from engine.device.place import Placement
from engine.weights.read import BadFile, Tensors, open_tensors

UpscaleModel = ImageModelDescriptor[nn.Module]
"""What UPSCALE_MODEL links carry: pictures (1, C, H, W) in 0..1 -> (1, C', scale H, scale W) in 0..1."""

_WRAPPERS = ("params_ema.", "params-ema.", "params.", "model_state_dict.")  # in pickles; the averaged weights first
_SUPPORTED = "ESRGAN and Real-ESRGAN, Compact, SPAN, SwinIR, Swin2SR, HAT, DAT, OmniSR, RealPLKSR and the like"


def load_upscale_model(path: Path, placement: Placement | None = None) -> UpscaleModel:
    """Load an upscale model; it computes in float32. Raises FileNotFoundError, BadFile for any other, OutOfMemory."""
    device = (placement or place.current()).device
    tensors = _unwrapped(open_tensors(path))
    with memory.named_shortage(f"loading {path.name}", device):
        return _checked(path, built(path, tensors), device)


def upscale_model(tensors: Mapping[str, Tensor], device: torch.device) -> UpscaleModel:
    """The upscale model of these tensors, as a file of them would give it."""
    return _checked(Path("an upscale model"), built(Path("an upscale model"), tensors), device)


def built(path: Path, tensors: Mapping[str, Tensor]) -> Any:
    """What spandrel makes of a file's tensors, which are read only if it knows them. Raises BadFile."""
    names: Any = canonicalize_state_dict(tensors)  # pyright: ignore[reportArgumentType] (only reads it)
    # Nodes run in inference mode, and its tensors would know no gradients, which other users of the value may want.
    with torch.inference_mode(False), torch.no_grad():
        try:
            for each in MAIN_REGISTRY.architectures("detection"):
                if each.detect(names):
                    return each.architecture.load({name: names[name] for name in names})
        except Exception as error:  # networks raise whatever a file provokes
            if memory.is_shortage(error):
                raise
            told = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise BadFile(path, f"looks like an upscale model, but its weights do not fit together ({told})") from None
    raise BadFile(path, f"holds no upscale model that is known; supported are {_SUPPORTED}")


def _checked(path: Path, model: Any, device: torch.device) -> UpscaleModel:
    if not isinstance(model, ImageModelDescriptor):
        what = f"holds a network ({model.architecture.name}) that fills masks; an upscale model takes pictures alone"
        raise BadFile(path, what)
    if model.input_channels not in (1, 3, 4):
        msg = f"holds a network for pictures of {model.input_channels} channels; supported are 1, 3 and 4"
        raise BadFile(path, msg)
    with torch.inference_mode(False):
        model.model.eval().requires_grad_(False).to(device, torch.float32)
    return model


def _unwrapped(tensors: Tensors) -> Tensors:
    """The weights themselves: training scripts save them inside a dict, often beside others."""
    return next((inner for prefix in _WRAPPERS if len(inner := tensors.under(prefix))), tensors)
