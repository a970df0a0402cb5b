"""Pictures side by side with a line of words above each: one row per picture of a batch."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

LEAST_WIDTH = 96  # pixels of a picture, so that the words above it can be read
_GAP = 6
_LINE = 26
_DPI = 100
_BACKGROUND, _INK = "#ffffff", "#1f2933"


def strip(columns: Sequence[Tensor], words: Sequence[str]) -> Tensor:
    """Batches of pictures (B, H, W, 3) in 0..1, all of one size, as one picture (1, height, width, 3).

    Each batch is a column with its words above it. Small pictures are enlarged by a whole factor, pixel by pixel, so
    that what a pixel is stays to be seen.
    """
    if not columns or len(columns) != len(words):
        raise ValueError(f"a strip of {len(columns)} pictures with {len(words)} words; it should have one for each")
    if len({tuple(each.shape) for each in columns}) > 1 or columns[0].ndim != 4:
        raise ValueError(f"a strip takes batches of one size, not {[tuple(each.shape) for each in columns]}")
    count, height, width, _ = columns[0].shape
    factor = max(1, -(-LEAST_WIDTH // width))
    height, width = height * factor, width * factor
    sheet = torch.ones(count * (height + _GAP) + _GAP, len(columns) * (width + _GAP) + _GAP, 3)
    for i, batch in enumerate(columns):
        large = batch.float().clamp(0, 1).repeat_interleave(factor, 1).repeat_interleave(factor, 2)
        for j, picture in enumerate(large[..., :3].expand(-1, -1, -1, 3)):
            top, left = _GAP + j * (height + _GAP), _GAP + i * (width + _GAP)
            sheet[top : top + height, left : left + width] = picture.cpu()
    centres = [_GAP + i * (width + _GAP) + width / 2 for i in range(len(columns))]
    return torch.cat([_captions(words, centres, sheet.shape[1], width), sheet])[None]


def _captions(words: Sequence[str], centres: Sequence[float], total: int, width: int) -> Tensor:
    """A band (_LINE, total, 3) with each word at its centre, in a size at which the longest fits its picture."""
    figure = Figure(figsize=(total / _DPI, _LINE / _DPI), dpi=_DPI, facecolor=_BACKGROUND)
    canvas = FigureCanvasAgg(figure)
    pixels = min(15.0, width / (0.62 * max(map(len, words)) + 0.1))
    for word, centre in zip(words, centres, strict=True):
        figure.text(
            centre / total,
            0.38,
            word,
            ha="center",
            va="center",
            color=_INK,
            fontsize=pixels * 72 / _DPI,
            parse_math=False,
        )
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3].astype(np.float32) / 255
    return torch.from_numpy(drawn)
