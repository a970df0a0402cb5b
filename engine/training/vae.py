"""Training an autoencoder: it learns to give pictures back through a small latent (Rombach et al. 2022, section 3.1).

The loss is the difference of pixels, the difference of their edges at three scales, which keeps outlines and small
things sharp without another network, and the Kullback-Leibler divergence that holds latents together.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from engine.diffusion.vae import Vae
from engine.training.compiled import faster
from engine.training.copies import settled, trainable
from engine.training.dataset import learnt_from, measured_on
from engine.training.latent_scale import normalise
from engine.training.loop import Batch, Trained, train
from engine.training.pictures import Pictures, cropped
from engine.training.recipe import Recipe

Difference = Literal["l1", "mse"]

_SCALES = 3  # of the edges: full, half and quarter size
_HELD = 64  # pictures that are kept for measuring, at most a tenth of all
_SHOWN = 4
_TOGETHER = 16  # pictures of full size at once, without gradients


@dataclass(frozen=True)
class Losses:
    """What an autoencoder is trained to keep small. Pixels are in -1..1."""

    pixels: Difference = "l1"
    edges: float = 0.5  # weight of the differences between neighbouring pixels; 0: none
    kl: float = 1e-6  # weight of the divergence for each number of a latent, summed over them

    def of(self, made: Tensor, wanted: Tensor, moments: Tensor) -> Tensor:
        """The loss of pictures (B, 3, H, W), made and wanted, and of the latents' moments (B, 2 C, h, w)."""
        difference = functional.l1_loss if self.pixels == "l1" else functional.mse_loss
        loss = difference(made, wanted)
        if self.edges:
            loss = loss + self.edges * _edges(made, wanted)
        if self.kl:
            loss = loss + self.kl * _divergence(moments)
        return loss


class TrainedVae(NamedTuple):
    """A trained autoencoder, its run, and the peak signal-to-noise ratio of pictures it had not seen, in dB."""

    vae: Vae
    run: Trained
    psnr: float


@dataclass(frozen=True)
class VaeTask:
    """An autoencoder and the pictures that it learns from."""

    module: Any
    pictures: Pictures
    losses: Losses
    crop: int
    learnt: int  # how many pictures are learnt from; those after them are measured
    factor: int = 8  # pixels to a side of a latent cell
    is_compiled: bool = False

    @property
    def name(self) -> str:
        return f"a VAE on {self.pictures.name}"

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        return {"vae": self.module}

    @property
    def count(self) -> int:
        return self.learnt

    @property
    def device(self) -> torch.device:
        return next(self.module.parameters()).device

    def fetch(self, rows: Sequence[int], generator: Generator) -> Batch:
        planes = self.pictures.batch(rows)
        whole = cropped(planes, self.crop, generator) if self.crop else planes
        return (whole.contiguous(memory_format=torch.channels_last),)

    def loss(self, batch: Batch, generator: Generator) -> Tensor:
        (planes,) = batch
        height, width = planes.shape[2] // self.factor, planes.shape[3] // self.factor
        channels = self.module.config.latent_channels
        noise = torch.randn((len(planes), channels, height, width), generator=generator).to(planes.device)
        made, moments = self.through(planes, noise)
        return self.losses.of(made.float(), planes, moments.float())

    @cached_property
    def through(self) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Pictures and noise for their latents -> pictures made, and the latents' moments."""

        def encode_and_decode(planes: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
            moments = self.module.quant_conv(self.module.encoder(planes))
            mean, logvar = moments.float().chunk(2, dim=1)
            latent = mean + noise * (logvar.clamp(-30, 20) / 2).exp()
            return self.module.decode(latent, return_dict=False)[0], moments

        return faster(encode_and_decode, self.is_compiled)

    def samples(self) -> Tensor:
        """Pictures that were held back, and below each what became of it."""
        pixels = self.pictures.pixels(self.measured[:_SHOWN])
        vae = Vae(self.module)
        return torch.cat([pixels, vae.decode(vae.encode(pixels))])

    @property
    def measured(self) -> range:
        """The pictures that were held back, or some of the others where there are too few for that."""
        return measured_on(self.learnt, len(self.pictures), _HELD)


def train_vae(
    vae: Vae, pictures: Pictures, recipe: Recipe, losses: Losses | None = None, crop: int = 0, store: Path | None = None
) -> TrainedVae:
    """Train a copy of an autoencoder and scale its latents for SD 1.x. `crop` is a side in pixels, 0: whole pictures.

    The last tenth of the pictures, at most 64, is kept for measuring. Raises ValueError for pictures or crops that
    are no whole number of latent cells, and as `train`.
    """
    height, width = pictures.planes.shape[2:]
    for what, side in (("pictures", height), ("pictures", width), ("crops", crop)):
        if side % vae.factor:
            msg = f"{what} of {side} pixels a side do not fit the VAE: it takes multiples of {vae.factor}"
            raise ValueError(msg)
    module: Any = trainable(_network(vae))
    learnt = learnt_from(len(pictures), _HELD)
    task = VaeTask(module, pictures, losses or Losses(), crop, learnt, vae.factor, recipe.compiled)
    run = train(task, recipe, store)
    module.eval()
    normalise(module, encode_all(Vae(module), pictures, range(min(learnt, 512))))
    made = Vae(settled(module, vae.device, torch.float32))  # bfloat16 would round away what was learnt
    return TrainedVae(made, run, psnr(made, pictures, task.measured))


@torch.no_grad()
def encode_all(vae: Vae, pictures: Pictures, rows: Iterable[int]) -> Tensor:
    """The mean latents (N, C, h, w) of these pictures."""
    numbers = list(rows)
    parts = [numbers[at : at + _TOGETHER] for at in range(0, len(numbers), _TOGETHER)]
    return torch.cat([vae.encode(pictures.pixels(part)) for part in parts])


@torch.no_grad()
def psnr(vae: Vae, pictures: Pictures, rows: Sequence[int]) -> float:
    """The mean over pictures of their peak signal-to-noise ratio after encoding and decoding, in dB."""
    found: list[Tensor] = []
    for at in range(0, len(rows), _TOGETHER):
        pixels = pictures.pixels(rows[at : at + _TOGETHER])
        error = (vae.decode(vae.encode(pixels)) - pixels).square().flatten(1).mean(1)
        found.append(-10 * error.clamp(min=1e-10).log10())
    return torch.cat(found).mean().item()


def _network(vae: Vae) -> nn.Module:
    if not isinstance(vae.module, nn.Module) or not hasattr(vae.module, "quant_conv"):
        msg = f"a VAE of the kind {type(vae.module).__name__} cannot be trained; one of SD 1.x can"
        raise ValueError(msg)
    return vae.module


def _edges(made: Tensor, wanted: Tensor) -> Tensor:
    """The mean absolute difference of both pictures' gradients, over three scales."""
    error = made - wanted
    loss = error.new_zeros(())
    for scale in range(_SCALES):
        if scale:
            error = functional.avg_pool2d(error, 2)
        loss = loss + error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return loss / _SCALES


def _divergence(moments: Tensor) -> Tensor:
    """From a unit normal distribution, summed over a latent's numbers, the mean over pictures."""
    mean, logvar = moments.chunk(2, dim=1)
    logvar = logvar.clamp(-30, 20)
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar).flatten(1).sum(1).mean()
