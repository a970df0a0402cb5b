"""Training a diffusion model on latents, its text encoder with it or frozen (Ho et al. 2020; Rombach et al. 2022).

Pictures are encoded once, before the first step. Captions are left out now and then, so that the model also learns
what classifier-free guidance compares with (Ho & Salimans 2022).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from engine.diffusion.calls import Control
from engine.diffusion.drive import alone
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.levels import DiscreteLevels
from engine.diffusion.model import Model
from engine.diffusion.sampling import ksampler
from engine.diffusion.text.clip import Clip
from engine.diffusion.text.transformer import ClipTransformer
from engine.diffusion.vae import Vae
from engine.node.context import report
from engine.training.captions import Reading, reading_of, token_ids
from engine.training.checkpoint import mass
from engine.training.compiled import faster
from engine.training.copies import clip_with, model_with, trainable
from engine.training.loop import Batch, Trained, is_narrow, train
from engine.training.pictures import Pictures
from engine.training.recipe import Recipe
from engine.training.targets import TARGETS, Drawing, Target, draw_times, target_of, weight_of
from engine.training.variance import variance_bound

_TOGETHER = 16  # pictures encoded at once
_SHOWN, SHOWN_STEPS, _SHOWN_CFG = 4, 12, 4.0
_SHOWN_SEED = 1


@dataclass(frozen=True)
class Objective:
    """What a model is trained for."""

    target: Target = "as the model"
    drawing: Drawing = "uniform"
    min_snr: float = 5.0  # gamma; 0: every level of noise counts alike
    dropped: float = 0.1  # share of captions that are left out
    trains_text: bool = False
    flips: bool = False  # pictures also mirrored: only where captions name no sides
    variance: float = 0.0  # lambda of the bound on variances, for networks that have channels for them; 0: none


class TrainedModel(NamedTuple):
    """A trained model with its text encoder, and the run."""

    model: Model
    clip: Clip
    run: Trained


@dataclass(frozen=True)
class DenoisingTask:
    """A network, a text encoder, and the latents and captions that they learn from."""

    model: Model  # with the network that learns
    text: ClipTransformer
    reading: Reading
    latents: Tensor  # (N or 2 N, C, h, w), as the network wants them
    ids: Tensor  # (N, 77)
    empty: Tensor  # (77,), the ids of no caption
    objective: Objective
    of: str  # the pictures' name
    vae: Vae | None = None  # for samples
    kind: str = "a diffusion model"
    trained: Mapping[str, nn.Module] | None = None  # where not the network and the text encoder are
    is_compiled: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind} on {self.of}"

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        if self.trained is not None:
            return self.trained
        text: dict[str, nn.Module] = {"text": self.text} if self.objective.trains_text else {}
        return {"unet": self.model.network, **text}

    @property
    def count(self) -> int:
        return len(self.latents)

    @property
    def device(self) -> torch.device:
        return self.model.device

    def fetch(self, rows: Sequence[int], generator: Generator) -> Batch:
        numbers = torch.tensor(list(rows))
        ids = self.ids[numbers % len(self.ids)]
        is_dropped = torch.rand(len(numbers), generator=generator) < self.objective.dropped
        return self.latents[numbers], torch.where(is_dropped[:, None], self.empty, ids)

    def loss(self, batch: Batch, generator: Generator) -> Tensor:
        x0, ids = batch
        states = self.states(ids)
        return self.error(x0, generator, lambda x, times: self.call(x, times, states))

    def error(self, x0: Tensor, generator: Generator, call: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """How far what `call` puts out, for scaled noisy latents (B, C, h, w) and times (B,), is from the target."""
        model, objective = self.model, self.objective
        table = model.levels.table
        drawn = draw_times(len(x0), len(table), objective.drawing, generator)
        noise = torch.randn(x0.shape, generator=generator).to(x0.device)
        sigma = table[drawn].to(x0.device)
        x = model.levels.noised(x0, noise, sigma)
        kind = model.parameterisation
        told = call(kind.scale_input(x, sigma), drawn.to(x0.device).float()).float()
        output, spreads = told[:, : x0.shape[1]], told[:, x0.shape[1] :]
        wanted = target_of(kind, x0, noise, sigma.view(-1, 1, 1, 1))
        apart = (output - wanted).square().flatten(1).mean(1) * weight_of(kind, sigma, objective.min_snr)
        if objective.variance and spreads.shape[1]:
            below = torch.where(drawn > 0, table[(drawn - 1).clamp(min=0)], 0).to(x0.device)
            bound = variance_bound(x0, kind.x0(x, sigma, output), spreads, sigma, below)
            apart = apart + objective.variance * len(table) * bound  # the bound is a sum over all steps
        return apart.mean()

    @cached_property
    def call(self) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        """The network: scaled latents, times (B,) and text -> its output."""
        family, network = self.model.family, self.model.network

        def called(x: Tensor, times: Tensor, states: Tensor) -> Tensor:
            return family.call(network, x, times, states, {}, ())

        return faster(called, self.is_compiled)

    def states(self, ids: Tensor) -> Tensor:
        """The text (B, 77, width); with gradients where the text encoder learns."""
        if any(each.requires_grad for each in self.text.parameters()):
            return self.reading.states(self.text, ids)
        with torch.no_grad():
            return self.reading.states(self.text, ids)

    def samples(self, controls: Sequence[Control | None] = (None,) * _SHOWN) -> Tensor | None:
        """Pictures of the first captions, by DPM++ 2M in a few steps, always from the same noise.

        Each is steered by the control of its place.
        """
        if self.vae is None:
            return None
        ids = self.ids[:_SHOWN]
        texts = self.states(torch.cat([ids, self.empty[None]]).to(self.device)).float().cpu()
        height, width = self.latents.shape[2:]
        made: list[Tensor] = []
        for text, control in zip(texts[:-1], controls, strict=False):
            latent = {"samples": torch.zeros(1, self.latents.shape[1], height, width)}
            positive, negative = ([(each[None], {"control": control})] for each in (text, texts[-1]))
            asking = ksampler(
                self.model,
                _SHOWN_SEED,
                SHOWN_STEPS,
                _SHOWN_CFG,
                "dpmpp_2m",
                "karras",
                positive,
                negative,
                latent,
            )
            made.append(alone(asking)["samples"])
        return self.vae.decode(torch.cat(made))


def train_denoising(
    model: Model,
    clip: Clip,
    vae: Vae,
    pictures: Pictures,
    recipe: Recipe,
    objective: Objective | None = None,
    store: Path | None = None,
) -> TrainedModel:
    """Train a copy of a model, and of its text encoder if the objective says so. Raises ValueError, and as `train`."""
    objective = objective or Objective()
    model = aimed(model, objective.target)
    tower = reading_of(clip).tower
    network = trainable(model.patched)
    text = trainable(clip.towers[tower].patched)
    if not objective.trains_text:
        text.requires_grad_(False)
    task = task_of(replace(model, network=network, patches=()), text, clip, vae, pictures, objective)
    run = train(replace(task, is_compiled=recipe.compiled), recipe, store)
    return TrainedModel(
        model_with(model, network), clip_with(clip, tower, text) if objective.trains_text else clip, run
    )


def task_of(
    model: Model, text: ClipTransformer, clip: Clip, vae: Vae, pictures: Pictures, objective: Objective
) -> DenoisingTask:
    """The task of a model whose network is ready to learn, with all pictures encoded and captions read."""
    reading = reading_of(clip)
    tower = clip.towers[reading.tower]
    return DenoisingTask(
        model,
        text,
        reading,
        latents_of(model, vae, pictures, objective.flips),
        token_ids(tower, pictures.captions),
        token_ids(tower, [""])[0],
        objective,
        f"{pictures.name} through a VAE of {mass(vae.module.parameters())}",
        vae,
    )


def aimed(model: Model, target: Target) -> Model:
    """The model with the parameterisation of this target. Raises ValueError for models that cannot be trained."""
    family = model.family
    if not isinstance(family, StableDiffusion) or family.recognised.unet.vector is not None:
        msg = f"models of the family {family.name} cannot be trained today; those of SD 1.x and 2.x can"
        raise ValueError(msg)
    if family.recognised.concat:
        msg = f"this model takes further channels beside the latent ({family.recognised.concat})"
        raise ValueError(msg + ": only plain ones can be trained today")
    if not isinstance(model.levels, DiscreteLevels):
        msg = f"a model with levels of the kind {type(model.levels).__name__} cannot be trained; numbered steps can"
        raise ValueError(msg)
    return model if target == "as the model" else replace(model, parameterisation=TARGETS[target])


def latents_of(model: Model, vae: Vae, pictures: Pictures, flips: bool) -> Tensor:
    """All pictures encoded, as the network wants them: (N, C, h, w), and N mirrored ones after them with `flips`.

    In bfloat16 where that is quick: far more exact than the noise that latents are trained under.
    """
    made: list[Tensor] = []
    device = vae.device
    narrow = torch.autocast(device.type, torch.bfloat16, enabled=is_narrow(Recipe(), device))
    with torch.inference_mode(False), torch.no_grad(), narrow:
        for is_mirrored in (False, True) if flips else (False,):
            for start in range(0, len(pictures), _TOGETHER):
                pixels = pictures.pixels(range(start, min(len(pictures), start + _TOGETHER)))
                made.append(vae.encode(pixels.flip(2) if is_mirrored else pixels))
                report(min(len(pictures), start + _TOGETHER), len(pictures))
        return model.latent_format.process_in(torch.cat(made).float()).cpu()
