"""How a family of models scales its latents: nodes and VAEs exchange plain ones, networks see `process_in` of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

Factor = float | tuple[float, ...]
"""One number for all channels, or one for each."""


@dataclass(frozen=True)
class LatentFormat:
    """`process_in(L) = (L - shift) * scale`, channel by channel, for latents of any number of axes after (B, C).

    `rgb` finds, when it is first wanted, how a processed latent's channels map to red, green and blue in 0..1 for cheap
    previews (`engine.diffusion.preview`); None where no autoencoder is known that could tell. `decoder` is the name
    that the small decoder of such latents goes by (`engine.diffusion.small_decoders`), `cell` how many pixels lie along
    one side of a latent's cell.
    """

    name: str
    channels: int
    scale: Factor = 1.0
    shift: Factor = 0.0
    rgb: Callable[[], Tensor] | None = field(default=None, compare=False)  # (C + 1, 3), offsets in the last row
    decoder: str | None = None
    cell: int = 8

    def process_in(self, latent: Tensor) -> Tensor:
        """A plain latent (B, C, …) as the network wants it."""
        return (latent - _spread(self.shift, latent)) * _spread(self.scale, latent)

    def process_out(self, latent: Tensor) -> Tensor:
        """The inverse of `process_in`: the network's latent (B, C, …) as VAEs and nodes want it."""
        return latent / _spread(self.scale, latent) + _spread(self.shift, latent)


def _spread(factor: Factor, latent: Tensor) -> Tensor | float:
    """A factor in a shape that multiplies (B, C, …)."""
    if not isinstance(factor, Sequence):
        return factor
    return torch.tensor(factor, dtype=latent.dtype, device=latent.device).view(1, -1, *(1,) * (latent.ndim - 2))


_PLAYGROUND_MEAN = (-1.6574, 1.886, -1.383, 2.5155)
_PLAYGROUND_STD = (8.4927, 5.9022, 6.5498, 5.2299)

SD15 = LatentFormat("sd15", 4, 0.18215, decoder="taesd_decoder")
SDXL = LatentFormat("sdxl", 4, 0.13025, decoder="taesdxl_decoder")
PLAYGROUND = LatentFormat("playground", 4, tuple(0.5 / std for std in _PLAYGROUND_STD), _PLAYGROUND_MEAN)
X4 = LatentFormat("x4", 4, 0.08333, cell=4)
SD3 = LatentFormat("sd3", 16, 1.5305, 0.0609, decoder="taesd3_decoder")
FLUX = LatentFormat("flux", 16, 0.3611, 0.1159, decoder="taef1_decoder")
IDENTITY = LatentFormat("identity", 4)
