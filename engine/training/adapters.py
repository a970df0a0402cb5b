"""Low-rank changes of frozen layers, which learn in the layers' place (Hu et al. 2021)."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import torch
from torch import Generator, Tensor, nn

Layers = Literal["attention", "transformers", "all"]

_ATTENTION = (".to_q", ".to_k", ".to_v", ".to_out.0")  # of a UNet, as diffusers names them
_FEED_FORWARD = (".ff.net.0.proj", ".ff.net.2", ".proj_in", ".proj_out")
_LAYERS: Mapping[Layers, tuple[str, ...]] = {
    "attention": _ATTENTION,
    "transformers": (*_ATTENTION, *_FEED_FORWARD),
    "all": ("",),  # convolutions too
}
_TEXT = (".q_proj", ".k_proj", ".v_proj", ".out_proj", ".fc1", ".fc2")


class Adapted(nn.Module):
    """A frozen linear layer and `up` times `down` beside it, scaled by alpha / rank; it begins as the layer alone."""

    def __init__(self, layer: nn.Linear, rank: int, alpha: float, generator: Generator) -> None:
        super().__init__()
        self.layer = layer
        self.alpha, self.scale = alpha, alpha / rank
        spread = 1 / math.sqrt(layer.in_features)
        down = (torch.rand(rank, layer.in_features, generator=generator) * 2 - 1) * spread
        self.down = nn.Parameter(down.to(layer.weight.device))
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank, device=layer.weight.device))

    def forward(self, x: Tensor) -> Tensor:
        """x (…, in) -> (…, out)."""
        low = nn.functional.linear(x, self.down)
        return self.layer(x) + nn.functional.linear(low, self.up) * self.scale


class AdaptedConvolution(nn.Module):
    """A frozen convolution whose weight is changed by `up` times `down`, scaled as that of a linear layer.

    The change is added to the weight before the layer is called, which is what loading a LoRA does.
    """

    def __init__(self, layer: nn.Conv2d, rank: int, alpha: float, generator: Generator) -> None:
        super().__init__()
        self.layer = layer
        self.alpha, self.scale = alpha, alpha / rank
        inner = layer.weight[0].shape  # (in, height, width) of the kernel
        down = (torch.rand(rank, *inner, generator=generator) * 2 - 1) / math.sqrt(inner.numel())
        self.down = nn.Parameter(down.to(layer.weight.device))
        self.up = nn.Parameter(torch.zeros(layer.out_channels, rank, 1, 1, device=layer.weight.device))

    def forward(self, x: Tensor) -> Tensor:
        """x (B, in, h, w) -> (B, out, h', w')."""
        layer = self.layer
        change = (self.up.flatten(1) @ self.down.flatten(1)).view_as(layer.weight)
        weight = layer.weight + self.scale * change
        padding: Any = layer.padding
        return nn.functional.conv2d(x, weight, layer.bias, layer.stride, padding, layer.dilation, layer.groups)


Adapter = Adapted | AdaptedConvolution


def adapt_unet(unet: nn.Module, layers: Layers, rank: int, alpha: float, generator: Generator) -> nn.ModuleDict:
    """Freeze a UNet and adapt these layers of it, in place; the adapters by their names in files."""
    return _adapted(unet, "lora_unet_", _LAYERS[layers], rank, alpha, generator)


def adapt_text(text: nn.Module, rank: int, alpha: float, generator: Generator) -> nn.ModuleDict:
    """The same for a text encoder."""
    return _adapted(text, "lora_te_", _TEXT, rank, alpha, generator)


def lora_tensors(adapters: Mapping[str, Adapter]) -> dict[str, Tensor]:
    """Adapters as a file keeps them, float16: `NAME.lora_up.weight`, `NAME.lora_down.weight` and `NAME.alpha`."""
    return {name: tensor for key, adapter in adapters.items() for name, tensor in _tensors(key, adapter)}


def _tensors(name: str, adapter: Adapter) -> Iterator[tuple[str, Tensor]]:
    yield f"{name}.lora_up.weight", adapter.up.detach().half().cpu()
    yield f"{name}.lora_down.weight", adapter.down.detach().half().cpu()
    yield f"{name}.alpha", torch.tensor(adapter.alpha)


def _adapted(
    network: nn.Module, prefix: str, endings: tuple[str, ...], rank: int, alpha: float, generator: Generator
) -> nn.ModuleDict:
    """Adapters in the places of the layers with these endings. The rank of one is at most what its shape can have."""
    network.requires_grad_(False)
    layers = {
        name: layer
        for name, layer in network.named_modules()
        if isinstance(layer, (nn.Linear, nn.Conv2d)) and name.endswith(endings)
    }
    adapters: dict[str, Adapter] = {}
    for name, layer in layers.items():
        most = min(rank, len(layer.weight), layer.weight[0].numel())
        kind = Adapted if isinstance(layer, nn.Linear) else AdaptedConvolution
        adapters[name] = kind(layer, most, alpha * most / rank, generator)  # pyright: ignore[reportArgumentType]
        network.set_submodule(name, adapters[name])
    return nn.ModuleDict({prefix + name.replace(".", "_"): adapter for name, adapter in adapters.items()})
