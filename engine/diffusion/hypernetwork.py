"""A hypernetwork on a model: what all its attention makes keys and values of is changed first."""

import logging
from dataclasses import dataclass, replace

from torch import Tensor

from engine.diffusion.hinted import stable_diffusion
from engine.diffusion.model import Model, Sources
from engine.weights.hypernetwork import Hypernetwork

_log = logging.getLogger(__name__)


def add_hypernetwork(model: Model, net: Hypernetwork, strength: float) -> Model:
    """The model with a hypernetwork behind those that it has; the one given stays as it is, at strength 0 itself.

    Raises ValueError for a model of another kind, and where none of the file's widths is one of the model's.
    """
    _, family = stable_diffusion(model, net.name)
    unet = family.recognised.unet
    known = {unet.context, *unet.widths}
    missing = sorted(net.keys.keys() - known)
    if len(missing) == len(net.keys):
        msg = f"{net.name} changes tokens of the widths {missing}, and this {family.name} model has {sorted(known)}"
        raise ValueError(f"{msg}: take a hypernetwork made for its kind")
    if missing:
        _log.warning("%s: this %s model has no tokens of the widths %s that it changes", net.name, family.name, missing)
    if strength == 0:
        return model

    hook = Sources(_Change(net, strength))
    return replace(model, hooks=replace(model.hooks, attention=(*model.hooks.attention, hook)))


@dataclass(frozen=True, eq=False)
class _Change:
    """What a hypernetwork does at a strength: a value, so that the cache sees how large it is."""

    net: Hypernetwork
    strength: float

    def __call__(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        return self.net.changed(keys, values, self.strength)
