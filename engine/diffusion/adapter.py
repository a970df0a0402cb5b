"""T2I adapters on a prompt: small networks that see a picture once, whatever the noise (Mou et al. 2023).

What they make of it is added to the state inside a UNet's encoder, behind the last block of each level.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from engine.device.resident import resident
from engine.diffusion.calls import Call
from engine.diffusion.calls import Control as CallControl
from engine.diffusion.families.control_network import resized_like
from engine.diffusion.hinted import Features, Hinted, stable_diffusion
from engine.diffusion.model import Block, BlockHook
from engine.weights.adapter_names import AdapterShape

_VALUES_PER_PIXEL = 16  # numbers alive per pixel of the hint: it is unshuffled into cells before the first layer


@dataclass(frozen=True, eq=False)
class Adapter:
    """The value a CONTROL_NET link carries for a T2I adapter: a frozen network, and its shape."""

    network: nn.Module
    shape: AdapterShape
    name: str

    def control(
        self, hint: Tensor, strength: float, start: float, end: float, previous: CallControl | None
    ) -> "AdapterControl":
        """It as a control of a prompt: see `Hinted`."""
        return AdapterControl(self, hint, strength, start, end, previous)

    def features(self, hint: Tensor) -> Features:
        """What the network makes of a hint (B, 3, H, W): (B, width, …) for each level."""
        if self.shape.channels == 1:
            hint = hint.mean(dim=1, keepdim=True)
        first = next(self.network.parameters())
        work = _VALUES_PER_PIXEL * hint[:, 0].numel() * first.dtype.itemsize
        with resident(self.network, work, f"what {self.name} sees"):
            return tuple(self.network(hint.to(first)))


@dataclass(frozen=True, eq=False)
class AdapterControl(Hinted[Adapter]):
    """A T2I adapter with its hint."""

    def blocks(self, call: Call) -> tuple[BlockHook, ...]:
        """The hooks that steer one call. Raises ValueError for a model that the adapter does not fit."""
        before = () if self.previous is None else self.previous.blocks(call)
        if not self.is_active(call):
            return before
        places = _places(call.model, self.net)
        features = self.features(call, self.net.shape.cell, self.net.features)
        added = {place: (each * self.strength).to(call.x.device) for place, each in zip(places, features, strict=True)}

        def add(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
            return (h + resized_like(added[block], h) if block in added else h), skip

        return (*before, add)


def _places(model: object, net: Adapter) -> list[Block]:
    """Behind which blocks of a model the levels of an adapter are added. Raises ValueError where it does not fit.

    One for SDXL sees half the latent's size: it begins behind the first downsampling and ends behind the middle.
    """
    _, family = stable_diffusion(model, net.name)
    unet = family.recognised.unet
    is_xl = net.shape.kind == "full xl"
    if net.shape.widths != (*unet.widths, *unet.widths[-1:] * is_xl):
        msg = f"{net.name} is a T2I adapter for {'SDXL' if is_xl else 'SD 1.x and SD 2.x'}, its levels are"
        raise ValueError(f"{msg} {net.shape.widths} wide: it does not fit this {family.name} model of {unet.widths}")
    step = unet.residuals + 1
    ends = [Block("input", step * level - 1) for level in range(1, len(unet.widths) + 1)]
    return [Block("input", step), *ends[1:], Block("middle", 0)] if is_xl else ends
