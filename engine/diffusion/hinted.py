"""What controls on a prompt have in common: a network, the picture that it sees, how strongly it steers, and when."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from engine.diffusion.calls import Call
from engine.diffusion.calls import Control as CallControl
from engine.diffusion.families.control_network import HINT_CELL
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.model import Model
from engine.diffusion.tiling import Window
from engine.pictures.resample import repeat_batch, resize

N = TypeVar("N")
Features = tuple[Tensor, ...]
_Place = tuple[tuple[int, int], Window | None]


@dataclass(frozen=True, eq=False)
class Hinted(Generic[N]):
    """A network with its hint (B, H, W, 3) in 0..1, active from `start` to `end` as shares of the way from noise.

    `previous` is the control that the prompt had before; both count.
    """

    net: N
    hint: Tensor
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    previous: CallControl | None = None
    _seen: dict[_Place, Features] = field(default_factory=dict[_Place, Features], repr=False)

    def __post_init__(self) -> None:
        if self.hint.ndim != 4 or self.hint.shape[-1] not in (3, 4):
            msg = f"the hint is a tensor of the shape {tuple(self.hint.shape)}; it should be pictures (B, H, W, 3)"
            raise ValueError(msg)

    def is_active(self, call: Call) -> bool:
        """Whether it counts at the call's level of noise."""
        levels = call.model.levels
        return levels.at_percent(self.end) <= call.sigma[0].item() <= levels.at_percent(self.start)

    def features(self, call: Call, cell: int, see: Callable[[Tensor], Features]) -> Features:
        """What `see` makes of the hint (B, 3, H, W), for the rows of a call: each (rows, …).

        The hint is resized to the latent's size in pixels, rounded up to whole cells of this many pixels. What was seen
        is kept for the next call of the same size. Tiles are shown their part of it.
        """
        size = (call.x.shape[-2], call.x.shape[-1])
        windows = call.windows or (None,) * len(call.rows)
        seen = [self._seen_in(size if window is None else window.whole, window, cell, see) for window in windows]
        rows = [[repeat_batch(each, count) for each in made] for made, count in zip(seen, call.rows, strict=True)]
        return tuple(torch.cat(each) for each in zip(*rows, strict=True))

    def _seen_in(
        self, size: tuple[int, int], window: Window | None, cell: int, see: Callable[[Tensor], Features]
    ) -> Features:
        """What is seen of the hint over a latent of this size, or over a tile of it."""
        if (size, window) not in self._seen:
            made = see(self._planes(size, window, cell))
            if any(_are_apart((size, window), each) for each in self._seen):
                self._seen.clear()
            self._seen[size, window] = made
        return self._seen[size, window]

    def _planes(self, size: tuple[int, int], window: Window | None, cell: int) -> Tensor:
        planes = self.hint[..., :3].movedim(-1, 1)
        if window is not None:
            planes = window.crop(_resized(planes, size, HINT_CELL), HINT_CELL)
            size = (window.height, window.width)
        return _resized(planes, size, cell)


def _are_apart(one: _Place, other: _Place) -> bool:
    """Whether two places are no tiles of one division: only those are kept together."""
    (size, a), (other_size, b) = one, other
    return a is None or b is None or size != other_size or (a.height, a.width) != (b.height, b.width)


def _resized(planes: Tensor, size: tuple[int, int], cell: int) -> Tensor:
    """Pixels (B, 3, H, W) over a latent of this size, in whole cells of this many pixels."""
    tall, wide = (-(-HINT_CELL * side // cell) * cell for side in size)
    return resize(planes, wide, tall, "nearest-exact", "center")


class Steering(Protocol):
    """What a CONTROL_NET link carries: a network that becomes a control together with a picture."""

    @property
    def name(self) -> str: ...

    def control(
        self, hint: Tensor, strength: float, start: float, end: float, previous: CallControl | None
    ) -> CallControl:
        """The control of a prompt with this hint (B, H, W, 3) in 0..1, strength, range and control before it."""
        ...


def stable_diffusion(model: object, name: str) -> tuple[Model, StableDiffusion]:
    """A call's model and its family, if it is one of the Stable Diffusion kind. Raises ValueError."""
    if not isinstance(model, Model) or not isinstance(model.family, StableDiffusion):
        msg = f"{name} steers UNets of SD 1.x, SD 2.x and SDXL, and this model is of another kind"
        raise ValueError(msg)
    return model, model.family
