"""Training a classifier of noisy latents, for guidance by its gradient (Dhariwal & Nichol 2021, section 4)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from engine.diffusion.levels import Levels
from engine.diffusion.model import Model
from engine.diffusion.noisy_classifier import ClassifierShape, LatentClassifier, new_classifier
from engine.diffusion.vae import Vae
from engine.training.checkpoint import mass
from engine.training.compiled import faster
from engine.training.copies import rounded
from engine.training.dataset import learnt_from, measured_on
from engine.training.denoising import aimed, latents_of
from engine.training.loop import Batch, Trained, train
from engine.training.pictures import Pictures
from engine.training.recipe import Recipe
from engine.training.targets import draw_times

_HELD = 512  # examples that are kept for measuring, at most a tenth of all
_MEASURED = (0.02, 0.25, 0.5, 0.75, 0.98)  # of the way from no noise to the most
_MEASURING_SEED = 1


class Labelled(NamedTuple):
    """Which examples name a label, each label as a number, and how many examples name none."""

    rows: tuple[int, ...]
    labels: tuple[int, ...]
    left_out: int


class TrainedClassifier(NamedTuple):
    """A classifier, the run, the share of held-back examples it is right about by level, and who was left out."""

    classifier: LatentClassifier
    run: Trained
    accuracy: Mapping[str, float]
    left_out: int


@dataclass(frozen=True)
class ClassifierTask:
    """A network, and the latents and labels that it learns from."""

    network: nn.Module
    levels: Levels
    latents: Tensor  # (N, C, h, w), as samplers see them
    labels: Tensor  # (N,) int64
    learnt: int  # the examples from here on are held back
    of: str
    on: torch.device
    is_compiled: bool = False

    @property
    def name(self) -> str:
        return f"a classifier on {self.of}"

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        return {"classifier": self.network}

    @property
    def count(self) -> int:
        return self.learnt

    @property
    def device(self) -> torch.device:
        return self.on

    def fetch(self, rows: Sequence[int], generator: Generator) -> Batch:
        numbers = torch.tensor(list(rows))
        return self.latents[numbers], self.labels[numbers]

    def loss(self, batch: Batch, generator: Generator) -> Tensor:
        x0, labels = batch
        table = self.levels.table
        sigma = table[draw_times(len(x0), len(table), "uniform", generator)].to(x0.device)
        noise = torch.randn(x0.shape, generator=generator).to(x0.device)
        logits = self.call(self.levels.noised(x0, noise, sigma), sigma)
        return nn.functional.cross_entropy(logits.float(), labels)

    @cached_property
    def call(self) -> Callable[[Tensor, Tensor], Tensor]:
        """Noisy latents and their levels -> logits."""

        def called(x: Tensor, sigma: Tensor) -> Tensor:
            return self.network(x, sigma)

        return faster(called, self.is_compiled)

    def samples(self) -> Tensor | None:
        return None

    @torch.no_grad()
    def accuracy(self) -> dict[str, float]:
        """The share of right answers about the examples that were held back, by sigma."""
        rows = measured_on(self.learnt, len(self.latents), _HELD)
        x0, labels = self.latents[list(rows)].to(self.device), self.labels[list(rows)].to(self.device)
        noise = torch.randn(x0.shape, generator=Generator().manual_seed(_MEASURING_SEED)).to(self.device)
        found: dict[str, float] = {}
        for share in _MEASURED:
            sigma = self.levels.table[round(share * (len(self.levels.table) - 1))].to(self.device).expand(len(x0))
            x = self.levels.noised(x0, noise, sigma)
            said = torch.cat([self.network(*part).argmax(1) for part in zip(x.split(64), sigma.split(64), strict=True)])
            found[f"{sigma[0].item():.3g}"] = round((said == labels).float().mean().item(), 4)
        return found


def labels_of(captions: Sequence[str], words: Sequence[str]) -> Labelled:
    """The label of each caption: the first of `words` that it names, as whole words and in any case.

    A label may have several names, as in `noon/midday`. Raises ValueError for a label that no caption has.
    """
    patterns = [_pattern(word) for word in words]
    found = [next((n for n, each in enumerate(patterns) if each.search(text)), None) for text in captions]
    missing = [word for number, word in enumerate(words) if number not in found]
    if missing:
        msg = f"no caption among {len(captions)} has the label {', '.join(map(repr, missing))}"
        raise ValueError(f"{msg}; the first caption is {captions[0]!r}" if captions else msg)
    there = [(row, label) for row, label in enumerate(found) if label is not None]
    return Labelled(tuple(row for row, _ in there), tuple(label for _, label in there), len(captions) - len(there))


def _pattern(word: str) -> re.Pattern[str]:
    names = "|".join(re.escape(name.strip()) for name in word.split("/") if name.strip())
    return re.compile(rf"(?<!\w)(?:{names})(?!\w)", re.IGNORECASE)


def train_classifier(
    model: Model,
    vae: Vae,
    pictures: Pictures,
    recipe: Recipe,
    words: Sequence[str],
    widths: tuple[int, ...] = (64, 128),
    store: Path | None = None,
) -> TrainedClassifier:
    """Train a classifier of the noisy latents that samplers of `model` see, by what captions say.

    The last tenth of the examples with a label, at most 512, is kept for measuring. Raises ValueError for labels that
    nothing has, for models with other than numbered steps, and as `train`.
    """
    model = aimed(model, "as the model")
    shape = ClassifierShape(tuple(words), model.latent_format.channels, widths)
    labelled = labels_of(pictures.captions, words)
    with torch.inference_mode(False):
        rows = torch.tensor(labelled.rows)
        kept = replace(pictures, planes=pictures.planes[rows], captions=tuple(words[n] for n in labelled.labels))
        made = new_classifier(shape, recipe.seed)
        made.network.to(model.device)
        task = ClassifierTask(
            made.network,
            model.levels,
            latents_of(model, vae, kept, flips=False),
            torch.tensor(labelled.labels),
            learnt_from(len(rows), _HELD),
            f"{pictures.name} by {', '.join(words)} through a VAE of {mass(vae.module.parameters())}",
            model.device,
            recipe.compiled,
        )
    run = train(task, recipe, store)
    rounded(made.network)
    return TrainedClassifier(made, run, task.accuracy(), labelled.left_out)
