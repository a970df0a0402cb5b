"""ControlNets on a prompt: which picture steers, how strongly and when, and what that comes to in a network call.

Controls chain: each knows the one that was put on before it, and what they tell the network is added up.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from engine.diffusion.calls import Call
from engine.diffusion.calls import Control as CallControl
from engine.diffusion.conditioning import Conditioning, Made
from engine.diffusion.families.control_network import HINT_CELL, ControlNetwork, Residuals
from engine.diffusion.families.stable_diffusion import StableDiffusion
from engine.diffusion.model import BlockHook, Model
from engine.pictures.resample import repeat_batch, resize
from engine.weights.unet_shape import UNetShape

_log = logging.getLogger(__name__)

CONTROL = "control"
FOR_NEGATIVE_TOO = "control_apply_to_uncond"
"""Marks an entry whose control also counts for negative entries that have none."""


@dataclass(frozen=True, eq=False)
class ControlNet:
    """The value a CONTROL_NET link carries: a frozen network, and the shape of the UNets that it steers."""

    network: ControlNetwork
    shape: UNetShape
    name: str
    is_shuffle: bool = False  # tells the mean over the picture instead of each place's own
    kinds: tuple[int, ...] = ()  # what a union is told of the hint: none, or the number of one kind

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.network.parameters()).dtype


@dataclass(frozen=True, eq=False)
class Control:
    """A ControlNet with its hint (B, H, W, 3) in 0..1, active from `start` to `end` as shares of the way from noise."""

    net: ControlNet
    hint: Tensor
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0
    previous: CallControl | None = None
    _seen: dict[tuple[int, int], Tensor] = field(default_factory=dict[tuple[int, int], Tensor], repr=False)

    def __post_init__(self) -> None:
        if self.hint.ndim != 4 or self.hint.shape[-1] not in (3, 4):
            msg = f"the hint is a tensor of the shape {tuple(self.hint.shape)}; it should be pictures (B, H, W, 3)"
            raise ValueError(msg)

    def blocks(self, call: Call) -> tuple[BlockHook, ...]:
        """The hooks that steer one call. Raises ValueError for a model that the ControlNet does not fit."""
        if self.previous is not None and not isinstance(self.previous, Control):
            made = self.own(call)
            return (*self.previous.blocks(call), *([] if made is None else [made.hook]))
        made = self.residuals(call)
        return () if made is None else (made.hook,)

    def residuals(self, call: Call) -> Residuals | None:
        """What this control and those before it tell the network; None where none is active."""
        before = self.previous.residuals(call) if isinstance(self.previous, Control) else None
        own = self.own(call)
        if own is None:
            return before
        return own if before is None else before.plus(own)

    def own(self, call: Call) -> Residuals | None:
        """What this control alone tells the network, or None where it is not active at the call's level."""
        levels = call.model.levels
        if not levels.at_percent(self.end) <= call.sigma[0].item() <= levels.at_percent(self.start):
            return None
        model = _fitting(call.model, self.net)
        net = self.net
        x = model.parameterisation.scale_input(call.x, call.sigma).to(net.device, net.dtype)
        vector = call.extras.get("y")
        told = net.network(
            x,
            levels.timestep(call.sigma).to(net.device),
            call.context.to(net.device, net.dtype),
            self._features(call),
            None if vector is None else vector.to(net.device, net.dtype),
            net.kinds,
        )
        return _scaled(told, self.strength, net.is_shuffle, call.x.device)

    def _features(self, call: Call) -> Tensor:
        """The encoded hint for the rows of a call: (rows, width, H, W)."""
        height, width = call.x.shape[-2:]
        if (height, width) not in self._seen:
            planes = self.hint[..., :3].movedim(-1, 1)
            planes = resize(planes, HINT_CELL * width, HINT_CELL * height, "nearest-exact", "center")
            features = self.net.network.features(planes.to(self.net.device, self.net.dtype))
            self._seen.clear()
            self._seen[height, width] = features
        features = self._seen[height, width]
        return torch.cat([repeat_batch(features, count) for count in call.rows])


def of_kind(net: ControlNet, kind: int | None) -> ControlNet:
    """The same network, told of which kind its hints are, or of none. Raises ValueError for a kind that it lacks.

    A plain ControlNet has one kind and stays as it is; a warning says so.
    """
    union = net.network.union
    if union is None:
        _log.warning("%s is no union ControlNet: the kind of its hints is what it was made for", net.name)
        return net
    if kind is not None and kind >= union.kinds:
        msg = f"{net.name} knows the first {union.kinds} kinds of hints, and was asked for number {kind + 1}"
        raise ValueError(f"{msg}; take one of those, auto, or another union")
    return replace(net, kinds=() if kind is None else (kind,))


def put_on(
    conditionings: Sequence[Conditioning],
    net: ControlNet,
    hint: Tensor,
    strength: float,
    start: float = 0.0,
    end: float = 1.0,
    *,
    for_negative_too: bool = False,
) -> list[Made]:
    """The same lists with a control on every entry; entries that had the same control before share the new one."""
    made: dict[int, Control] = {}

    def control(previous: Any) -> Control:
        if id(previous) not in made:
            made[id(previous)] = Control(net, hint, strength, start, end, previous)
        return made[id(previous)]

    return [
        [
            (tokens, {**settings, CONTROL: control(settings.get(CONTROL)), FOR_NEGATIVE_TOO: for_negative_too})
            for tokens, settings in each
        ]
        for each in conditionings
    ]


def _scaled(told: Residuals, strength: float, is_mean: bool, device: torch.device) -> Residuals:
    def scale(each: Tensor) -> Tensor:
        if is_mean:
            each = each.mean(dim=(2, 3), keepdim=True).expand_as(each)
        return (each * strength).to(device)

    return Residuals(tuple(scale(each) for each in told.skips), scale(told.middle))


def _fitting(model: Any, net: ControlNet) -> Model:
    """The model itself, if it is of the kind that the ControlNet was made for. Raises ValueError."""
    if not isinstance(model, Model) or not isinstance(model.family, StableDiffusion):
        msg = f"{net.name} steers UNets of SD 1.x, SD 2.x and SDXL, and this model is of another kind"
        raise ValueError(msg)
    unet = model.family.recognised.unet
    for what, theirs, ours in (
        ("text of width", unet.context, net.shape.context),
        ("levels of the widths", unet.widths, net.shape.widths),
        ("residual blocks per level:", unet.residuals, net.shape.residuals),
        ("a vector beside the text of width", unet.vector or 0, net.shape.vector or 0),
    ):
        if theirs != ours:
            msg = f"{net.name} does not fit this {model.family.name} model: it wants {what} {ours}, the model has"
            raise ValueError(f"{msg} {theirs}; take a ControlNet made for this kind of model")
    return model
