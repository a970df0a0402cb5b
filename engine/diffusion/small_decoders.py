"""The small decoders that previews are made with: found among the `vae_approx`, kept on the shelf with other models."""

import logging
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engine.device import memory, place
from engine.diffusion.latent_format import LatentFormat
from engine.node.deferred import deferred
from engine.weights import folders, shelf
from engine.weights.read import BadFile, open_tensors
from engine.weights.shelf import Identity

with deferred():
    from engine.diffusion.families import tiny_decoder

if TYPE_CHECKING:
    from diffusers.models.autoencoders.vae import DecoderTiny

log = logging.getLogger(__name__)
_SAFE = (".safetensors", ".sft")
_COPIES = 5  # of the widest layer's values that are alive at once


@dataclass
class SmallDecoders:
    """Finds decoders for kinds of latents. What keeps one from being used is logged once for each file."""

    _told: set[object] = field(default_factory=set[object])

    def of(self, form: LatentFormat) -> "DecoderTiny | None":
        """The decoder of such latents, on the device and in the precision of autoencoders; None where there is none."""
        path = _file(form.decoder) if form.decoder else None
        if path is None:
            wanted = f"there is no {form.decoder}.safetensors among the vae_approx" if form.decoder else "none is known"
            self._tell(form.name, f"no small decoder shows latents of {form.name}: {wanted}")
            return None
        if (identity := Identity.of(path)) in self._told:
            return None
        chosen = place.current()
        try:
            return shelf.current().get(lambda: _read(path, form), (path,), "small decoder", form.channels, chosen)
        except (BadFile, OSError, RuntimeError) as error:
            named = str(error) if isinstance(error, BadFile) else f"{path.name}: {error}"
            self._tell(identity, f"previews are made without a small decoder: {named}")
            return None

    def _tell(self, about: object, words: str) -> None:
        if about not in self._told:
            self._told.add(about)
            log.warning("%s", words)


def decoded(decoder: "DecoderTiny", latent: Tensor) -> Tensor:
    """A processed latent (C, h, w) as (H, W, 3) in 0..1. Raises OutOfMemory before it would take what others need."""
    weight = next(iter(decoder.parameters()))
    levels = sum(isinstance(each, torch.nn.Upsample) for each in decoder.layers)
    values = latent[0].numel() * 4**levels * weight.shape[0]
    free = memory.free_bytes(weight.device)
    if free is not None and values * weight.element_size() * _COPIES > free / 2:
        raise memory.OutOfMemory(f"no memory to spare for a preview on {weight.device}")
    planes = decoder(latent[None].to(weight.device, weight.dtype))[0]
    return planes.float().add(1).div(2).clamp(0, 1).movedim(0, -1)


def _file(name: str) -> Path | None:
    """The file of a decoder, whatever its suffix; one that is no pickle is preferred."""
    known = folders.current()
    found = [each for each in known.files("vae_approx") if PurePosixPath(each).stem == name]
    best = min(found, key=lambda each: not each.lower().endswith(_SAFE), default=None)
    return None if best is None else known.find("vae_approx", best)


def _read(path: Path, form: LatentFormat) -> "DecoderTiny":
    chosen = place.current()
    decoder = tiny_decoder.load_tiny_decoder(open_tensors(path), chosen.device, chosen.vae_dtype)
    if (channels := tiny_decoder.channels_of(decoder)) != form.channels:
        wanted = f"those of {form.name} have {form.channels}"
        raise BadFile(path, f"decodes latents of {channels} channels, and {wanted}")
    return decoder
