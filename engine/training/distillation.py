"""Distillation of a diffusion model into one that needs 1 to 4 steps: latent consistency models (Luo et al. 2023).

The student learns a consistency function f: from any point of the teacher's way from noise to picture, to its end. A
step of DDIM with the guided teacher leads from each noisy latent to the next one of the same way, and f should say the
same of both. Classifier-free guidance is part of the way, so that the student is sampled at CFG 1.

What is learnt is what sampling asks for: the student is read through `LcmPrediction`, with its skip at every one of the
fifty levels of `LcmLevels`, which is what ModelSamplingDiscrete "lcm" sets and the sampler `lcm` walks on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, cast

import torch
from torch import Generator, Tensor, nn

from engine.diffusion import parameterisation
from engine.diffusion.drive import alone
from engine.diffusion.levels import DiscreteLevels, LcmLevels
from engine.diffusion.model import Model
from engine.diffusion.parameterisation import beside
from engine.diffusion.sampling import ksampler
from engine.diffusion.text.clip import Clip
from engine.diffusion.vae import Vae
from engine.training.adapters import Adapter, adapt_unet, lora_tensors
from engine.training.average import Average
from engine.training.captions import reading_of
from engine.training.checkpoint import mass
from engine.training.copies import model_with, trainable
from engine.training.denoising import DenoisingTask, Objective, aimed, task_of
from engine.training.loop import Batch, Trained, learning, train
from engine.training.lora import Rank, TrainedLora
from engine.training.pictures import Pictures
from engine.training.recipe import Recipe
from engine.training.targets import draw_times

Loss = Literal["huber", "l2"]

_HUBER = 0.001  # where the pseudo-Huber loss turns from a parabola into a line, in units of latents
_STEPS = 1000  # that the teacher's levels are numbered by
_LATE = 1 << 20  # updates: the network that follows has the same decay from its first step on
_SHOWN, _SHOWN_STEPS, _SHOWN_SEED = 4, 4, 1


@dataclass(frozen=True)
class Distillation:
    """How a teacher is distilled."""

    cfg: float = 4.0  # of the teacher; it becomes a part of the student
    skip: int = 1  # levels, of fifty, that one step of DDIM goes down
    loss: Loss = "huber"
    follow: float = 0.95  # decay of the network whose answer is the target; 0: the student itself

    def __post_init__(self) -> None:
        if not 1 <= self.skip <= 50:
            msg = f"skip is {self.skip}; a step of the solver goes down by 1 to 50 of fifty levels"
            raise ValueError(msg)


class Distilled(NamedTuple):
    """A model that is sampled in a few steps at CFG 1, and the run."""

    model: Model
    run: Trained


@dataclass(frozen=True)
class DistillationTask:
    """A student that begins as its teacher, and the latents and captions that both see."""

    teacher: Model
    base: DenoisingTask  # its model's network is the student
    how: Distillation
    kind: str

    @property
    def name(self) -> str:
        return f"{self.kind} at CFG {self.how.cfg:g} on {self.base.of}"

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        return self.base.modules

    @property
    def count(self) -> int:
        return self.base.count

    @property
    def device(self) -> torch.device:
        return self.base.device

    @property
    def student(self) -> Model:
        """The model as it is sampled."""
        return as_consistency_model(self.base.model)

    def fetch(self, rows: Sequence[int], generator: Generator) -> Batch:
        return self.base.fetch(rows, generator)

    def loss(self, batch: Batch, generator: Generator) -> Tensor:
        x0, ids = batch
        table = self.student.levels.table
        index = draw_times(len(x0), len(table), "uniform", generator)
        below = index - self.how.skip
        sigma = table[index].to(x0.device)
        sigma_next = torch.where(below >= 0, table[below.clamp(min=0)], 0).to(x0.device)
        noise = torch.randn(x0.shape, generator=generator).to(x0.device)
        x = self.student.levels.noised(x0, noise, sigma)
        states = self.base.states(ids)
        with torch.no_grad():
            x_next = self.stepped(x, sigma, sigma_next, states)
            said = self.target(x_next, table[below.clamp(min=0)].to(x0.device), states)
            # Without noise the way is at its end, and its last point is the answer: the boundary condition.
            wanted = torch.where(beside(below >= 0, x).to(x.device), said, x_next)
        return difference(self.consistency(x, sigma, states), wanted, self.how.loss)

    def stepped(self, x: Tensor, sigma: Tensor, sigma_next: Tensor, states: Tensor) -> Tensor:
        """x (B, C, h, w) moved from sigma to sigma_next, (B,) each, by a step of DDIM with the guided teacher."""
        model = self.teacher
        empty = self.empty.expand(len(x), -1, -1)
        twice, levels = x.repeat(2, 1, 1, 1), sigma.repeat(2)
        scaled = model.parameterisation.scale_input(twice, levels)
        output = self.calls.call(scaled, model.levels.timestep(levels), torch.cat([states, empty]))
        with_text, without = model.parameterisation.x0(twice, levels, output[:, : x.shape[1]].float()).chunk(2)
        x0 = without + self.how.cfg * (with_text - without)
        return x0 + (x - x0) * beside(sigma_next / sigma, x)

    def target(self, x: Tensor, sigma: Tensor, states: Tensor) -> Tensor:
        """The consistency function of the network that follows the student."""
        self.following.update(_LATE)
        narrow = torch.is_autocast_enabled(x.device.type)
        # Without its cache, which would give the student the weights of the other one.
        with (
            self.following.in_place(),
            torch.autocast(x.device.type, torch.bfloat16, enabled=narrow, cache_enabled=False),
        ):
            return self.consistency(x, sigma, states)

    def consistency(self, x: Tensor, sigma: Tensor, states: Tensor) -> Tensor:
        """f(x, sigma) of the student: clean latents (B, C, h, w) float32."""
        model = self.student
        scaled = model.parameterisation.scale_input(x, sigma)
        output = self.base.call(scaled, model.levels.timestep(sigma), states)
        return model.parameterisation.x0(x, sigma, output[:, : x.shape[1]].float())

    @cached_property
    def calls(self) -> DenoisingTask:
        """The same task with the teacher's network, for calls of it."""
        return replace(self.base, model=self.teacher)

    @cached_property
    def empty(self) -> Tensor:
        """The text (1, 77, width) of no caption."""
        return self.base.states(self.base.empty[None].to(self.device))

    @cached_property
    def following(self) -> Average:
        """The network that gives the targets; a run that is resumed begins with it where the student is."""
        return Average(learning(self.modules), self.how.follow)

    def samples(self) -> Tensor | None:
        """Pictures of the first captions in four steps, always from the same noise."""
        if self.base.vae is None:
            return None
        states = self.base.states(self.base.ids[:_SHOWN].to(self.device)).float().cpu()
        latent = {"samples": torch.zeros(len(states), *self.base.latents.shape[1:])}
        text = [(states, {})]
        asked = ksampler(self.student, _SHOWN_SEED, _SHOWN_STEPS, 1.0, "lcm", "simple", text, text, latent)
        return self.base.vae.decode(alone(asked)["samples"])


def as_consistency_model(model: Model) -> Model:
    """The model as ModelSamplingDiscrete "lcm" sets it: fifty levels, and outputs read through the skip."""
    levels = model.levels
    if isinstance(levels, LcmLevels):
        return model
    assert isinstance(levels, DiscreteLevels)
    fifty = LcmLevels(levels)
    return replace(model, levels=fifty, parameterisation=parameterisation.lcm(fifty))


def distill(
    model: Model,
    clip: Clip,
    vae: Vae,
    pictures: Pictures,
    recipe: Recipe,
    how: Distillation | None = None,
    store: Path | None = None,
) -> Distilled:
    """Distil a model into a copy of itself. Raises ValueError for models that predict no noise, and as `train`."""
    how = how or Distillation()
    with torch.inference_mode(False):
        network = trainable(model.patched)
        task = _task("a consistency model", model, network, clip, vae, pictures, how)
    run = train(_compiled(task, recipe), recipe, store)
    return Distilled(as_consistency_model(model_with(model, network)), run)


def distill_lora(
    model: Model,
    clip: Clip,
    vae: Vae,
    pictures: Pictures,
    recipe: Recipe,
    rank: Rank,
    how: Distillation | None = None,
    store: Path | None = None,
) -> TrainedLora:
    """Distil a model into a LoRA for it, of all its linear layers and convolutions (Luo et al. 2023, LCM-LoRA).

    Raises as `distill`.
    """
    how = how or Distillation()
    with torch.inference_mode(False):
        network = trainable(model.patched)
        adapters = adapt_unet(network, "all", rank.rank, rank.alpha, Generator().manual_seed(recipe.seed))
        kind = f"a consistency LoRA of rank {rank.rank} for a UNet of {mass(model.network.parameters())}"
        task = _task(kind, model, network, clip, vae, pictures, how)
    task = replace(task, base=replace(task.base, trained=dict(adapters.items())))
    run = train(_compiled(task, recipe), recipe, store)
    return TrainedLora(lora_tensors(cast("Mapping[str, Adapter]", adapters)), run)


def difference(made: Tensor, wanted: Tensor, kind: Loss) -> Tensor:
    """The mean squared difference, or the mean pseudo-Huber one, sqrt(d² + c²) - c, which outliers weigh less in."""
    squared = (made - wanted).square()
    return squared.mean() if kind == "l2" else ((squared + _HUBER**2).sqrt() - _HUBER).mean()


def _task(
    kind: str, model: Model, network: nn.Module, clip: Clip, vae: Vae, pictures: Pictures, how: Distillation
) -> DistillationTask:
    model = _with_noise(aimed(model, "as the model"))
    teacher = replace(model, network=trainable(model.patched).requires_grad_(False).eval(), patches=())
    text = trainable(clip.towers[reading_of(clip).tower].patched).requires_grad_(False)
    student = replace(model, network=network, patches=())
    base = task_of(student, text, clip, vae, pictures, Objective(dropped=0.0))
    return DistillationTask(teacher, base, how, kind)


def _compiled(task: DistillationTask, recipe: Recipe) -> DistillationTask:
    return replace(task, base=replace(task.base, is_compiled=recipe.compiled))


def _with_noise(model: Model) -> Model:
    """The model, if a consistency model can be made of it."""
    if model.parameterisation != parameterisation.EPSILON or len(model.levels.table) != _STEPS:
        msg = (
            f"a model with {type(model.parameterisation).__name__} and {len(model.levels.table)} levels cannot be "
            f"distilled; one that predicts noise and has {_STEPS} levels can, because consistency models do too"
        )
        raise ValueError(msg)
    return model
