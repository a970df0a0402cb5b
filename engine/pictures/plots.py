"""Curves as pictures: panels of lines, drawn by matplotlib without a window or any state that outlives a call."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

COLOURS = ("#2563eb", "#d9480f", "#0f8a5f", "#8b3fc4", "#b7791f", "#475569")
_INK, _QUIET, _GRID = "#1f2933", "#66727f", "#e4e8ec"
_INCHES = 6.4  # a wide picture is this wide, whatever its pixels, so that letters keep their share of it
_LEAST_DPI = 80  # letters do not shrink below this with the width
_LEAST_ROW, _LEAST_REST = 1.1, 0.7  # inches of height that a row and the legend need, else letters do shrink
_LEGEND_SIZE, _LEGEND_MARK = 9, 5  # points; the room of a line's mark, in letters


@dataclass(frozen=True)
class Curve:
    """One line of a panel, or its points. What is not finite leaves a gap; without a name it is not in the legend."""

    name: str
    x: Tensor
    y: Tensor
    colour: int = 0
    style: Literal["line", "dashed", "points"] = "line"


@dataclass(frozen=True)
class Panel:
    """Curves over one pair of axes. Titles and labels may hold mathematics between dollar signs."""

    title: str
    curves: Sequence[Curve]
    x_label: str = ""
    is_logarithmic: bool = False
    zero_based: bool = False


def plot(panels: Sequence[Panel], width: int = 960, height: int = 640) -> Tensor:
    """The panels in one picture (1, height, width, 3), in rows of at most two; one legend for all.

    Raises ValueError without a panel, and for a picture too small to be read.
    """
    if not panels:
        raise ValueError("there is nothing to plot: it should be one panel or more")
    if width < 160 or height < 120:
        raise ValueError(f"a plot of {width} x {height} pixels cannot be read; it should be 160 x 120 or larger")
    columns = 1 if len(panels) == 1 or width < 480 else 2
    rows = -(-len(panels) // columns)
    dpi = min(max(_LEAST_DPI, width / _INCHES), height / (rows * _LEAST_ROW + _LEAST_REST))
    figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    for i, panel in enumerate(panels):
        axes = figure.add_subplot(rows, columns, i + 1)
        _draw(axes, panel, shows_x_label=i + columns >= len(panels))
    _add_legend(figure, panels)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., :3].astype(np.float32) / 255
    return torch.from_numpy(drawn[:height, :width])[None]


def _draw(axes: Any, panel: Panel, shows_x_label: bool) -> None:
    for curve in panel.curves:
        x, y = curve.x.double().cpu().numpy(), curve.y.double().cpu().numpy()
        y = np.where(np.isfinite(y) & ((y > 0) | (not panel.is_logarithmic)), y, np.nan)
        look: dict[str, Any] = {"color": COLOURS[curve.colour % len(COLOURS)], "label": curve.name}
        if curve.style == "points":
            axes.plot(x, y, linestyle="none", marker="o", markersize=3.5, markeredgewidth=0, **look)
        else:
            axes.plot(x, y, linewidth=1.8, linestyle="--" if curve.style == "dashed" else "-", **look)
    if panel.is_logarithmic:
        axes.set_yscale("log")
    elif panel.zero_based:
        axes.set_ylim(bottom=0)
    axes.set_title(panel.title, fontsize=10, color=_INK, loc="left")
    if shows_x_label and panel.x_label:
        axes.set_xlabel(panel.x_label, fontsize=9, color=_QUIET)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.02)
    axes.tick_params(labelsize=8, labelcolor=_QUIET, color=_GRID, length=3)
    axes.tick_params(which="minor", length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_GRID)


def _add_legend(figure: Figure, panels: Sequence[Panel]) -> None:
    """Below all panels, each name once; none where a single curve needs no name."""
    names: dict[str, Any] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        names |= {label: handle for label, handle in zip(labels, handles, strict=True) if label}
    if not names or (len(names) == 1 and len(panels) == 1):
        return
    letters = max(map(len, names)) + _LEGEND_MARK
    fitting = int(figure.get_figwidth() * 72 / (letters * _LEGEND_SIZE * 0.6))
    figure.legend(
        list(names.values()),
        list(names),
        loc="outside lower center",
        ncols=max(1, min(len(names), fitting, 3)),
        frameon=False,
        fontsize=_LEGEND_SIZE,
        labelcolor=_INK,
        columnspacing=1.5,
        handlelength=1.6,
    )
