"""Training a ControlNet: a copy of a model's encoder learns to steer it by pictures (Zhang, Rao and Agrawala 2023).

The model and its text encoder stay as they are. The layers between the two begin at zero, so that the first step starts
from what the model does by itself. Captions are left out often, so that the pictures must say what is wanted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Generator, Tensor, nn

from engine.diffusion.control import Control, ControlNet
from engine.diffusion.families.control_network import HINT_CELL, ControlNetwork, start_at_nothing
from engine.diffusion.model import Model
from engine.diffusion.text.clip import Clip
from engine.diffusion.vae import Vae
from engine.training.captions import reading_of
from engine.training.checkpoint import mass
from engine.training.compiled import faster
from engine.training.copies import settled, trainable
from engine.training.dataset import Dataset
from engine.training.denoising import DenoisingTask, Objective, aimed, task_of
from engine.training.loop import Batch, Trained, train
from engine.training.pictures import Pictures, draw_all
from engine.training.recipe import Recipe

DROPPED = 0.5
"""The share of captions that is left out, as in the paper."""

_SHOWN = 4
_COMPARED, _TOGETHER = 64, 16  # examples that the gain is measured on, and how many of them at once
_SEED = 11


class TrainedControl(NamedTuple):
    """A ControlNet in float16 numbers, the run, and mean losses with the ControlNet and without, on the same noise."""

    net: ControlNet
    run: Trained
    loss: float
    loss_without: float


@dataclass(frozen=True)
class ControlTask:
    """A ControlNet that learns, and the hints of the pictures that its frozen model draws."""

    base: DenoisingTask
    net: ControlNetwork
    hints: Pictures
    is_compiled: bool = False

    @property
    def name(self) -> str:
        return f"{self.base.kind} on {self.base.of}, hints {self.hints.name}"

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        return {"control": self.net}

    @property
    def count(self) -> int:
        return len(self.hints)

    @property
    def device(self) -> torch.device:
        return self.base.device

    def fetch(self, rows: Sequence[int], generator: Generator) -> Batch:
        return (*self.base.fetch(rows, generator), self.hints.pixels(rows).movedim(-1, 1))

    def loss(self, batch: Batch, generator: Generator) -> Tensor:
        x0, ids, hint = batch
        states = self.base.states(ids)
        return self.base.error(x0, generator, lambda x, times: self.call(x, times, states, hint))

    @cached_property
    def call(self) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
        """The steered network: scaled latents, times (B,), text and hints (B, 3, 8 h, 8 w) -> its output."""
        model, net = self.base.model, self.net

        def called(x: Tensor, times: Tensor, states: Tensor, hint: Tensor) -> Tensor:
            told = net(x, times, states, net.features(hint), None)
            return model.family.call(model.network, x, times, states, {}, (told.hook,))

        return faster(called, self.is_compiled)

    def samples(self) -> Tensor | None:
        """The first hints, and under them what the model draws by them."""
        shown = self.hints.pixels(range(min(_SHOWN, len(self.hints))))
        made = self.base.samples([Control(self.value, hint[None]) for hint in shown])
        return None if made is None else torch.cat([shown, made])

    @property
    def value(self) -> ControlNet:
        """The ControlNet as it is now."""
        family: Any = self.base.model.family
        return ControlNet(self.net, family.recognised.unet, "the ControlNet in training")


def train_control(
    model: Model,
    clip: Clip,
    vae: Vae,
    pictures: Pictures,
    hints: Pictures,
    recipe: Recipe,
    objective: Objective | None = None,
    store: Path | None = None,
) -> TrainedControl:
    """Train a ControlNet for a model as it is, patches included. Example i of `hints` is the hint of picture i.

    Raises ValueError, and as `train`.
    """
    objective = replace(objective or Objective(dropped=DROPPED), target="as the model", trains_text=False, flips=False)
    model = aimed(model, objective.target)
    check_hints(_extent(pictures), _extent(hints))
    network = trainable(model.patched).requires_grad_(False)
    text = trainable(clip.towers[reading_of(clip).tower].patched).requires_grad_(False)
    base = task_of(replace(model, network=network, patches=()), text, clip, vae, pictures, objective)
    base = replace(base, kind=f"a ControlNet for a UNet of {mass(model.network.parameters())}")
    task = ControlTask(base, fresh_network(model, recipe.seed), hints, recipe.compiled)
    run = train(task, recipe, store)
    losses = _losses(replace(task, is_compiled=False))  # batches of another size
    settled(task.net, model.device, model.dtype)
    return TrainedControl(replace(task.value, name="the trained ControlNet"), run, *losses)


def fresh_network(model: Model, seed: int) -> ControlNetwork:
    """A ControlNet that has learnt nothing: the model's own encoder, and new layers drawn from the seed."""
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = ControlNetwork(cast(UNet2DConditionModel, trainable(model.patched)))
        start_at_nothing(net)
        return net.to(model.device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def draw_hints(dataset: Dataset, hints: Dataset) -> Pictures:
    """All hints of a dataset. Raises ValueError where the two are not of the same length and size."""
    check_hints(*(Extent(each.name, len(each), *each.size) for each in (dataset, hints)))
    return draw_all(hints)


class Extent(NamedTuple):
    """How many pictures of how many pixels something holds."""

    name: str
    pictures: int
    width: int
    height: int


def check_hints(of: Extent, hints: Extent) -> None:
    """Raise ValueError unless counts, widths and heights agree and divide into latent cells."""
    if of.pictures != hints.pictures:
        msg = f"{hints.name} has {hints.pictures} hints and {of.name} has {of.pictures} pictures"
        raise ValueError(f"{msg}; hint i belongs to picture i, so both should be as many")
    if of[2:] != hints[2:]:
        msg = f"the hints of {hints.name} are {hints.width} x {hints.height} and the pictures of {of.name} are"
        raise ValueError(f"{msg} {of.width} x {of.height}; they should be of one size")
    if of.width % HINT_CELL or of.height % HINT_CELL:
        msg = f"pictures of {of.width} x {of.height} do not divide into latent cells of {HINT_CELL} pixels"
        raise ValueError(f"{msg}; take sizes that do")


def _extent(pictures: Pictures) -> Extent:
    count, _, height, width = pictures.planes.shape
    return Extent(pictures.name, count, width, height)


def _losses(task: ControlTask) -> tuple[float, float]:
    """Mean losses with the ControlNet and without it, on the same examples and noise."""
    sums = [0.0, 0.0]
    count = min(_COMPARED, task.count)
    with torch.inference_mode(False), torch.no_grad():
        for start in range(0, count, _TOGETHER):
            rows = range(start, min(count, start + _TOGETHER))
            batch = tuple(each.to(task.device) for each in task.fetch(rows, _generator(start)))
            sums[0] += task.loss(batch, _generator(start)).item() * len(rows)
            sums[1] += task.base.loss(batch[:2], _generator(start)).item() * len(rows)
    return sums[0] / count, sums[1] / count


def _generator(start: int) -> Generator:
    return Generator().manual_seed(_SEED + start)
