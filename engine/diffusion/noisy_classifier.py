"""A classifier of noisy latents: a small convolutional network that is told how much noise there is, and its file.

It is what guidance by a classifier follows (Dhariwal & Nichol 2021, section 4): trained on latents of every level.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.device import place
from engine.device.place import Placement
from engine.weights.read import BadFile, Tensors, open_tensors

_KEY = "heddle_classifier"
_GROUPS = 8
_FREQUENCIES = 16  # of the embedding of a level's logarithm


@dataclass(frozen=True)
class ClassifierShape:
    """All that a network is built from: its labels in order, the channels of a latent, and the widths of its levels."""

    labels: tuple[str, ...]
    channels: int = 4
    widths: tuple[int, ...] = (64, 128)

    def __post_init__(self) -> None:
        if len(self.labels) < 2 or len(set(self.labels)) < len(self.labels):
            msg = f"a classifier tells two or more different labels apart, not {', '.join(self.labels) or 'none'}"
            raise ValueError(msg)
        if not self.widths or any(width < _GROUPS or width % _GROUPS for width in self.widths):
            msg = f"the widths of a classifier are {self.widths}; they should be multiples of {_GROUPS}"
            raise ValueError(msg)


class Residual(nn.Module):
    """Two convolutions beside a shortcut; the level of noise scales and shifts what is between them."""

    def __init__(self, width: int, out: int, told: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(_GROUPS, width), nn.Conv2d(width, out, 3, padding=1)
        self.told = nn.Linear(told, 2 * out)
        self.norm2, self.conv2 = nn.GroupNorm(_GROUPS, out), nn.Conv2d(out, out, 3, padding=1)
        self.shortcut = nn.Conv2d(width, out, 1)

    def forward(self, h: Tensor, told: Tensor) -> Tensor:
        """h (B, width, h, w), told (B, told) -> (B, out, h, w)."""
        scale, shift = self.told(told)[..., None, None].chunk(2, dim=1)
        made = self.norm2(self.conv1(nn.functional.silu(self.norm1(h)))) * (1 + scale) + shift
        return self.shortcut(h) + self.conv2(nn.functional.silu(made))


class NoisyClassifier(nn.Module):
    """Logits (B, labels) for noisy latents of unit variance: levels of two residual blocks, each half the size."""

    def __init__(self, shape: ClassifierShape) -> None:
        super().__init__()
        told = 4 * shape.widths[0]
        self.embed = nn.Sequential(nn.Linear(2 * _FREQUENCIES, told), nn.SiLU(), nn.Linear(told, told), nn.SiLU())
        self.enter = nn.Conv2d(shape.channels, shape.widths[0], 3, padding=1)
        into = (shape.widths[0], *shape.widths)
        self.blocks = nn.ModuleList(
            Residual(narrow, wide, told)
            for before, width in zip(into, shape.widths, strict=False)
            for narrow, wide in ((before, width), (width, width))
        )
        self.leave = nn.Sequential(
            nn.GroupNorm(_GROUPS, shape.widths[-1]), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(shape.widths[-1], len(shape.labels)),
        )  # fmt: skip

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """x (B, C, h, w) of any size = x0 + sigma * noise, sigma (B,) above 0 -> (B, labels)."""
        told = self.embed(_waves(sigma))
        h = self.enter(x / (sigma.view(-1, 1, 1, 1) ** 2 + 1).sqrt())
        for number, block in enumerate(self.blocks):
            if number and number % 2 == 0 and min(h.shape[2:]) > 1:
                h = nn.functional.avg_pool2d(h, 2)
            h = block(h, told)
        return self.leave(h)


def _waves(sigma: Tensor) -> Tensor:
    """The logarithms of levels (B,) as sines and cosines (B, 32), of waves from 1/8 of a turn to many."""
    turns = torch.exp(torch.linspace(math.log(0.125), math.log(8), _FREQUENCIES, device=sigma.device))
    angles = sigma.float().log()[:, None] * turns
    return torch.cat([angles.sin(), angles.cos()], dim=1)


@dataclass(frozen=True, eq=False)
class LatentClassifier:
    """A network with its labels, as CLASSIFIER links carry it."""

    network: NoisyClassifier
    shape: ClassifierShape

    @property
    def labels(self) -> tuple[str, ...]:
        return self.shape.labels

    def log_probability(self, x: Tensor, sigma: Tensor, label: Tensor) -> Tensor:
        """log p(label | x), (B,), for x (B, C, h, w) = x0 + sigma * noise. Raises ValueError for what does not fit."""
        if x.ndim != 4 or x.shape[1] != self.shape.channels:
            msg = f"this classifier knows latents of {self.shape.channels} channels, not of shape {tuple(x.shape)}"
            raise ValueError(msg)
        if label.max() >= len(self.labels) or label.min() < 0:
            known = ", ".join(f"{number} {word}" for number, word in enumerate(self.labels))
            msg = f"this classifier has no label {int(label.max())}; it has {known}"
            raise ValueError(msg)
        logits = self.network(x, sigma.clamp(min=1e-3))
        return logits.float().log_softmax(1).gather(1, label[:, None])[:, 0]


def new_classifier(shape: ClassifierShape, seed: int) -> LatentClassifier:
    """A classifier that has learnt nothing yet, its weights drawn from the seed."""
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LatentClassifier(NoisyClassifier(shape), shape)


def write_classifier(path: Path, classifier: LatentClassifier, texts: Mapping[str, str]) -> None:
    """Write a safetensors file of float16, with what the network is built from, and these texts, in its metadata."""
    tensors = {name: tensor.half().cpu().contiguous() for name, tensor in classifier.network.state_dict().items()}
    save_file(tensors, path, {"format": "pt", **texts, _KEY: json.dumps(asdict(classifier.shape))})


def load_classifier(path: Path, placement: Placement | None = None) -> LatentClassifier:
    """Load such a file; weights compute in float32. Raises FileNotFoundError, and BadFile for any other."""
    placement = placement or place.current()
    tensors = open_tensors(path)
    shape = _shape(tensors)
    with torch.inference_mode(False):  # guidance differentiates through the network
        made = new_classifier(shape, 0)
        try:
            made.network.load_state_dict({name: tensors[name].float().clone() for name in tensors})
        except RuntimeError as error:
            raise BadFile(path, f"holds weights that do not fit its own description: {error}") from None
        made.network.to(placement.device).eval().requires_grad_(False)
    return made


def _shape(tensors: Tensors) -> ClassifierShape:
    try:
        found = json.loads(tensors.metadata[_KEY])
        return ClassifierShape(tuple(found["labels"]), int(found["channels"]), tuple(found["widths"]))
    except (KeyError, TypeError, ValueError):
        msg = "is no classifier of noisy latents: its metadata names no labels; TrainClassifier writes such files"
        raise BadFile(tensors.path, msg) from None
