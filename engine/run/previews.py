"""Pictures of where a node stands, as clients get them: JPEG of one size, never at the cost of the node's own work."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from engine.diffusion import preview
from engine.diffusion.latent_format import LatentFormat
from engine.run.events import Progress

SIDE = 512  # pixels of the longer side
_QUALITY = 95
_SHARE = 0.02  # of the time that goes by
_OFF = "none"


@dataclass
class Previews:
    """Makes previews for one run, as often as a small share of its time allows."""

    method: str = "auto"
    clock: Callable[[], float] = time.perf_counter
    _due: float = field(default=0.0)

    def __call__(self, progress: Progress) -> bytes:
        """A picture's bytes; empty when there is none, or none is due."""
        shown = progress.preview
        if shown is None:
            return b""
        if isinstance(shown, tuple) and len(shown) == 3 and shown[0] == "PNG":
            return _encoded(shown[1], "PNG", shown[2])  # sent for its own sake: every one, as it is
        began = self.clock()
        if began < self._due or self.method == _OFF:
            return b""
        made = _as_picture(shown, progress.form)
        data = _encoded(made, "JPEG", SIDE) if made is not None else b""
        ended = self.clock()
        self._due = ended + (ended - began) / _SHARE
        return data


def _as_picture(shown: Any, form: Any) -> Image.Image | None:
    """What nodes report: a picture, one with its format and size, pixels (B, H, W, 3) in 0..1, or latents of a form."""
    if isinstance(shown, tuple) and len(shown) == 3:
        return shown[1] if isinstance(shown[1], Image.Image) else None
    if isinstance(shown, Image.Image):
        return shown
    if isinstance(shown, Tensor):
        pixels = preview.picture(shown, form) if isinstance(form, LatentFormat) else _pixels(shown)
        if pixels is not None:
            return Image.fromarray((pixels.clamp(0, 1) * 255).round().numpy().astype(np.uint8))
    return None


def _pixels(shown: Tensor) -> Tensor | None:
    if shown.ndim == 4 and shown.shape[-1] == 3 and len(shown):
        return shown[0].detach().float().cpu()
    return None


def _encoded(image: Image.Image, kind: str, side: int | None) -> bytes:
    made = io.BytesIO()
    if side is not None:
        scale = side / max(image.size)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.BILINEAR)
    if kind == "JPEG":
        image.convert("RGB").save(made, kind, quality=_QUALITY)
    else:
        image.save(made, kind, compress_level=1)
    return made.getvalue()
