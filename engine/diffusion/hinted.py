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
from engine.pictures.resample import repeat_batch, resize

N = TypeVar("N")
Features = tuple[Tensor, ...]


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
    _seen: dict[tuple[int, int], Features] = field(default_factory=dict[tuple[int, int], Features], repr=False)

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
        is kept for the next call of the same size.
        """
        height, width = call.x.shape[-2:]
        if (height, width) not in self._seen:
            tall, wide = (-(-HINT_CELL * side // cell) * cell for side in (height, width))
            planes = resize(self.hint[..., :3].movedim(-1, 1), wide, tall, "nearest-exact", "center")
            made = see(planes)
            self._seen.clear()
            self._seen[height, width] = made
        return tuple(
            torch.cat([repeat_batch(each, count) for count in call.rows]) for each in self._seen[height, width]
        )


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
