"""The analytic model as a predictor: the conditioning's token value chooses the distribution."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from engine.device.account import check_room
from engine.diffusion.conditioning import Made
from engine.diffusion.latent_format import IDENTITY, LatentFormat
from engine.diffusion.levels import Levels
from engine.diffusion.model import BlockHook, Hooks
from tests.diffusion.analytic import LEVELS, SET_A, SET_B, SET_C

SETS = {"A": SET_A, "B": SET_B, "C": SET_C}


@dataclass(frozen=True)
class AnalyticModel:
    """Predicts x0 exactly; `calls` counts the rows of every call."""

    levels: Levels = LEVELS["sd1_eps"]
    latent_format: LatentFormat = IDENTITY
    hooks: Hooks = field(default_factory=Hooks)
    repeats_text: bool = True
    bytes_per_cell: int = 0
    calls: list[int] = field(default_factory=list)

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def fits_whole(self, work: int) -> bool:
        return True

    def require(self, work: int, what: str) -> None:
        check_room(work, self.device, what)

    def sparing(self) -> AbstractContextManager[None]:
        return nullcontext()

    def extras(self, entry: Mapping[str, Any], latent: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
        return {}

    def predict(
        self,
        x: Tensor,
        sigma: Tensor,
        context: Tensor,
        extras: Mapping[str, Tensor],
        blocks: tuple[BlockHook, ...] = (),
    ) -> Tensor:
        self.calls.append(len(x))
        rows = zip(x, sigma, context, strict=True)
        return torch.stack(
            [
                tuple(SETS.values())[int(text[0, 0])].denoise(row[None], level, self.levels.is_flow)[0]
                for row, level, text in rows
            ]
        )


def text(dist: str = "A", tokens: int = 77, **settings: Any) -> Made:
    """A conditioning of one entry that stands for a distribution."""
    return [(torch.full((1, tokens, 4), float("ABC".index(dist))), settings)]


def mask_of(record: Mapping[str, Any]) -> Tensor:
    """A mask (H, W) as reference figures describe it."""
    height, width = record["size"]
    if record["type"] == "rect":
        top, bottom, left, right = record["rect"]
        mask = torch.zeros(height, width)
        mask[top:bottom, left:right] = 1
        return mask
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    return 0.5 + 0.5 * torch.sin(record.get("a", 0.4) * rows + record.get("b", 0.9) * columns)
