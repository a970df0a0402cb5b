"""GLIGEN on a prompt: boxes with texts say what should be where (Li et al. 2023).

Between self-attention and the text, a UNet's tokens attend to the boxes too. A list without boxes, beside one that has
some, is shown empty ones: so the model learnt to do without.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from engine.device.resident import resident
from engine.diffusion.calls import Call, Control
from engine.diffusion.conditioning import Conditioning, Made
from engine.diffusion.families.gligen_network import GligenNetwork
from engine.diffusion.hinted import stable_diffusion
from engine.diffusion.model import AttentionPlace, Between, BlockHook, Model
from engine.diffusion.tiling import Window
from engine.weights.gligen_names import Place
from engine.weights.unet_shape import UNetShape

MOST = 30
"""Boxes that GLIGEN was trained with at most, and always shown: fewer are filled up with empty ones."""

GLIGEN = "gligen"
_POSITION = "position"


@dataclass(frozen=True, eq=False)
class Gligen:
    """The value a GLIGEN link carries: a frozen network, and the widths of the tokens that it fits."""

    network: GligenNetwork
    widths: dict[Place, int]
    text: int  # width of the text of a box
    name: str


@dataclass(frozen=True, eq=False)
class Box:
    """A text (1, T) and the latent cells where it should be."""

    text: Tensor
    height: int
    width: int
    y: int
    x: int


@dataclass(frozen=True, eq=False)
class Grounded:
    """The control of an entry with boxes, or with none; `previous` is the control that it has beside them."""

    net: Gligen
    boxes: tuple[Box, ...]
    previous: Control | None
    _read: dict[Window, Tensor] = field(default_factory=dict[Window, Tensor], repr=False)

    def blocks(self, call: Call) -> tuple[BlockHook, ...]:
        """The hooks of the control beside the boxes."""
        return () if self.previous is None else self.previous.blocks(call)

    def layered(self, call: Call) -> Model:
        """The call's model, hooked so that it sees the boxes. Raises ValueError for one that GLIGEN does not fit."""
        model, family = stable_diffusion(call.model, self.net.name)
        if self.net.widths != _widths(family.recognised.unet):
            msg = f"{self.net.name} is GLIGEN for another kind of model than this {family.name} one"
            raise ValueError(f"{msg}: its attention has other places or widths; take a model of SD 1.x")
        read = self._rows(call)

        def fuse(tokens: Tensor, place: AttentionPlace) -> Tensor:
            where = Place(place.block.part, place.block.index, place.layer)
            with resident(self.net.network, 0, f"a layer of {self.net.name}"):
                return self.net.network.fuse(tokens.to(read.dtype), read, where).to(tokens.dtype)

        return model.watched(Between(fuse))

    def _rows(self, call: Call) -> Tensor:
        """The boxes as they are read, for the rows of a call: (rows, MOST, width)."""
        height, width = call.x.shape[-2:]
        whole = Window((height, width), 0, 0, height, width)
        windows = call.windows or (None,) * len(call.rows)
        return torch.cat(
            [
                self._seen_in(whole if window is None else window).expand(count, -1, -1)
                for window, count in zip(windows, call.rows, strict=True)
            ]
        )

    def _seen_in(self, window: Window) -> Tensor:
        """The boxes as they are read in a part of the latent: (1, MOST, width)."""
        if window not in self._read:
            self._read[window] = self._reading(window)
        return self._read[window]

    def _reading(self, window: Window) -> Tensor:
        first = next(self.net.network.parameters())
        places, is_there = torch.zeros(1, MOST, 4), torch.zeros(1, MOST)
        texts = torch.zeros(1, MOST, self.net.text)
        for index, (box, corners) in enumerate(_inside(self.boxes, window)):
            places[0, index], is_there[0, index], texts[0, index] = torch.tensor(corners), 1.0, box.text.cpu()[0]
        with resident(self.net.network, 0, f"the boxes of {self.net.name}"):
            return self.net.network.read(places.to(first), is_there.to(first), texts.to(first))


def put_box(conditioning: Conditioning, net: Gligen, box: Box) -> Made:
    """The same entries with one more box. Raises ValueError for a text of another width, and for too many boxes."""
    if box.text.shape[-1] != net.text:
        msg = f"the text of the box is {box.text.shape[-1]} wide, and {net.name} wants {net.text}"
        raise ValueError(f"{msg}: take the CLIP of a model of SD 1.x")
    made: Made = []
    for tokens, settings in conditioning:
        before: Sequence[Any] = settings[GLIGEN][2] if settings.get(GLIGEN) is not None else ()
        if len(before) >= MOST:
            raise ValueError(f"this prompt has {MOST} boxes, and {net.name} knows no more")
        boxes = [*before, (box.text, box.height, box.width, box.y, box.x)]
        made.append((tokens, {**settings, GLIGEN: (_POSITION, net, boxes)}))
    return made


def grounded(setting: Any, control: Control | None) -> Control | None:
    """An entry's control together with its `gligen` setting, if it has one. Raises ValueError for a strange one."""
    if setting is None:
        return control
    kind, net, boxes = setting
    if kind != _POSITION or not isinstance(net, Gligen):
        raise ValueError(f"the gligen setting of a prompt says {kind!r}; it should be made by GLIGENTextBoxApply")
    return Grounded(net, tuple(Box(*each) for each in boxes), control)


def empty_boxes(setting: Any) -> Any:
    """What a list without boxes is shown beside one that has this `gligen` setting."""
    kind, net, _ = setting
    return (kind, net, [])


def _inside(boxes: Sequence[Box], window: Window) -> list[tuple[Box, list[float]]]:
    """The boxes that lie in a part of the latent, with left, top, right and bottom in shares of it."""
    found: list[tuple[Box, list[float]]] = []
    for box in boxes:
        across = _overlap(box.x, box.width, window.x, window.width)
        down = _overlap(box.y, box.height, window.y, window.height)
        if across is not None and down is not None:
            found.append((box, [across[0], down[0], across[1], down[1]]))
    return found


def _overlap(start: int, length: int, window: int, extent: int) -> tuple[float, float] | None:
    """From where to where a stretch of cells goes inside another one, in shares of that; None where it does not."""
    first, last = max(start, window), min(start + length, window + extent)
    return ((first - window) / extent, (last - window) / extent) if first < last else None


def _widths(unet: UNetShape) -> dict[Place, int]:
    """The widths of the tokens at all places where a UNet's transformers have layers."""
    made: dict[Place, int] = {}
    step = unet.residuals + 1
    for level, (width, depths) in enumerate(zip(unet.widths, unet.encoder, strict=True)):
        for index, depth in enumerate(depths):
            made |= {Place("input", step * level + index + 1, layer): width for layer in range(depth)}
    made |= {Place("middle", 0, layer): unet.widths[-1] for layer in range(unet.middle or 0)}
    for level, (width, depths) in enumerate(zip(reversed(unet.widths), unet.decoder, strict=True)):
        for index, depth in enumerate(depths):
            made |= {Place("output", step * level + index, layer): width for layer in range(depth)}
    return made
