"""Pixels and latents at another size: interpolation, centre crop, and batches made to match."""

from typing import Literal, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from engine.device import room

Method = Literal["nearest-exact", "bilinear", "area", "bicubic", "bislerp", "lanczos"]
Crop = Literal["disabled", "center"]


def resize(x: Tensor, width: int, height: int, method: Method | str, crop: Crop | str = "disabled") -> Tensor:
    """Resample (B, C, H, W), or (B, C, T, H, W) frame by frame, to height x width.

    "center" first cuts the longer side to the target's aspect; "disabled" stretches. Raises ValueError for an unknown
    method and MemoryError for a size that cannot fit.
    """
    if x.ndim == 5:
        frames = x.movedim(2, 1)
        flat = resize(frames.flatten(0, 1), width, height, method, crop)
        return flat.unflatten(0, frames.shape[:2]).movedim(1, 2)
    room.require(f"resizing {x.shape[0]} x {x.shape[1]} channels to {width} x {height}", *x.shape[:2], height, width)
    if crop == "center":
        x = crop_to_aspect(x, width, height)
    match method:
        case "bislerp":
            return bislerp(x, width, height)
        case "lanczos":
            return lanczos(x, width, height)
        case "nearest-exact" | "bilinear" | "area" | "bicubic":
            return interpolate(x, size=(height, width), mode=method)
        case _:
            known = "nearest-exact, bilinear, area, bicubic, bislerp, lanczos"
            msg = f"no way of resampling is called {method!r}; there are {known}"
            raise ValueError(msg)


def crop_to_aspect(x: Tensor, width: int, height: int) -> Tensor:
    """Cut the longer side of (…, H, W) on both ends to the aspect of height x width."""
    old_height, old_width = x.shape[-2:]
    aspect, wanted = old_width / old_height, width / height
    across = down = 0
    if aspect > wanted:
        across = round((old_width - old_width * (wanted / aspect)) / 2)
    elif aspect < wanted:
        down = round((old_height - old_height * (aspect / wanted)) / 2)
    return x[..., down : old_height - down, across : old_width - across]


def kept_aspect(width: int, height: int, old_width: int, old_height: int, least: int = 1) -> tuple[int, int]:
    """A target size in which a 0 is filled in so that the aspect stays; both 0 is the old size."""
    if width == 0 and height == 0:
        return old_width, old_height
    if width == 0:
        width = max(least, round(old_width * height / old_height))
    elif height == 0:
        height = max(least, round(old_height * width / old_width))
    return width, height


def lanczos(x: Tensor, width: int, height: int) -> Tensor:
    """Pillow's LANCZOS on images (B, C, H, W) in 0..1, C being 1, 3 or 4; through 8 bits, cut off."""
    if x.shape[1] not in (1, 3, 4):
        msg = f"lanczos works on pictures of 1, 3 or 4 channels, not on {x.shape[1]}: choose another method"
        raise ValueError(msg)
    pictures = (x.movedim(1, -1) * 255).clip(0, 255).to(device="cpu", dtype=torch.uint8).numpy()
    scaled = [Image.fromarray(each.squeeze(-1) if each.shape[-1] == 1 else each) for each in pictures]
    small = [np.asarray(each.resize((width, height), Image.Resampling.LANCZOS)) for each in scaled]
    stacked = torch.from_numpy(np.stack(small)).view(x.shape[0], height, width, x.shape[1])
    return stacked.movedim(-1, 1).to(device=x.device, dtype=x.dtype) / 255


def bislerp(x: Tensor, width: int, height: int) -> Tensor:
    """Interpolate (B, C, H, W) on the sphere of channel vectors, along width and then along height."""
    wide = _slerp_last_axis(x.float(), width)
    return _slerp_last_axis(wide.transpose(-1, -2), height).transpose(-1, -2).to(x.dtype)


def _slerp_last_axis(x: Tensor, length: int) -> Tensor:
    n = x.shape[-1]
    ramp = torch.arange(n, dtype=torch.float32, device=x.device)
    here = interpolate(ramp.view(1, 1, n), size=length, mode="linear").flatten()
    after = interpolate((ramp + 1).clamp(max=n - 1).view(1, 1, n), size=length, mode="linear").flatten()
    return slerp(x[..., here.long()], x[..., after.long()], here - here.floor())


def slerp(a: Tensor, b: Tensor, r: Tensor | float) -> Tensor:
    """From `a` to `b` (B, C, …) by the share `r`: directions along the sphere, lengths along a line.

    Vectors that point the same way give `a`, opposite ones are mixed along a line.
    """
    norm_a, norm_b = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    unit_a, unit_b = normalize(a, dim=1, eps=1e-30), normalize(b, dim=1, eps=1e-30)
    cos = (unit_a * unit_b).sum(dim=1, keepdim=True)
    omega = cos.clamp(-1, 1).acos()
    turned = (torch.sin((1 - r) * omega) * unit_a + torch.sin(r * omega) * unit_b) / omega.sin()
    mixed = turned * (norm_a * (1 - r) + norm_b * r)
    mixed = torch.where(cos > 1 - 1e-5, a, mixed)
    return torch.where(cos < -1 + 1e-5, a * (1 - r) + b * r, mixed)


def repeat_batch(x: Tensor, count: int) -> Tensor:
    """Cycle the items of the first axis, or cut them off, to `count`."""
    if x.shape[0] == count:
        return x
    room.require(f"a batch of {count}", count, *x.shape[1:], bytes_each=x.element_size())
    return x[torch.arange(count, device=x.device) % x.shape[0]]


def resize_batch(x: Tensor, count: int) -> Tensor:
    """Pick the nearest items of the first axis so that there are `count`."""
    old = x.shape[0]
    if old == count:
        return x
    if count == 1:
        picks = [0]
    elif count < old:
        picks = [round(i * (old - 1) / (count - 1)) for i in range(count)]
    else:
        picks = [int((i + 0.5) * old / count) for i in range(count)]
    return x[torch.tensor(picks, device=x.device)]


def resize_image(image: Tensor, width: int, height: int, method: Method | str, crop: Crop | str = "disabled") -> Tensor:
    """`resize` for images (B, H, W, C)."""
    return resize(image.movedim(-1, 1), width, height, method, crop).movedim(1, -1)


def resize_mask(mask: Tensor, width: int, height: int, method: Method = "bilinear") -> Tensor:
    """A mask of any accepted shape at another size: (B, 1, height, width)."""
    return resize(as_planes(mask), width, height, method)


def as_planes(mask: Tensor) -> Tensor:
    """A mask (H, W), (B, H, W) or (B, 1, H, W) as (B, 1, H, W)."""
    return mask.reshape(-1, 1, *cast("tuple[int, int]", tuple(mask.shape[-2:])))
