"""ControlNets on a prompt: what their pictures come to in a network call.

Controls chain: each knows the one that was put on before it, and what they tell the network is added up.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, cast

import torch
from torch import Tensor

from engine.device.resident import resident
from engine.diffusion.calls import Call
from engine.diffusion.calls import Control as CallControl
from engine.diffusion.conditioning import Conditioning, Made
from engine.diffusion.families.control_network import HINT_CELL, ControlNetwork, Residuals
from engine.diffusion.hinted import Hinted, Steering, stable_diffusion
from engine.diffusion.model import BlockHook
from engine.weights.unet_shape import UNetShape

S = TypeVar("S", bound=Steering)
_log = logging.getLogger(__name__)

_VALUES_PER_CHANNEL = 33  # numbers alive per latent cell and channel of the widest level

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

    def features(self, hint: Tensor) -> tuple[Tensor]:
        """What the network makes of a hint (B, 3, H, W) by itself, at all levels of noise: (B, width, H / 8, W / 8)."""
        return (self.network.features(hint.to(self.device, self.dtype)),)

    def control(
        self, hint: Tensor, strength: float, start: float, end: float, previous: CallControl | None
    ) -> "Control":
        """It as a control of a prompt: see `Hinted`."""
        return Control(self, hint, strength, start, end, previous)

    def on(self, model: object) -> "ControlNet":
        """It itself, for a model of the kind that it was made for. Raises ValueError."""
        _, family = stable_diffusion(model, self.name)
        unet = family.recognised.unet
        for what, theirs, ours in (
            ("text of width", unet.context, self.shape.context),
            ("levels of the widths", unet.widths, self.shape.widths),
            ("residual blocks per level:", unet.residuals, self.shape.residuals),
            ("a vector beside the text of width", unet.vector or 0, self.shape.vector or 0),
        ):
            if theirs != ours:
                msg = f"{self.name} does not fit this {family.name} model: it wants {what} {ours}, the model has"
                raise ValueError(f"{msg} {theirs}; take a ControlNet made for this kind of model")
        return self


class Fitting(Protocol):
    """A ControlNet, or what becomes one for a model."""

    @property
    def name(self) -> str: ...

    def on(self, model: object) -> ControlNet:
        """The ControlNet that steers this model. Raises ValueError for a model that it does not fit."""
        ...


@dataclass(frozen=True, eq=False)
class Control(Hinted[Fitting]):
    """A ControlNet with its hint."""

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
        if not self.is_active(call):
            return None
        model, _ = stable_diffusion(call.model, self.net.name)
        net = self.net.on(model)
        x = model.parameterisation.scale_input(call.x, call.sigma).to(net.device, net.dtype)
        vector = call.extras.get("y")
        with resident(net.network, _work(net, x), f"a step of {net.name}"):
            told = net.network(
                x,
                model.levels.timestep(call.sigma).to(net.device),
                call.context.to(net.device, net.dtype),
                *self.features(call, HINT_CELL, net.features),
                None if vector is None else vector.to(net.device, net.dtype),
                net.kinds,
            )
        return _scaled(told, self.strength, net.is_shuffle, call.x.device)


def of_kind(net: S, kind: int | None) -> S:
    """The same network, told of which kind its hints are, or of none. Raises ValueError for a kind that it lacks.

    A plain ControlNet has one kind and stays as it is; a warning says so.
    """
    if not isinstance(net, ControlNet) or (union := net.network.union) is None:
        _log.warning("%s is no union ControlNet: the kind of its hints is what it was made for", net.name)
        return net
    if kind is not None and kind >= union.kinds:
        msg = f"{net.name} knows the first {union.kinds} kinds of hints, and was asked for number {kind + 1}"
        raise ValueError(f"{msg}; take one of those, auto, or another union")
    return cast(S, replace(net, kinds=() if kind is None else (kind,)))


def put_on(
    conditionings: Sequence[Conditioning],
    net: Steering,
    hint: Tensor,
    strength: float,
    start: float = 0.0,
    end: float = 1.0,
    *,
    for_negative_too: bool = False,
) -> list[Made]:
    """The same lists with a control on every entry; entries that had the same control before share the new one."""
    made: dict[int, CallControl] = {}

    def control(previous: Any) -> CallControl:
        if id(previous) not in made:
            made[id(previous)] = net.control(hint, strength, start, end, previous)
        return made[id(previous)]

    return [
        [
            (tokens, {**settings, CONTROL: control(settings.get(CONTROL)), FOR_NEGATIVE_TOO: for_negative_too})
            for tokens, settings in each
        ]
        for each in conditionings
    ]


def _work(net: ControlNet, x: Tensor) -> int:
    """Bytes that a call for x (B, C, H, W) takes beside the weights."""
    return _VALUES_PER_CHANNEL * net.shape.widths[0] * x[:, 0].numel() * net.dtype.itemsize


def _scaled(told: Residuals, strength: float, is_mean: bool, device: torch.device) -> Residuals:
    def scale(each: Tensor) -> Tensor:
        if is_mean:
            each = each.mean(dim=(2, 3), keepdim=True).expand_as(each)
        return (each * strength).to(device)

    return Residuals(tuple(scale(each) for each in told.skips), scale(told.middle))
