"""The pictures of a dataset as one tensor of bytes, drawn once before training so that no step waits for them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod

import torch
from torch import Generator, Tensor

from engine.device import memory
from engine.node.context import report
from engine.training.dataset import Dataset

_THREADS = 4
_TOGETHER = 64  # pictures between two reports


@dataclass(frozen=True)
class Pictures:
    """All pictures of a dataset (N, 3, H, W) uint8, and their captions."""

    planes: Tensor
    captions: tuple[str, ...]
    name: str

    def __len__(self) -> int:
        return len(self.planes)

    def batch(self, rows: Sequence[int]) -> Tensor:
        """Pictures (B, 3, H, W) float32 in -1..1."""
        return self.planes[list(rows)].float() / 127.5 - 1

    def pixels(self, rows: Sequence[int]) -> Tensor:
        """Pictures (B, H, W, 3) float32 in 0..1, as nodes pass them on."""
        return self.planes[list(rows)].movedim(1, -1).float() / 255


def draw_all(dataset: Dataset) -> Pictures:
    """Draw or read every example. Raises ValueError for an empty dataset, and OutOfMemory before it begins."""
    count = len(dataset)
    width, height = dataset.size
    if count < 1:
        msg = f"the dataset {dataset.name} is empty: there is nothing to learn from"
        raise ValueError(msg)
    shape = (count, 3, height, width)
    memory.check_room(prod(shape), torch.device("cpu"), f"the {count} pictures of {dataset.name}")
    planes = torch.empty(shape, dtype=torch.uint8)
    captions = [""] * count

    def draw(index: int) -> None:
        image, captions[index] = dataset[index]
        if tuple(image.shape) != (height, width, 3):
            got = " x ".join(map(str, reversed(image.shape[:2])))
            msg = f"{dataset.name}: picture {index} is {got}, and the dataset says {width} x {height}"
            raise ValueError(msg)
        planes[index] = image.clamp(0, 1).mul(255).round().movedim(-1, 0).to(torch.uint8)

    with torch.inference_mode(False), ThreadPoolExecutor(_THREADS, "pictures") as threads:
        planes = planes.clone()  # a tensor made under inference mode could not be used in training
        for start in range(0, count, _TOGETHER):
            list(threads.map(draw, range(start, min(count, start + _TOGETHER))))
            report(min(count, start + _TOGETHER), count)
    return Pictures(planes, tuple(captions), f"{dataset.name} ({count} of {width} x {height})")


def cropped(planes: Tensor, side: int, generator: Generator) -> Tensor:
    """A square of `side` pixels out of each picture (B, 3, H, W), at a place of its own; smaller sides stay whole."""
    height, width = planes.shape[2:]
    tall, wide = min(side, height), min(side, width)
    tops = torch.randint(height - tall + 1, (len(planes),), generator=generator).tolist()
    lefts = torch.randint(width - wide + 1, (len(planes),), generator=generator).tolist()
    parts = [each[:, y : y + tall, x : x + wide] for each, y, x in zip(planes, tops, lefts, strict=True)]
    return torch.stack(parts)
