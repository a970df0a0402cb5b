"""What a training run shows of itself: the curve of its losses, and a grid of samples."""

import math
from collections.abc import Sequence

import torch
from PIL import Image as Pictures
from PIL import ImageDraw
from PIL.Image import Image
from torch import Tensor

_PAPER, _FRAME, _DOTS, _LINE, _INK = (250, 250, 248), (205, 205, 200), (176, 200, 226), (24, 92, 168), (50, 50, 50)
_MARGIN = 8
_HEAD = 20  # pixels for the line of text above the curve


def loss_curve(losses: Sequence[float], text: str = "", width: int = 512, height: int = 224) -> Image:
    """Losses by step on a logarithmic axis: each as a pale dot, and their moving average as a line."""
    picture = Pictures.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((_MARGIN, 4), text, fill=_INK)
    box = (_MARGIN, _HEAD, width - _MARGIN, height - _MARGIN)
    draw.rectangle(box, outline=_FRAME)
    logs = [math.log10(max(loss, 1e-12)) for loss in losses if math.isfinite(loss)]
    if len(logs) < 2:
        return picture
    smooth = _smoothed(logs)
    low, high = _limits(logs)

    def at(place: int, value: float) -> tuple[float, float]:
        x = box[0] + (box[2] - box[0]) * place / (len(logs) - 1)
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return x, box[3] - (box[3] - box[1]) * share

    for place in range(0, len(logs), max(1, len(logs) // (2 * width))):
        draw.point(at(place, logs[place]), fill=_DOTS)
    draw.line([at(place, value) for place, value in enumerate(smooth)], fill=_LINE, width=2)
    draw.text((box[0] + 3, box[1] + 2), f"{10**high:.3g}", fill=_INK)
    draw.text((box[0] + 3, box[3] - 13), f"{10**low:.3g}", fill=_INK)
    return picture


def grid(pictures: Tensor, columns: int = 4) -> Image:
    """Pictures (B, H, W, 3) in 0..1 side by side, in rows."""
    count, height, width = pictures.shape[:3]
    columns = min(columns, count)
    sheet = Pictures.new("RGB", (columns * width, math.ceil(count / columns) * height), _PAPER)
    for place, each in enumerate(pictures.clamp(0, 1).mul(255).round().to(torch.uint8).cpu().numpy()):
        sheet.paste(Pictures.fromarray(each), (place % columns * width, place // columns * height))
    return sheet


def stacked(upper: Image, lower: Image | None) -> Image:
    """One picture above another."""
    if lower is None:
        return upper
    sheet = Pictures.new("RGB", (max(upper.width, lower.width), upper.height + lower.height), _PAPER)
    sheet.paste(upper, (0, 0))
    sheet.paste(lower, (0, upper.height))
    return sheet


def as_tensor(picture: Image) -> Tensor:
    """A picture as nodes pass it on: (1, H, W, 3) float32 in 0..1."""
    flat = torch.frombuffer(bytearray(picture.convert("RGB").tobytes()), dtype=torch.uint8)
    return flat.view(1, picture.height, picture.width, 3).float() / 255


def duration(seconds: float) -> str:
    """A stretch of time in words short enough for a picture."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _smoothed(values: Sequence[float]) -> list[float]:
    keep = 1 - 1 / max(2, min(50, len(values) / 10))
    smooth = [values[0]]
    for value in values[1:]:
        smooth.append(keep * smooth[-1] + (1 - keep) * value)
    return smooth


def _limits(logs: Sequence[float]) -> tuple[float, float]:
    """The range of the axis: nearly all values, so that one outlier does not flatten the rest."""
    ordered = sorted(logs)
    low, high = ordered[len(ordered) // 200], ordered[-1 - len(ordered) // 200]
    return (low, high) if high - low > 1e-6 else (low - 0.5, low + 0.5)
