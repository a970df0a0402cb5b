"""The module that packs import as `comfy.utils`: progress bars, files of weights, sizes, and named parts of modules."""

import math
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.node import context
from engine.pictures import resample
from engine.pictures.tiled import tiled, tiles
from engine.weights.read import open_tensors

PROGRESS_BAR_ENABLED = True  # packs switch their own console bars by it
PROGRESS_BAR_HOOK: Callable[..., None] | None = None


def set_progress_bar_global_hook(function: Callable[..., None] | None) -> None:
    """Have `function(value, total, preview, node_id=None)` told of progress, in place of the run."""
    globals()["PROGRESS_BAR_HOOK"] = function  # the attribute that packs read and set


class ProgressBar:
    """How far a node is. `preview` is `("JPEG" or "PNG", picture, largest side or None)`."""

    def __init__(self, total: float, node_id: str | None = None) -> None:
        self.total = total
        self.current: float = 0
        self.hook = PROGRESS_BAR_HOOK
        self.node_id = node_id

    def update_absolute(self, value: float, total: float | None = None, preview: Any = None) -> None:
        """Stand at `value`, at most the total. Raises if the run was cancelled."""
        self.total = self.total if total is None else total
        self.current = min(value, self.total)
        if self.hook is not None:
            self.hook(self.current, self.total, preview, node_id=self.node_id)
        else:
            context.report(self.current, self.total, preview)

    def update(self, value: float) -> None:
        """Go on by `value`."""
        self.update_absolute(self.current + value)


def load_torch_file(
    ckpt: str, safe_load: bool = False, device: Any = None, return_metadata: bool = False
) -> dict[str, Tensor] | tuple[dict[str, Tensor], Any]:
    """The tensors of a file of weights by name, and its metadata on request.

    Pickled files are read only where the process allows them, and then without running code from them: `safe_load` is
    how all files are read. Raises FileNotFoundError, or BadFile with what is wrong.
    """
    tensors = open_tensors(Path(ckpt))
    loaded = {name: tensors[name] if device is None else tensors[name].to(device) for name in tensors}
    return (loaded, tensors.metadata) if return_metadata else loaded


def save_torch_file(sd: Mapping[str, Tensor], ckpt: str, metadata: dict[str, str] | None = None) -> None:
    """Write tensors as safetensors; the file appears whole or not at all."""
    from safetensors.torch import save_file

    from engine.weights.write_whole import written_whole

    with written_whole(Path(ckpt)) as path:
        save_file({name: tensor.contiguous() for name, tensor in sd.items()}, path, metadata)


def common_upscale(samples: Tensor, width: int, height: int, upscale_method: str, crop: str) -> Tensor:
    """Resize (B, C, H, W), or each frame of (B, C, T, H, W), to `width` x `height`; `crop` is disabled or center."""
    if samples.ndim != 5:
        return resample.resize(samples, width, height, upscale_method, crop)
    batch, channels, frames, *size = samples.shape
    flat = samples.movedim(2, 1).reshape(batch * frames, channels, *size)
    resized = resample.resize(flat, width, height, upscale_method, crop)
    return resized.reshape(batch, frames, channels, height, width).movedim(1, 2)


def bislerp(samples: Tensor, width: int, height: int) -> Tensor:
    """Resize latents (B, C, H, W) by turning between neighbours."""
    return resample.bislerp(samples, width, height)


def lanczos(samples: Tensor, width: int, height: int) -> Tensor:
    """Resize pictures (B, C, H, W) in 0..1 with Lanczos' filter."""
    return resample.lanczos(samples, width, height)


def get_tiled_scale_steps(width: int, height: int, tile_x: int, tile_y: int, overlap: int) -> int:
    """How many tiles `tiled_scale` takes for one picture."""
    return len(list(tiles((height, width), (tile_y, tile_x), (overlap, overlap))))


@torch.inference_mode()
def tiled_scale(
    samples: Tensor,
    function: Callable[[Tensor], Tensor],
    tile_x: int = 64,
    tile_y: int = 64,
    overlap: int = 8,
    upscale_amount: float = 4,
    out_channels: int = 3,  # noqa: ARG001 - what comes out of `function` says it
    output_device: Any = "cpu",
    pbar: ProgressBar | None = None,
) -> Tensor:
    """Map `function` over overlapping tiles of (B, C, H, W) and blend: (B, C', H * amount, W * amount)."""

    def one(tile: Tensor) -> Tensor:
        made = function(tile)
        if pbar is not None:
            pbar.update(1)
        return made

    return tiled(samples, one, (tile_y, tile_x), overlap, upscale_amount).to(output_device)


def repeat_to_batch_size(tensor: Tensor, batch_size: int, dim: int = 0) -> Tensor:
    """Cycle the items of one axis, or cut them off, to `batch_size`."""
    return resample.repeat_batch(tensor.movedim(dim, 0), batch_size).movedim(0, dim)


def reshape_mask(input_mask: Tensor, output_shape: tuple[int, ...]) -> Tensor:
    """A mask (H, W), (B, H, W) or (B, C, H, W) resized bilinearly to (B, C, h, w) of `output_shape`."""
    mask = resample.as_planes(input_mask) if input_mask.ndim < 4 else input_mask
    resized = nn.functional.interpolate(mask, size=output_shape[-2:], mode="bilinear")
    if resized.shape[1] < output_shape[1]:
        resized = resized.repeat(1, output_shape[1], 1, 1)[:, : output_shape[1]]
    return repeat_to_batch_size(resized, output_shape[0])


def state_dict_prefix_replace(
    state_dict: MutableMapping[str, Any], replace_prefix: Mapping[str, str], filter_keys: bool = False
) -> MutableMapping[str, Any]:
    """Rename by prefix, in the given dict; with `filter_keys` into a fresh dict of the renamed ones alone."""
    out: MutableMapping[str, Any] = {} if filter_keys else state_dict
    for old, new in replace_prefix.items():
        for name in [each for each in state_dict if each.startswith(old)]:
            out[f"{new}{name.removeprefix(old)}"] = state_dict.pop(name)
    return out


def state_dict_key_replace(
    state_dict: MutableMapping[str, Any], keys_to_replace: Mapping[str, str]
) -> MutableMapping[str, Any]:
    """Rename single keys, in the given dict."""
    for old, new in keys_to_replace.items():
        if old in state_dict:
            state_dict[new] = state_dict.pop(old)
    return state_dict


def calculate_parameters(sd: Mapping[str, Tensor], prefix: str = "") -> int:
    """How many numbers the tensors under a prefix hold."""
    return sum(math.prod(tensor.shape) for name, tensor in sd.items() if name.startswith(prefix))


def weight_dtype(sd: Mapping[str, Tensor], prefix: str = "") -> torch.dtype | None:
    """The number type that most of the numbers under a prefix have; None without any tensor."""
    counts: dict[torch.dtype, int] = {}
    for name, tensor in sd.items():
        if name.startswith(prefix):
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.numel()
    return max(counts, key=lambda dtype: counts[dtype]) if counts else None


def get_attr(obj: Any, attr: str) -> Any:
    """The part at a dotted path. Raises AttributeError."""
    for name in attr.split("."):
        obj = getattr(obj, name)
    return obj


def set_attr(obj: Any, attr: str, value: Any) -> Any:
    """Put a value at a dotted path; returns what stood there."""
    path, _, name = attr.rpartition(".")
    owner = get_attr(obj, path) if path else obj
    before = getattr(owner, name)
    setattr(owner, name, value)
    return before


def set_attr_param(obj: Any, attr: str, value: Tensor) -> Any:
    """Put a tensor at a dotted path as a parameter that is not trained."""
    return set_attr(obj, attr, nn.Parameter(value, requires_grad=False))


def copy_to_param(obj: Any, attr: str, value: Tensor) -> None:
    """Copy numbers into the parameter at a dotted path."""
    get_attr(obj, attr).data.copy_(value)
