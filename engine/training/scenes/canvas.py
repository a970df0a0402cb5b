"""A square picture in the making: anti-aliased shapes, ridges and gradients painted one over the other."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.training.scenes.dice import Array, Dice

FINE = 4  # sub-pixels per pixel along each side
Point = tuple[float, float]  # x to the right and y downwards, both 0..1
Polygon = list[Point]
Box = tuple[slice, slice]


class Stencil(NamedTuple):
    """How much of each pixel some shapes cover, 0..1, and the part of the picture that they lie in."""

    coverage: Array
    box: Box


class Canvas:
    """Pixels (size, size, 3) in 0..255, and beside them the number of the shape that each pixel shows."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pixels = np.zeros((size, size, 3), np.float32)
        self.shapes = np.zeros((size, size), np.int16)
        centres = (np.arange(size, dtype=np.float32) + 0.5) / size
        self.x: Array = centres[None, :]
        self.y: Array = centres[:, None]
        self._count = 0

    def paint(self, stencil: Stencil | Array, colour: Array, strength: float = 1.0, *, outlined: bool = True) -> None:
        """Lay a colour, or an array of colours that fits the stencil, over the picture.

        What is not `outlined` (glows, mist, reflections) leaves no line in line drawings.
        """
        coverage, box = stencil if isinstance(stencil, Stencil) else (stencil, (slice(None), slice(None)))
        if outlined:
            self._count += 1
            self.shapes[box][coverage > 0.5] = self._count
        share = coverage[..., None] * np.float32(strength)
        there = self.pixels[box]
        there += (colour - there) * share

    def add(self, light: Array, colour: Array) -> None:
        """Lighten the picture towards white by light (size, size) of this colour: screen blending."""
        self.pixels += light[..., None] * colour * (1 - self.pixels / 255)

    def stencil(self, polygons: Iterable[Polygon], soft: float = 0.0) -> Stencil:
        """The union of polygons; `soft` blurs its edge by so much of the picture's side."""
        scale = self.size * FINE
        outlines = [np.asarray(polygon, np.float64) * scale for polygon in polygons]
        if not outlines:
            return _nowhere()
        points = np.concatenate(outlines)
        margin = soft * scale * 2 + FINE
        low = np.clip(np.floor((points.min(0) - margin) / FINE), 0, self.size).astype(int)
        high = np.clip(np.ceil((points.max(0) + margin) / FINE), 0, self.size).astype(int)
        width, height = (int(side) for side in high - low)
        if width <= 0 or height <= 0:
            return _nowhere()
        fine = Image.new("L", (width * FINE, height * FINE))
        pen = ImageDraw.Draw(fine)
        for outline in outlines:
            pen.polygon((outline - low * FINE).ravel().tolist(), fill=255)
        drawn = fine.reduce(FINE)
        if soft:
            drawn = drawn.filter(ImageFilter.GaussianBlur(soft * self.size))
        coverage = np.asarray(drawn, np.float32) / 255
        return Stencil(coverage, (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))))

    def disc(self, x: float, y: float, radius: float) -> Array:
        """A disc's coverage of the whole picture."""
        return np.clip((radius - self.distance(x, y)) * self.size + 0.5, 0, 1)

    def distance(self, x: float, y: float) -> Array:
        return np.hypot(self.x - np.float32(x), self.y - np.float32(y))

    def below(self, edge: Array) -> Stencil:
        """All that lies below a line y(x), given at FINE places per pixel (see `columns`)."""
        top = min(max(int(float(edge.min()) * self.size) - 1, 0), self.size)
        end = min(max(int(float(edge.max()) * self.size) + 2, top), self.size)
        coverage = np.ones((self.size - top, self.size), np.float32)
        steep = np.sqrt(1 + np.gradient(edge, 1 / (self.size * FINE)) ** 2).astype(np.float32)
        depth = (self.y[top:end] - edge[None, :]) * (self.size / steep)[None, :] + np.float32(0.5)
        np.clip(depth, 0, 1, out=depth)
        places = [depth[:, place::FINE] for place in range(FINE)]
        coverage[: end - top] = sum(places[1:], places[0]) / FINE
        return Stencil(coverage, (slice(top, self.size), slice(None)))

    def columns(self) -> Array:
        """The x of every place at which `below` wants its line."""
        return (np.arange(self.size * FINE, dtype=np.float32) + 0.5) / (self.size * FINE)

    def noise(self, dice: Dice, columns: int, rows: int, part: slice | None = None) -> Array:
        """Smooth noise in 0..1 over the picture, with so many bumps across and down; only `part` of its rows."""
        coarse = Image.fromarray(dice.uniform(rows + 1, columns + 1))
        top = part.start if part else 0
        scale = (rows + 1) / self.size
        box = (0, top * scale, columns + 1, rows + 1)
        return np.asarray(coarse.resize((self.size, self.size - top), Image.Resampling.BICUBIC, box=box), np.float32)

    def picture(self) -> Image.Image:
        return Image.fromarray(np.clip(np.rint(self.pixels), 0, 255).astype(np.uint8))


def _nowhere() -> Stencil:
    return Stencil(np.zeros((0, 0), np.float32), (slice(0, 0), slice(0, 0)))


_TURN = np.linspace(0, 2 * np.pi, 28, endpoint=False)


def ellipse(x: float, y: float, width: float, height: float, top: float = 0.0) -> list[Point]:
    """An ellipse with these half axes; `top` cuts it off below this share of its height (1 is nothing left)."""
    across, down = np.cos(_TURN) * width, np.minimum(np.sin(_TURN), 1 - 2 * top) * height
    return list(zip((x + across).tolist(), (y + down).tolist(), strict=True))


def wavy(x: Array, dice: Dice, *, waves: float, height: float, octaves: int = 3) -> Array:
    """A soft line: sines of growing frequency and falling height, -height..height about zero."""
    line = np.zeros_like(x)
    total = 0.0
    for octave in range(octaves):
        share = 0.5**octave
        total += share
        phase = dice.between(0, 2 * np.pi)
        line += np.float32(share) * np.sin(x * np.float32(2 * np.pi * waves * 1.9**octave) + np.float32(phase))
    return line * np.float32(height / total)
