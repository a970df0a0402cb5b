"""Control-LoRAs: ControlNets as changes of whichever model they steer (Stability AI 2023).

The network is the encoder of that model, patches included, with the file's changes on top. It is made when it is first
asked for, and shares with the model every weight that nothing changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import RLock
from typing import cast
from weakref import WeakKeyDictionary

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from engine.device import held, memory
from engine.device.resident import bring_if_free
from engine.diffusion.calls import Control as CallControl
from engine.diffusion.control import Control, ControlNet
from engine.diffusion.families.control_network import ControlNetwork
from engine.diffusion.hinted import stable_diffusion
from engine.diffusion.model import Model
from engine.diffusion.patched import KEPT, Patches, make_twin
from engine.weights import unet_names
from engine.weights.control_names import is_own, module_names
from engine.weights.deltas import Delta, fits
from engine.weights.patch import Patch, Target

Made = tuple[Patches, ControlNet]


@dataclass(frozen=True, eq=False)
class ControlLora:
    """The value a CONTROL_NET link carries for a Control-LoRA: what its file holds, by names of the original layout.

    `changes` are those of a UNet's weights, `own` are the weights that a UNet does not have.
    """

    changes: Mapping[str, Delta]
    own: Mapping[str, Tensor]
    name: str
    is_shuffle: bool = False

    def control(self, hint: Tensor, strength: float, start: float, end: float, previous: CallControl | None) -> Control:
        """It as a control of a prompt: see `Hinted`."""
        return Control(self, hint, strength, start, end, previous)

    def on(self, model: object) -> ControlNet:
        """The ControlNet that it makes of a model, which stays as it is; those asked for last are kept.

        Raises ValueError for a model that it does not fit, and OutOfMemory.
        """
        known, _ = stable_diffusion(model, self.name)
        with _lock:
            made = _kept.setdefault(self, WeakKeyDictionary[nn.Module, list[Made]]()).setdefault(known.network, [])
            index = next((at for at, (patches, _) in enumerate(made) if patches == known.patches), None)
            if index is None:
                del made[: len(made) - KEPT + 1]  # before the next is made: it needs their memory
                made.append((known.patches, self._made_of(known)))
            else:
                made.append(made.pop(index))
            return made[-1][1]

    def _made_of(self, model: Model) -> ControlNet:
        _, family = stable_diffusion(model, self.name)
        twin = make_twin(model.network, (*model.patches, *self._patches(model)))
        with torch.device("meta"):
            network = ControlNetwork(cast(UNet2DConditionModel, twin))
        names = {name: old for name, old in module_names(network.state_dict()).items() if is_own(old)}
        if lacking := [old for old in names.values() if old not in self.own]:
            raise ValueError(self._does_not_fit(family.name, f"it lacks {lacking[0]}"))
        weights = {name: self.own[old].to(model.device, model.dtype) for name, old in names.items()}
        try:
            network.load_state_dict(weights, strict=False, assign=True)
        except RuntimeError:
            raise ValueError(self._does_not_fit(family.name, "its layers are of other widths")) from None
        network.requires_grad_(False).eval()
        if (base := held.forget(twin)) is not None:  # its encoder is the network's now, and so are its weights
            reads = {name: _reading(self.own[old]) for name, old in names.items()}
            held.hold(network, reads, base.device, f"{self.name} on {base.what}", base.file)
            bring_if_free(network)
        return ControlNet(network, family.recognised.unet, self.name, self.is_shuffle)

    def _patches(self, model: Model) -> Patches:
        """The changes as patches of a model's network. Raises ValueError where it has no such weight."""
        weights = model.network.state_dict()
        named = {old: name for name, old in unet_names.ldm_names(weights).items()}
        for old, delta in self.changes.items():
            if old not in named or not fits(delta, tuple(weights[named[old]].shape)):
                raise ValueError(self._does_not_fit(model.family.name, f"it changes {old}, which is another there"))
        return tuple(Patch(Target(named[old]), delta, 1.0) for old, delta in self.changes.items())

    def _does_not_fit(self, family: str, why: str) -> str:
        return f"{self.name} does not fit this {family} model: {why}; take a Control-LoRA made for this kind of model"


def _reading(own: Tensor) -> held.Read:
    return lambda: own


_lock = RLock()
_kept: WeakKeyDictionary[ControlLora, WeakKeyDictionary[nn.Module, list[Made]]] = WeakKeyDictionary()
memory.on_shortage(_kept.clear)
