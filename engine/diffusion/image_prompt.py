"""IP-Adapters (Ye et al. 2023): pictures as prompts, which every cross-attention reads beside the text.

Decoupled cross-attention: the same queries attend to a picture's tokens with keys and values of their own, and what
they get is added, times a weight, to what the text gives. The tokens are the same at every step, so that keys and
values are made once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from engine.device import memory
from engine.device.resident import resident
from engine.diffusion.attention import attend
from engine.diffusion.hinted import stable_diffusion
from engine.diffusion.model import Attend, AttentionPlace, Block, Model, StandIn, is_within
from engine.diffusion.vision import Seen, Vision
from engine.weights.image_prompt_names import Kind
from engine.weights.unet_shape import UNetShape

if TYPE_CHECKING:
    from engine.diffusion.levels import Levels

Combining = Literal["concat", "add", "average"]
Layer = tuple[Block, int]  # of a transformer, in its block

_VALUES_PER_NUMBER = 16  # numbers alive per number of what was seen, while tokens are made of it
_PARTS = {"style": Block("output", 1), "composition": Block("input", 8)}  # of SDXL
_USUAL = {  # encoders, by what they tell: a vector, or places
    (True, 768): "CLIP ViT-L/14",
    (True, 1024): "CLIP ViT-H/14",
    (True, 1280): "CLIP ViT-bigG/14",
    (False, 1024): "CLIP ViT-L/14",
    (False, 1280): "CLIP ViT-H/14",
    (False, 1664): "CLIP ViT-bigG/14",
}


class ImagePrompter(nn.Module):
    """What a file holds: the projection of pictures to tokens, and keys and values for each cross-attention."""

    def __init__(self, projection: nn.Module, sizes: list[tuple[int, int]]) -> None:
        super().__init__()
        self.projection = projection
        self.keys = nn.ModuleList([nn.Linear(text, width, bias=False) for width, text in sizes])
        self.values = nn.ModuleList([nn.Linear(text, width, bias=False) for width, text in sizes])


@dataclass(frozen=True, eq=False)
class IPAdapter:
    """The value an IPADAPTER link carries: a frozen network, what of a picture it reads, and how wide that is."""

    network: ImagePrompter
    kind: Kind
    width: int
    name: str

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """The widths of each cross-attention that it was made for, and of its text."""
        return [cast("tuple[int, int]", tuple(cast(nn.Linear, each).weight.shape)) for each in self.network.keys]

    def read(self, seen: Seen) -> Tensor:
        """What it reads of pictures: (B, width) or (B, places, width). Raises ValueError for another encoder's."""
        read = seen.image_embeds if self.kind == "vector" else seen.penultimate_hidden_states
        if read.shape[-1] != self.width:
            msg = f"{self.name} reads {self.width} numbers of a picture, and this encoder tells {read.shape[-1]}"
            raise ValueError(f"{msg}: look at it with {_USUAL.get((self.kind == 'vector', self.width), 'another one')}")
        return read

    def unlike(self, read: Tensor, vision: Vision) -> Tensor:
        """What stands against as many pictures: no vector at all, or the places of an empty picture."""
        if self.kind == "vector":
            return torch.zeros_like(read)
        return self.read(vision.encode_nothing()).expand_as(read)

    def said(self, read: Tensor, unlike: Tensor, numbers: Iterable[int]) -> dict[int, tuple[Tensor, Tensor]]:
        """The keys and values, each (2, n, C), that these cross-attentions read of pictures and of what stands against
        them, all tokens one after the other. Raises OutOfMemory.
        """
        network = self.network
        weight = next(network.projection.parameters())
        with torch.no_grad(), memory.named_shortage(f"reading pictures with {self.name}", weight.device):
            work = _VALUES_PER_NUMBER * 2 * read.numel() * weight.dtype.itemsize
            with resident(network, work, f"reading pictures with {self.name}"):
                tokens = torch.stack([network.projection(each.to(weight)).flatten(0, 1) for each in (read, unlike)])
                return {number: (network.keys[number](tokens), network.values[number](tokens)) for number in numbers}


@dataclass(frozen=True, eq=False)
class ImagePrompt:
    """A picture that a model's cross-attention reads from `start` to `end`, shares of the way from noise to image.

    `said` holds the keys and values (2, n, C) of each layer that reads it, for positive prompts and then for negative
    ones. `mask` (B, H, W) says where. With `scales_keys` the weight counts for keys as well as for values.
    """

    said: Mapping[Layer, tuple[Tensor, Tensor]]
    name: str  # of this one among those of a model
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    mask: Tensor | None = None
    scales_keys: bool = False

    def is_active(self, sigma: float, levels: "Levels") -> bool:
        """As `Beside.is_active`."""
        return is_within(self.start, self.end, sigma, levels)

    def extras(self, entry: Mapping[str, Any], latent: Tensor) -> dict[str, Tensor]:
        """As `Beside.extras`."""
        made = {self._side: torch.tensor([1 if entry.get("role") == "negative" else 0])}
        if self.mask is not None:
            planes = self.mask.reshape(-1, 1, *self.mask.shape[-2:]).to(latent.device, torch.float32)
            size = (latent.shape[-2], latent.shape[-1])
            made[self._mask] = interpolate(planes, size=size, mode="bilinear", align_corners=False)
        return made

    def hook(self, extras: Mapping[str, Tensor]) -> StandIn:
        """As `Beside.hook`."""
        side, mask = extras[self._side], extras.get(self._mask)

        def attend_beside(queries: Tensor, attend: Attend, place: AttentionPlace) -> Tensor:
            text = attend(queries)
            said = self.said.get((place.block, place.layer))
            if said is None:
                return text
            keys, values = (each.to(queries)[side] for each in said)
            mixed = self._mixed(queries, keys, values, place.weights)
            if mask is not None:
                mixed = mixed * interpolate(mask, size=place.size, mode="area").flatten(1)[..., None]
            project: Any = cast(Any, place.weights).to_out[0]
            return text + project(mixed) - project(mixed.new_zeros(1, 1, mixed.shape[-1]))  # the bias counts once

        return attend_beside

    @property
    def _side(self) -> str:
        return f"{self.name}: side"

    @property
    def _mask(self) -> str:
        return f"{self.name}: mask"

    def _mixed(self, queries: Tensor, keys: Tensor, values: Tensor, weights: Any) -> Tensor:
        """What queries (B, n, C) get of keys and values (1 or B, t, C), times the weight: (B, n, C)."""
        if self.scales_keys:
            keys = keys * self.weight
        q, k, v = (
            each.expand(len(queries), -1, -1).unflatten(-1, (weights.heads, -1)).transpose(1, 2)
            for each in (weights.to_q(queries), keys, values)
        )  # each (B, heads, tokens, width of a head)
        return self.weight * attend(q, k, v).transpose(1, 2).flatten(2)


def combined(read: Tensor, how: Combining) -> Tensor:
    """What was read of several pictures (B, …) as one, (1, …), or side by side."""
    if how == "concat":
        return read
    return read.sum(dim=0, keepdim=True) if how == "add" else read.mean(dim=0, keepdim=True)


def blocks_of(part: str, model: Model) -> frozenset[Block] | None:
    """The blocks where a part of what a picture says is read: its style, its composition, or all (None).

    Of SDXL they are known (InstantStyle, Wang et al. 2024). Raises ValueError for another model.
    """
    named = tuple(block for name, block in _PARTS.items() if name in part)
    if not named:
        return None
    if model.family.name != "sdxl":
        msg = f"where a model reads the {part.removesuffix(' transfer')} of a picture is known of SDXL alone"
        raise ValueError(f"{msg}, and this is a {model.family.name} model: take a weight_type that reads all of it")
    return frozenset(named)


def prompted(
    model: Model,
    adapter: IPAdapter,
    read: Tensor,
    unlike: Tensor,
    blocks: frozenset[Block] | None = None,
    **settings: Any,
) -> Model:
    """The model with one more picture that it reads: at all blocks, or at some. Raises ValueError for another kind."""
    numbers = {
        layer: number for layer, number in _fitting(model, adapter).items() if blocks is None or layer[0] in blocks
    }
    said = adapter.said(read, unlike, numbers.values())
    before = model.hooks.beside_text
    name = f"image prompt {len(before)}"
    prompt = ImagePrompt({layer: said[number] for layer, number in numbers.items()}, name, **settings)
    return replace(model, hooks=replace(model.hooks, beside_text=(*before, prompt)))


def _fitting(model: Model, adapter: IPAdapter) -> dict[Layer, int]:
    """The adapter's number of each cross-attention of a model that it fits."""
    _, family = stable_diffusion(model, adapter.name)
    unet = family.recognised.unet
    places = list(cross_attention(unet))
    wanted = [(width, unet.context) for _, width in places]
    if adapter.sizes != wanted:
        ours, theirs = (f"{len(each)} cross-attentions ({_widths(each)})" for each in (adapter.sizes, wanted))
        msg = f"{adapter.name} was made for {ours}, and this {family.name} model has {theirs}"
        raise ValueError(f"{msg}: take an IP-Adapter for this kind of model")
    return {layer: number for number, (layer, _) in enumerate(places)}


def _widths(sizes: list[tuple[int, int]]) -> str:
    return f"text of width {sizes[0][1]}" if sizes else "none"


def cross_attention(unet: UNetShape) -> Iterator[tuple[Layer, int]]:
    """Every cross-attention of a UNet and its width, in the order in which adapters count: the middle comes last."""
    index = 1
    for width, depths in zip(unet.widths, unet.encoder, strict=True):
        for depth in depths:
            yield from (((Block("input", index), layer), width) for layer in range(depth))
            index += 1
        index += 1  # downsampling is a block of its own
    index = 0
    for width, depths in zip(reversed(unet.widths), unet.decoder, strict=True):
        for depth in depths:
            yield from (((Block("output", index), layer), width) for layer in range(depth))
            index += 1
    yield from (((Block("middle", 0), layer), unet.widths[-1]) for layer in range(unet.middle or 0))
