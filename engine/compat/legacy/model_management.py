"""The module that packs import as `comfy.model_management`: devices, memory, number types, and stopping a run.

Loading and unloading of models is not among it: models here are values, placed when they are made.
"""

from typing import Any

import torch
from torch import Tensor, nn

from engine.device import memory, place
from engine.node import context
from engine.node.context import Interrupted as InterruptProcessingException

OOM_EXCEPTION = torch.OutOfMemoryError

_NOT_YET = {
    "load_models_gpu",
    "load_model_gpu",
    "loaded_models",
    "LoadedModel",
    "current_loaded_models",
}


def __getattr__(name: str) -> Any:
    if name in _NOT_YET:
        msg = f"comfy.model_management.{name} is not there yet: this host places models itself and gives packs no say"
        raise AttributeError(msg)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def get_torch_device() -> torch.device:
    """Where models run."""
    return place.current().device


def unet_offload_device() -> torch.device:
    """Where the numbers of a model rest while it does not run."""
    return torch.device("cpu")


def intermediate_device() -> torch.device:
    """Where values on links lie."""
    return torch.device("cpu")


def text_encoder_device() -> torch.device:
    return get_torch_device()


def text_encoder_offload_device() -> torch.device:
    return torch.device("cpu")


def vae_device() -> torch.device:
    return get_torch_device()


def vae_offload_device() -> torch.device:
    return torch.device("cpu")


def vae_dtype(device: Any = None, allowed_dtypes: list[torch.dtype] | None = None) -> torch.dtype:  # noqa: ARG001
    """The number type of VAEs; float32 where it is not among the allowed ones."""
    mine = place.current().vae_dtype
    return mine if not allowed_dtypes or mine in allowed_dtypes else torch.float32


def unet_dtype(
    device: Any = None,  # noqa: ARG001
    model_params: int = 0,  # noqa: ARG001
    supported_dtypes: list[torch.dtype] | None = None,
    **others: Any,  # noqa: ARG001
) -> torch.dtype:
    """The number type of networks; the first supported one where it is not among them."""
    mine = place.current().dtype
    return mine if not supported_dtypes or mine in supported_dtypes else supported_dtypes[0]


def should_use_fp16(*args: Any, **options: Any) -> bool:  # noqa: ARG001 - one placement for all models
    return place.current().dtype == torch.float16


def should_use_bf16(*args: Any, **options: Any) -> bool:  # noqa: ARG001
    return place.current().dtype == torch.bfloat16


def cast_to(
    weight: Tensor,
    dtype: torch.dtype | None = None,
    device: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
) -> Tensor:
    """A tensor as this number type on this device."""
    return weight.to(device=device, dtype=dtype, non_blocking=non_blocking, copy=copy)


def cast_to_device(tensor: Tensor, device: Any, dtype: torch.dtype | None, copy: bool = False) -> Tensor:
    """A tensor as this number type on this device."""
    return tensor.to(device=device, dtype=dtype, copy=copy)


def get_autocast_device(dev: Any) -> str:
    """The kind of a device, as `torch.autocast` wants it."""
    return str(getattr(dev, "type", "cuda"))


def is_device_type(device: Any, type: str) -> bool:
    return getattr(device, "type", str(device).partition(":")[0]) == type


def is_device_cpu(device: Any) -> bool:
    return is_device_type(device, "cpu")


def is_device_mps(device: Any) -> bool:
    return is_device_type(device, "mps")


def is_device_cuda(device: Any) -> bool:
    return is_device_type(device, "cuda")


def is_nvidia() -> bool:
    return torch.cuda.is_available() and torch.version.cuda is not None


def xformers_enabled() -> bool:
    """Attention is torch's own here."""
    return False


def get_free_memory(dev: Any = None, torch_free_too: bool = False) -> Any:
    """Free bytes of a device; with `torch_free_too` also those that torch holds in reserve, as a pair."""
    device = torch.device(dev) if dev is not None else get_torch_device()
    free = memory.free_bytes(device) or 0
    if not torch_free_too:
        return free
    is_cuda = device.type == "cuda"
    reserve = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device) if is_cuda else free
    return free, reserve


def soft_empty_cache(force: bool = False) -> None:  # noqa: ARG001
    """Hand memory that torch holds in reserve back to the device."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def free_memory(memory_required: float, device: Any, keep_loaded: list[Any] | None = None) -> list[Any]:  # noqa: ARG001
    """Let go of what caches hold, if the device has less than this many bytes free."""
    if get_free_memory(device) < memory_required:
        memory.release()
    return []


def unload_all_models() -> None:
    """Let go of what caches hold."""
    memory.release()


def module_size(module: nn.Module) -> int:
    """The bytes of a module's parameters and buffers."""
    return sum(tensor.nbytes for tensor in module.state_dict().values())


def dtype_size(dtype: torch.dtype) -> int:
    """The bytes of one number."""
    return dtype.itemsize


class _Flag:
    """Whether packs asked for the run to stop."""

    is_raised = False


def interrupt_current_processing(value: bool = True) -> None:
    """Have the run stop at its next look, or take that back."""
    _Flag.is_raised = value


def interrupt_requested() -> bool:
    """Whether a pack asked for the run to stop; whoever drives the run asks this."""
    return _Flag.is_raised


def processing_interrupted() -> bool:
    """Whether the run is to stop."""
    call = context.executing()
    return _Flag.is_raised or (call is not None and call.is_cancelled())


def throw_exception_if_processing_interrupted() -> None:
    """Raise InterruptProcessingException if the run is to stop; a pack's own order is forgotten then."""
    if _Flag.is_raised:
        _Flag.is_raised = False
        raise InterruptProcessingException
    context.stop_if_cancelled()
