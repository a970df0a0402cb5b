"""The smallest things that training works on: a few drawn pictures, a model of a few layers, and one number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Generator, Tensor, nn

from engine.diffusion.families.load import Checkpoint
from engine.training.dataset import Example
from engine.training.new_model import Sizes, new_model

SIZES = Sizes(
    unet_widths=(32, 64), unet_depths=(1, 0), vae_widths=(32, 32, 32, 32), text_width=16, text_layers=1
)  # fmt: skip


@dataclass(frozen=True)
class Discs:
    """Pictures of a disc on a plain ground, red or green by turns."""

    count: int = 8
    side: int = 32

    @property
    def name(self) -> str:
        return "discs"

    @property
    def size(self) -> tuple[int, int]:
        return self.side, self.side

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Example:
        word, colour = (("red", (220, 40, 40)), ("green", (40, 200, 60)))[index % 2]
        picture = Image.new("RGB", self.size, (20, 30, 90))
        left = 2 + index % 8
        ImageDraw.Draw(picture).ellipse((left, 6, left + 18, 24), fill=colour)
        return Example(torch.from_numpy(np.asarray(picture).copy()).float() / 255, f"a {word} disc")


def tiny() -> Checkpoint:
    """A model, text encoder and autoencoder of a few layers, always the same."""
    return new_model(SIZES, seed=3)


@dataclass
class Line:
    """A task without pictures: one layer learns to give x back doubled, with noise drawn for every batch."""

    layer: nn.Linear = field(default_factory=lambda: _layer())
    broken_from: int = 1 << 30  # the batch from which the loss is no number
    batches: int = 0

    @property
    def name(self) -> str:
        return "a line"

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        return {"layer": self.layer}

    @property
    def count(self) -> int:
        return 10

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def fetch(self, rows: Sequence[int], generator: Generator) -> tuple[Tensor, ...]:
        return (torch.tensor([[float(row), 1.0] for row in rows]),)

    def loss(self, batch: tuple[Tensor, ...], generator: Generator) -> Tensor:
        (x,) = batch
        self.batches += 1
        noise = 0.01 * torch.randn(x.shape, generator=generator)
        loss = (self.layer(x + noise) - 2 * x).square().mean()
        return loss * float("nan") if self.batches > self.broken_from else loss

    def samples(self) -> Tensor | None:
        return None


def _layer() -> nn.Linear:
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.1, 0.2], [-0.3, 0.4]]))
        layer.bias.zero_()
    return layer
