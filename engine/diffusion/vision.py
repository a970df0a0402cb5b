"""The values that CLIP_VISION links carry, and what such an encoder says of pictures."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from engine.device import memory, room
from engine.device.resident import resident

_WIDEST = 12  # numbers alive per place and channel inside a layer, beside the states that are kept
_TOGETHER = 16  # pictures per pass: films have many frames
_WHITE = 255  # in the 8 bits that encoders were trained on


@dataclass(frozen=True, eq=False)
class Seen:
    """The value a CLIP_VISION_OUTPUT link carries, on the CPU; its parts are also found by name in brackets."""

    image_embeds: Tensor  # (B, projected), as pictures stand beside texts
    last_hidden_state: Tensor  # (B, places, width)
    penultimate_hidden_states: Tensor  # (B, places, width), before the last layer
    mm_projected: None = None  # what only encoders of language models have

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


@dataclass(frozen=True, eq=False)
class Vision:
    """The value a CLIP_VISION link carries: a frozen encoder, and how it wants pictures."""

    network: nn.Module
    image: int  # pixels along one side of what it sees
    name: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.network.parameters()).dtype

    def encode_image(self, image: Tensor, crop: bool = True) -> Seen:
        """What it says of pictures (B, H, W, C) in 0..1, of their centre or of all squeezed. Raises OutOfMemory."""
        if image.ndim != 4 or image.shape[-1] < 3:
            msg = f"the pictures are a tensor of the shape {tuple(image.shape)}; it should be (batch, height, width, 3)"
            raise ValueError(msg)
        with torch.no_grad(), memory.named_shortage(f"looking at pictures with {self.name}", self.device):
            parts = [
                self._pass(prepared(some, self.image, self.mean, self.std, crop=crop))
                for some in image.split(_TOGETHER)
            ]
        vectors, last, penultimate = (torch.cat(each) for each in zip(*parts, strict=True))
        return Seen(vectors, last, penultimate)

    def encode_nothing(self) -> Seen:
        """What it says of an empty picture, of its mean colour: what pictures as prompts stand against."""
        with torch.no_grad(), memory.named_shortage(f"looking at a picture with {self.name}", self.device):
            return Seen(*self._pass(torch.zeros(1, 3, self.image, self.image)))

    def _pass(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pixels (B, 3, side, side) as it takes them -> vector, last and penultimate states."""
        with resident(self.network, self._work(len(pixels)), f"looking at pictures with {self.name}"):
            out: Any = self.network(pixel_values=pixels.to(self.device, self.dtype), output_hidden_states=True)
        vector = out.image_embeds if hasattr(out, "image_embeds") else out.pooler_output
        return tuple(each.float().cpu() for each in (vector, out.last_hidden_state, out.hidden_states[-2]))

    def _work(self, pictures: int) -> int:
        """Bytes that a pass takes beside the weights: the states of all layers, and the widest layer's values."""
        config: Any = self.network.config
        places = (self.image // config.patch_size) ** 2 + 1
        values = places * config.hidden_size * (config.num_hidden_layers + _WIDEST)
        return pictures * values * self.dtype.itemsize


def required(vision: Vision | None) -> Vision:
    """The encoder on a link. Raises ValueError where there is none, or a checkpoint had none."""
    if vision is None:
        msg = "there is no encoder of pictures on the clip_vision input: connect a CLIPVisionLoader"
        raise ValueError(f"{msg}, or an unCLIP checkpoint that holds one")
    return vision


def prepared(image: Tensor, side: int, mean: tuple[float, ...], std: tuple[float, ...], *, crop: bool) -> Tensor:
    """Pictures (B, H, W, C) in 0..1 as encoders take them: (B, 3, side, side), normalised from 8 bits.

    The shorter side becomes `side`, and the middle of the longer one is kept; without `crop` both are squeezed to it.
    """
    x = image[..., :3].movedim(-1, 1)
    height, width = x.shape[-2:]
    scale = side / min(height, width)
    size = (round(scale * height), round(scale * width)) if crop else (side, side)
    if size != (height, width):
        room.require(f"resizing {len(x)} pictures to {size[1]} x {size[0]}", len(x), 3, *size)
        x = interpolate(x, size=size, mode="bicubic", antialias=True)
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    x = x[..., top : top + side, left : left + side]
    x = (_WHITE * x).clamp(0, _WHITE).round() / _WHITE
    shift, spread = (torch.tensor(each, dtype=x.dtype, device=x.device).view(3, 1, 1) for each in (mean, std))
    return (x - shift) / spread
