"""Training an upscale model: a Compact network learns to give back what halving or quartering pictures took away.

The network is that of Real-ESRGAN's small models (Wang et al. 2021): convolutions at the small size, whose last one
holds all pixels of the large picture, added to the small picture's own pixels. Small pictures are made from crops of
large ones by antialiased bicubic interpolation; the loss is the difference of pixels, and of edges where they should
weigh more. Files are those that every loader of upscale models reads.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from spandrel.architectures.Compact import Compact
from torch import Generator, Tensor, nn
from torch.nn import functional

from engine.device import place
from engine.pictures.upscale import upscale
from engine.training.compiled import faster
from engine.training.dataset import learnt_from, measured_on
from engine.training.loop import Batch, Trained, train
from engine.training.pictures import Pictures, cropped
from engine.training.recipe import Recipe
from engine.weights.upscale_model import UpscaleModel, upscale_model

Numbers = Literal["float16", "float32"]

_HELD = 64  # pictures that are kept for measuring, at most a tenth of all
_SHOWN = 4
_SLOPE = 0.25  # of PReLU before it learns
_QUIET = 0.3  # the size of fresh features: at 1 the first steps of the last convolution would shake the picture


@dataclass(frozen=True)
class Size:
    """The network's scale, the channels of its convolutions, and how many lie between the first and the last."""

    scale: int = 2
    features: int = 64
    convolutions: int = 8


class TrainedUpscaler(NamedTuple):
    """An upscale model as its file gives it, the file's tensors, the run, and mean figures of `measured` pictures.

    Figures are peak signal-to-noise ratios, in dB, of pictures that training did not see: the model's and those of
    bicubic interpolation.
    """

    model: UpscaleModel
    tensors: dict[str, Tensor]
    run: Trained
    psnr: float
    psnr_bicubic: float
    measured: int


@dataclass(frozen=True)
class UpscalerTask:
    """A network and the pictures whose details it learns. `edges` weighs the differences of neighbouring pixels."""

    network: Compact
    pictures: Pictures
    scale: int
    crop: int  # the side of large crops, in pixels
    learnt: int  # how many pictures are learnt from; those after them are measured
    edges: float = 0.0
    is_compiled: bool = False

    @property
    def name(self) -> str:
        return f"an upscale model x{self.scale} on crops of {self.crop} of {self.pictures.name}"

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        return {"upscaler": self.network}

    @property
    def count(self) -> int:
        return self.learnt

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    def fetch(self, rows: Sequence[int], generator: Generator) -> Batch:
        whole = cropped(self.pictures.planes[list(rows)], self.crop, generator)
        large = _turned(whole, generator).float() / 255
        small = shrunk(large, self.scale)
        return tuple(each.contiguous(memory_format=torch.channels_last) for each in (small, large))

    def loss(self, batch: Batch, generator: Generator) -> Tensor:
        small, large = batch
        error = self.enlarge(small) - large
        loss = error.abs().mean()
        if self.edges:
            loss = loss + self.edges * (error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()) / 2
        return loss

    @cached_property
    def enlarge(self) -> Callable[[Tensor], Tensor]:
        """Small pictures (B, 3, H, W) -> large ones, float32."""
        return faster(self._enlarge, self.is_compiled)

    def _enlarge(self, small: Tensor) -> Tensor:
        # The network's own forward adds the picture in the numbers of its layers; bfloat16 would round pixels to 1/256.
        residual = small
        for layer in self.network.body:
            residual = layer(residual)
        pixels = functional.interpolate(small.float(), scale_factor=self.scale, mode="nearest")
        return functional.pixel_shuffle(residual.float(), self.scale) + pixels

    def samples(self) -> Tensor:
        """Pictures that were held back: enlarged by bicubic interpolation, by the network, and as they were."""
        large = torch.cat(list(measured(self.pictures, self.held[:_SHOWN], self.scale)))
        small = shrunk(large, self.scale)
        made = self._enlarge(small.to(self.device)).cpu().clamp(0, 1)
        return torch.cat([bicubic(small, self.scale), made, large]).movedim(1, -1)

    @property
    def held(self) -> range:
        """The pictures that were held back, or some of the others where there are too few for that."""
        return measured_on(self.learnt, len(self.pictures), _HELD)


def train_upscaler(
    pictures: Pictures,
    recipe: Recipe,
    size: Size | None = None,
    crop: int = 64,
    edges: float = 0.0,
    numbers: Numbers = "float16",
    store: Path | None = None,
) -> TrainedUpscaler:
    """Train a fresh upscale model. `crop` is the side of large crops in pixels, `numbers` what its file holds.

    The last tenth of the pictures, at most 64, is kept for measuring. Raises ValueError for crops that are no multiple
    of the scale or larger than the pictures, for weights beyond float16, and as `train`.
    """
    size = size or Size()
    height, width = pictures.planes.shape[2:]
    if crop % size.scale or not 0 < crop <= min(height, width):
        fitting = f"it should be a multiple of {size.scale} and fit into pictures of {width} x {height}"
        raise ValueError(f"crop is {crop}; {fitting}")
    learnt = learnt_from(len(pictures), _HELD)
    network = fresh_network(size, recipe.seed, place.current().device)
    task = UpscalerTask(network, pictures, size.scale, crop, learnt, edges, recipe.compiled)
    run = train(task, recipe, store)
    tensors = stored(network, getattr(torch, numbers))
    model = upscale_model(tensors, task.device)
    figures = [_psnrs(model, large) for large in measured(pictures, task.held, size.scale)]
    ours, theirs = (sum(each) / len(figures) for each in zip(*figures, strict=True))
    return TrainedUpscaler(model, tensors, run, ours, theirs, len(figures))


def fresh_network(size: Size, seed: int, device: torch.device | None = None) -> Compact:
    """A network that has learnt nothing: it repeats pixels, as its last convolution gives nothing yet."""
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Compact(num_feat=size.features, num_conv=size.convolutions, upscale=size.scale)
        for layer in network.body:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=_SLOPE)
                nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType] (these have one)
        with torch.no_grad():
            next(network.parameters()).mul_(_QUIET)
        nn.init.zeros_(network.body[-1].weight)  # pyright: ignore[reportArgumentType] (a convolution)
        return network.to(device or torch.device("cpu")).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def shrunk(large: Tensor, scale: int) -> Tensor:
    """Pictures (B, 3, H, W) in 0..1 at H / scale by W / scale, in the 256 values that files hold."""
    small = functional.interpolate(large, scale_factor=1 / scale, mode="bicubic", antialias=True)
    return small.clamp(0, 1).mul(255).round() / 255


def bicubic(small: Tensor, scale: int) -> Tensor:
    """Pictures (B, 3, H, W) enlarged as Pillow's BICUBIC does: the cubic of Keys (1981) with a = -1/2."""
    return functional.interpolate(small, scale_factor=scale, mode="bicubic", antialias=True).clamp(0, 1)


def measured(pictures: Pictures, rows: Sequence[int], scale: int) -> Iterator[Tensor]:
    """These pictures, each (1, 3, H, W) in 0..1, its sides cut to multiples of the scale."""
    height, width = (side - side % scale for side in pictures.planes.shape[2:])
    for row in rows:
        yield pictures.planes[row : row + 1, :, :height, :width].float() / 255


def psnr(made: Tensor, wanted: Tensor) -> float:
    """The peak signal-to-noise ratio of a picture in 0..1, in dB; at most 100."""
    return -10 * (made - wanted).square().mean().clamp(min=1e-10).log10().item()


def _psnrs(model: UpscaleModel, large: Tensor) -> tuple[float, float]:
    """Those of the model and of bicubic interpolation, for a picture (1, 3, H, W)."""
    small = shrunk(large, model.scale)
    made = upscale(model, small.movedim(1, -1), model.device).movedim(-1, 1)
    return psnr(made, large), psnr(bicubic(small, model.scale), large)


def _turned(planes: Tensor, generator: Generator) -> Tensor:
    """Squares (B, C, S, S), each in one of its eight positions: details come in every direction."""
    flips = torch.randint(2, (len(planes), 3), generator=generator).bool()
    for axis, dims in enumerate(((-1,), (-2,))):
        planes = torch.where(flips[:, axis, None, None, None], planes.flip(dims), planes)
    return torch.where(flips[:, 2, None, None, None], planes.transpose(-1, -2), planes)


def stored(network: Compact, dtype: torch.dtype) -> dict[str, Tensor]:
    """The weights as a file of these numbers holds them. Raises ValueError for weights beyond them."""
    made = {name: tensor.detach().to(dtype).cpu().contiguous() for name, tensor in network.state_dict().items()}
    for name, tensor in made.items():
        if not tensor.isfinite().all():
            msg = f"the weights of {name} are beyond float16 (65504); save the upscale model as float32"
            raise ValueError(msg)
    return made
