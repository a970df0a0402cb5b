"""Pictures through an upscale model, in overlapping tiles that become smaller while memory does not suffice."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from engine.device import memory, room
from engine.pictures.tiled import tiled

TILE, OVERLAP = 512, 32  # pixels of the picture that goes in
LEAST_TILE = 128

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as grey pictures are commonly made


class Upscaler(Protocol):
    """What is asked of an upscale model: planes (1, C, H, W) in 0..1 -> (1, C', scale H, scale W) in 0..1."""

    scale: int
    input_channels: int

    @property
    def dtype(self) -> torch.dtype: ...

    def __call__(self, image: Tensor, /) -> Tensor: ...


def upscale(model: Upscaler, image: Tensor, device: torch.device, tile: int = TILE) -> Tensor:
    """Images (B, H, W, C) in 0..1 enlarged by the model, which is on `device`: (B, scale H, scale W, 3), on the CPU.

    Where memory runs out, tiles of half the side are tried, down to 128. Models of one channel see grey and give grey.
    Raises ValueError for images without three channels, MemoryError for a result that RAM does not hold, and
    OutOfMemory where it does not suffice for the smallest tile.
    """
    planes = _planes(image, model.input_channels)
    count, _, height, width = planes.shape
    size = f"{count} picture{'s' if count > 1 else ''} to {width * model.scale} x {height * model.scale}"
    room.require(f"upscaling {size}", count, 3, height, width, model.scale, model.scale)

    def one(part: Tensor) -> Tensor:
        return model(part.to(device, model.dtype))

    with memory.named_shortage(f"upscaling {size} in tiles of {LEAST_TILE}", device):
        made = _in_tiles(planes, one, model.scale, tile)
    return _in_colour(made).clamp(0, 1).movedim(1, -1)


def _in_tiles(planes: Tensor, one: Callable[[Tensor], Tensor], scale: int, tile: int) -> Tensor:
    while True:
        try:
            return tiled(planes, one, (tile, tile), OVERLAP, scale)
        except (RuntimeError, MemoryError) as error:
            if not memory.is_shortage(error) or tile // 2 < LEAST_TILE:
                raise
        memory.release()  # outside the handler: its traceback no longer holds the tensors that filled the memory
        tile //= 2


def _planes(image: Tensor, channels: int) -> Tensor:
    """Images (B, H, W, 3 or 4) as planes (B, channels, H, W): grey, colour, or colour and alpha."""
    if image.ndim != 4 or image.shape[-1] not in (3, 4):
        msg = f"an upscale model takes images of shape (batch, height, width, 3), not {tuple(image.shape)}"
        raise ValueError(msg)
    planes = image.movedim(-1, 1)
    colour = planes[:, :3]
    if channels == 1:
        return (colour * colour.new_tensor(_LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    if channels == 4 and planes.shape[1] == 3:
        return torch.cat([colour, torch.ones_like(colour[:, :1])], 1)
    return planes[:, :channels]


def _in_colour(planes: Tensor) -> Tensor:
    """Planes as (B, 3, H, W): grey three times, and no alpha."""
    return planes.expand(-1, 3, -1, -1) if planes.shape[1] == 1 else planes[:, :3]
