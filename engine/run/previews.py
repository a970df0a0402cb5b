"""Pictures of where a node stands, as clients get them: of one size, made beside the node's work and within a budget.

A thread makes them from copies. One is begun only when a small share of the time since the node began pays for all
that was made so far and for this one too, so that no machine and no model is slowed by more.
"""

import io
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from engine.device import memory
from engine.device.aside import Aside, Copied
from engine.diffusion import preview, small_decoders
from engine.diffusion.latent_format import LatentFormat
from engine.diffusion.small_decoders import SmallDecoders
from engine.run.allowance import Allowance, Pace, Stopwatch
from engine.run.events import Progress

log = logging.getLogger(__name__)
METHODS = ("auto", "latent2rgb", "taesd", "none")
SIDE = 512  # pixels of the longer side
SHARE = 0.015  # of the time that goes by; what threads and caches cost each other comes on top
_QUALITY = 95
_FIRST_CELLS = 64  # of a latent, that a decoder of unknown speed begins with

Show = Callable[[bytes], None]


@dataclass
class Previews:
    """Makes pictures for one process. `method` counts where a run asks for none that exists; `side` is in pixels."""

    method: str = "auto"
    side: int = SIDE
    share: float = SHARE
    clock: Callable[[], float] = time.perf_counter
    busy: Callable[[], float] = time.thread_time
    executor: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="previews"))
    decoders: SmallDecoders = field(default_factory=SmallDecoders)
    aside: Aside = field(default_factory=Aside)
    encoding: Pace = field(default_factory=Pace)
    decoding: Pace = field(default_factory=lambda: Pace(_FIRST_CELLS))  # by latent cells

    def warm_up(self) -> None:
        """Get ready, and learn what a picture costs, before anybody waits for one."""

        def encode() -> None:
            sample = Image.effect_noise((64, 64), 64)
            for _ in range(2):  # the first loads what it takes
                watch = self.stopwatch()
                _encoded(sample, "JPEG", self.side)
                self.encoding.seen[1] = watch.seconds()

        self.executor.submit(encode)
        preview.expect(self.method != "none")

    def allowance(self) -> Allowance:
        """What a node that begins now may spend on its pictures."""
        return Allowance(self.share, self.clock)

    def stopwatch(self, device: torch.device | None = None) -> Stopwatch:
        """Measures work of this thread, which has a device do what torch does."""
        if device is None:
            return Stopwatch(self.clock, self.busy)
        return Stopwatch(self.clock, self.busy, torch.get_num_threads() if device.type == "cpu" else None)

    def of(self, method: str | None, show: Show) -> "Showing":
        """Previews of one run, by the method that its client named; `show` gets each picture, from another thread."""
        return Showing(self, method if method in METHODS else self.method, show)


@dataclass
class Showing:
    """Shows how one run goes."""

    previews: Previews
    method: str
    show: Show
    _node: str | None = None
    _allowance: Allowance = field(default_factory=lambda: Allowance(0.0))  # of the node
    _is_busy: bool = False
    _has_decoded: bool = False  # a whole picture of the node
    _decodes: bool = True  # until there turns out to be no decoder, or no memory for it

    def __call__(self, progress: Progress) -> bytes:
        """Look at how far a node is. Gives a picture that belongs to just this moment; others are shown when made."""
        shown = progress.preview
        if isinstance(shown, tuple) and len(shown) == 3 and shown[0] == "PNG":
            return _encoded(shown[1], "PNG", shown[2])  # sent for its own sake: every one, as it is
        if self._is_busy or self.method == "none":
            return b""
        if progress.node.id != self._node:
            self._node, self._allowance, self._has_decoded = progress.node.id, self.previews.allowance(), False
        try:
            if isinstance(shown, Tensor) and isinstance(progress.form, LatentFormat):
                work = self._latents(shown, progress.form, _share_done(progress))
            else:
                work = self._picture(shown)
        except Exception as error:  # a picture that cannot be copied, say
            self._give_up(error)
            return b""
        if work is not None:
            self._is_busy = True
            self.previews.executor.submit(self._done, work)
        return b""

    def _latents(self, latents: Tensor, form: LatentFormat, done: float) -> Callable[[], bytes] | None:
        """The work of showing latents (B, C, …, h, w), if it is paid for. This share of the node's steps is done."""
        if latents.ndim < 4 or latents.shape[1] != form.channels or 0 in latents.shape:
            return None
        decodes = self.method == "taesd" and self._decodes and form.decoder is not None
        cost, part, is_whole = self.previews.encoding.expected(1), latents[:1], True
        pace, (rows, columns) = self.previews.decoding, latents.shape[-2:]
        if decodes and form.rgb is not None and not self._has_decoded:  # colours are better than nothing until the end
            decodes = self._allowance.will_allow(cost + pace.expected(rows * columns), done)
        if not decodes and form.rgb is None:
            return None
        if decodes:
            size = pace.next_try(rows * columns)
            if size < rows * columns:
                rows, is_whole = min(rows, round(size**0.5)), False
                columns = min(columns, -(-size // rows))
                part = part[..., :rows, :columns]
            cost += pace.expected(rows * columns)
        if not self._allowance.allows(cost):
            return None
        copied = self.previews.aside.copy(part)
        return lambda: self._seen(copied, form, decodes, is_whole)

    def _picture(self, shown: Any) -> Callable[[], bytes] | None:
        """The work of showing what a node reported: a picture, one with its format and size, or pixels (B, H, W, 3)."""
        picture: Any = shown[1] if isinstance(shown, tuple) and len(shown) == 3 else shown
        if not isinstance(picture, (Image.Image, Tensor)) or (isinstance(picture, Tensor) and not _is_pixels(picture)):
            return None
        if not self._allowance.allows(self.previews.encoding.expected(1)):
            return None
        if isinstance(picture, Tensor):
            copied = self.previews.aside.copy(picture[:1])
            return lambda: self._seen(copied, None, False, True)
        kept = picture.copy()  # the node may draw on
        return lambda: self._picture_sent(kept)

    def _seen(self, copied: Copied, form: LatentFormat | None, decodes: bool, is_whole: bool) -> bytes:
        """What latents, or pixels where there is no form, look like; of a part only the cost is learned."""
        with torch.inference_mode(), self.previews.aside.working_on(copied) as first:
            watch = self.previews.stopwatch(first.device)
            if form is None:
                pixels: Tensor | None = first[0].detach().float().clamp(0, 1)
            else:
                pixels = self._decoded(first, form) if decodes else None
                self._has_decoded = self._has_decoded or (pixels is not None and is_whole)
                if pixels is None and is_whole:
                    pixels = preview.picture(first, form)
            values = None if pixels is None else (pixels * 255).round().to(torch.uint8).cpu().numpy()
            self._allowance.charge(watch.seconds())
        return b"" if values is None or not is_whole else self._picture_sent(Image.fromarray(values))

    def _decoded(self, first: Tensor, form: LatentFormat) -> Tensor | None:
        """Latents (1, C, …, h, w) through their small decoder; None, for the rest of the run, where that cannot be."""
        decoder, pace = self.previews.decoders.of(form), self.previews.decoding
        if decoder is not None:
            while first.ndim > 4:
                first = first[:, :, 0]  # the first frame
            try:
                if not pace.seen:  # the first time is no measure of the next
                    small_decoders.decoded(decoder, first[0])
                watch = self.previews.stopwatch(first.device)
                pixels = small_decoders.decoded(decoder, first[0]).cpu()
            except (RuntimeError, MemoryError) as error:
                if not memory.is_shortage(error):
                    raise
                log.warning("previews of this run are cruder: %s", str(error).partition("\n")[0])
            else:
                pace.took(first[0, 0].numel(), watch.seconds())
                return pixels
        self._decodes = False
        return None

    def _picture_sent(self, picture: Image.Image) -> bytes:
        watch = self.previews.stopwatch()
        made = _encoded(picture, "JPEG", self.previews.side)
        self.previews.encoding.took(1, watch.seconds())
        self._allowance.charge(watch.seconds())
        return made

    def _done(self, work: Callable[[], bytes]) -> None:
        """Do the work, and show what came of it. A failure costs the run its previews and no more."""
        try:
            if made := work():
                self.show(made)
        except Exception as error:  # whatever it was, the node goes on
            self._give_up(error)
        finally:
            self._is_busy = False

    def _give_up(self, error: Exception) -> None:
        log.warning("previews of this run are off, one failed: %s: %s", type(error).__name__, error)
        self.method = "none"


def _share_done(progress: Progress) -> float:
    return progress.value / progress.total if progress.total > 0 else 1.0


def _is_pixels(shown: Tensor) -> bool:
    return shown.ndim == 4 and shown.shape[-1] == 3 and 0 not in shown.shape


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
