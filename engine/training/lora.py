"""Training a LoRA: a small file that teaches a model, and if wanted its text encoder, a style or a thing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, cast

import torch
from torch import Generator, Tensor

from engine.diffusion.model import Model
from engine.diffusion.text.clip import Clip
from engine.diffusion.vae import Vae
from engine.training.adapters import Adapter, Layers, adapt_text, adapt_unet, lora_tensors
from engine.training.captions import reading_of
from engine.training.checkpoint import mass
from engine.training.copies import trainable
from engine.training.denoising import Objective, aimed, task_of
from engine.training.loop import Trained, train
from engine.training.pictures import Pictures
from engine.training.recipe import Recipe


@dataclass(frozen=True)
class Rank:
    """How large a LoRA is: `rank` numbers between a layer's input and output, and `alpha` / rank as its scale."""

    rank: int = 8
    alpha: float = 8.0
    layers: Layers = "attention"  # of the UNet; "transformers": all in them, "all": convolutions too

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha <= 0:
            msg = f"a LoRA of rank {self.rank} and alpha {self.alpha} changes nothing: rank should be 1 or more"
            raise ValueError(msg + " and alpha above 0")


class TrainedLora(NamedTuple):
    """The tensors of a LoRA file, float16 in the names of kohya's scripts, and the run."""

    tensors: Mapping[str, Tensor]
    run: Trained


def train_lora(
    model: Model,
    clip: Clip,
    vae: Vae,
    pictures: Pictures,
    recipe: Recipe,
    rank: Rank | None = None,
    objective: Objective | None = None,
    store: Path | None = None,
) -> TrainedLora:
    """Train a LoRA for a model as it is, patches included. Raises ValueError, and as `train`."""
    rank = rank or Rank()
    objective = replace(objective or Objective(), target="as the model")
    model = aimed(model, objective.target)
    with torch.inference_mode(False):
        generator = Generator().manual_seed(recipe.seed)
        network = trainable(model.patched)
        adapters = dict(adapt_unet(network, rank.layers, rank.rank, rank.alpha, generator).items())
        text = trainable(clip.towers[reading_of(clip).tower].patched).requires_grad_(False)
        if objective.trains_text:
            adapters |= dict(adapt_text(text, rank.rank, rank.alpha, generator).items())
    size = mass(model.network.parameters())
    ready = task_of(replace(model, network=network, patches=()), text, clip, vae, pictures, objective)
    kind = f"a LoRA of rank {rank.rank} for a UNet of {size}"
    run = train(replace(ready, kind=kind, trained=adapters, is_compiled=recipe.compiled), recipe, store)
    return TrainedLora(lora_tensors(cast("Mapping[str, Adapter]", adapters)), run)
