"""A fresh model in the layout of SD 1.x, of any size: weights as training wants to find them, and nothing learnt."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.device import place
from engine.device.place import Placement
from engine.diffusion import latent_format, parameterisation
from engine.diffusion.families.autoencoder import build_autoencoder
from engine.diffusion.families.load import Checkpoint
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.families.unet import build_unet
from engine.diffusion.levels import DiscreteLevels
from engine.diffusion.model import Model
from engine.diffusion.text.clip import Clip
from engine.diffusion.text.towers import clip_from_tensors
from engine.diffusion.text.vocabulary import CLIP_SIZE
from engine.diffusion.vae import Vae
from engine.training.copies import settled
from engine.training.thumbnail import start_as_thumbnail
from engine.weights.recognise import Recognised
from engine.weights.unet_shape import UNetShape

_GROUPS = 32  # of all group norms: channels come in multiples of it
_LEVELS = 4  # of the autoencoder: three halvings, 8 pixels to a latent cell, as nodes for SD latents expect
_POSITIONS = 77
_CHANNELS = 4  # of a latent


@dataclass(frozen=True)
class Sizes:
    """How wide and deep each part is. Widths go from the finest level to the coarsest."""

    unet_widths: tuple[int, ...] = (64, 128, 256)
    unet_blocks: int = 1  # residual blocks in a level of the encoder; the decoder has one more
    unet_depths: tuple[int, ...] = (1, 1, 0)  # transformers behind each block of a level; the middle always has one
    vae_widths: tuple[int, ...] = (96, 64, 128, 128)  # a finest level of 96 or more starts far better
    vae_blocks: int = 1
    text_width: int = 128
    text_layers: int = 4
    learned_variance: bool = False  # twice the channels out: the variance of sampling's steps beside the noise

    def __post_init__(self) -> None:
        for name, widths in (("unet_widths", self.unet_widths), ("vae_widths", self.vae_widths)):
            if not widths or any(width < _GROUPS or width % _GROUPS for width in widths):
                msg = f"{name} are {widths}; they should be multiples of {_GROUPS}, one for each level"
                raise ValueError(msg)
        if len(self.unet_depths) != len(self.unet_widths) or min(self.unet_depths) < 0:
            msg = f"unet_depths are {self.unet_depths}; they should be one number from 0 up for each unet_width"
            raise ValueError(msg)
        if len(self.vae_widths) != _LEVELS:
            msg = f"vae_widths has {len(self.vae_widths)} levels; an SD 1.x autoencoder has {_LEVELS}"
            raise ValueError(msg)
        if self.text_width < 8 or self.text_width % 8:
            msg = f"text_width is {self.text_width}; it should be a multiple of 8"
            raise ValueError(msg)

    @property
    def unet(self) -> UNetShape:
        """The UNet's shape as loaders read it off a file."""
        return UNetShape(
            in_channels=_CHANNELS,
            out_channels=2 * _CHANNELS if self.learned_variance else _CHANNELS,
            widths=self.unet_widths,
            encoder=tuple((depth,) * self.unet_blocks for depth in self.unet_depths),
            middle=1,
            decoder=tuple((depth,) * (self.unet_blocks + 1) for depth in reversed(self.unet_depths)),
            context=self.text_width,
        )


def new_model(sizes: Sizes, seed: int = 0, placement: Placement | None = None) -> Checkpoint:
    """A model that predicts noise, its text encoder and its autoencoder, drawn from the seed.

    All weights are numbers of float16, so that a saved model is half the size and loads to the same bits. Raises
    ValueError for sizes that fit no module.
    """
    placement = placement or place.current()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        unet = _drawn(build_unet(sizes.unet, "eight"))
        autoencoder = _drawn(build_autoencoder(sizes.vae_widths, sizes.vae_blocks, _CHANNELS))
        clip = _text(sizes, placement)
    _start_at_nothing(unet, "conv2", "proj_out", "conv_out")
    _start_at_nothing(autoencoder, "conv2", "to_out.0")
    start_as_thumbnail(autoencoder)
    found = Recognised("sd15", sizes.unet)
    family = StableDiffusion(found, latent_format.SD15)
    network = settled(unet, placement.device, placement.dtype)
    model = Model(network, family, DiscreteLevels(), parameterisation.EPSILON)
    return Checkpoint(model, clip, Vae(settled(autoencoder, placement.device, torch.float32)))


def parameters_of(made: Checkpoint) -> dict[str, int]:
    """How many numbers each part of a checkpoint has."""
    parts: dict[str, Any] = {"unet": made.model.network}
    if made.clip is not None:
        parts |= {f"text {name}": tower.network for name, tower in made.clip.towers.items()}
    if made.vae is not None:
        parts["vae"] = made.vae.module
    return {name: sum(each.numel() for each in part.parameters()) for name, part in parts.items()}


def _drawn(module: Any) -> Any:
    """A module without memory gets weights as its layers draw them by themselves."""
    module.to_empty(device="cpu")
    for layer in module.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return module


def _start_at_nothing(network: nn.Module, *last: str) -> None:
    """Each block begins by adding nothing, and a UNet by predicting nothing (Ho et al. 2020)."""
    for name, layer in network.named_modules():
        is_last = any(name == each or name.endswith(f".{each}") for each in last)
        if is_last and isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.requires_grad_(False).weight.zero_()
            if layer.bias is not None:  # pyright: ignore[reportUnnecessaryComparison] (layers may have none)
                layer.bias.zero_()


def _text(sizes: Sizes, placement: Placement) -> Clip:
    """A text encoder with CLIP's own spreads of weights (Radford et al. 2021, section 2.4)."""
    width, layers = sizes.text_width, sizes.text_layers
    inner, deep = width**-0.5, (2 * layers) ** -0.5
    tensors: dict[str, Tensor] = {
        "text_model.embeddings.token_embedding.weight": torch.randn(CLIP_SIZE, width) * 0.02,
        "text_model.embeddings.position_embedding.weight": torch.randn(_POSITIONS, width) * 0.01,
    }

    def add(name: str, out: int, of: int, spread: float) -> None:
        tensors[f"{name}.weight"] = torch.randn(out, of) * spread
        tensors[f"{name}.bias"] = torch.zeros(out)

    def add_norm(name: str) -> None:
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = torch.ones(width), torch.zeros(width)

    for layer in range(layers):
        stem = f"text_model.encoder.layers.{layer}"
        for part in ("q_proj", "k_proj", "v_proj"):
            add(f"{stem}.self_attn.{part}", width, width, inner * deep)
        add(f"{stem}.self_attn.out_proj", width, width, inner)
        add(f"{stem}.mlp.fc1", 4 * width, width, (2 * width) ** -0.5)
        add(f"{stem}.mlp.fc2", width, 4 * width, inner * deep)
        add_norm(f"{stem}.layer_norm1")
        add_norm(f"{stem}.layer_norm2")
    add_norm("text_model.final_layer_norm")
    return clip_from_tensors("sd1", {"l": tensors}, placement)
