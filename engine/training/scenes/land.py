"""The lower part of a scene: ridges at the horizon, and the ground before them."""

from dataclasses import dataclass

import numpy as np

from engine.training.scenes import palette
from engine.training.scenes.canvas import FINE, Canvas, Stencil, wavy
from engine.training.scenes.dice import Array, Dice
from engine.training.scenes.palette import HOURS, Hour, lit, mixed, rgb
from engine.training.scenes.scene import NOTHING, Scene
from engine.training.scenes.sky import Light

HORIZON = {"sea": 0.58, "lake": 0.58, "meadow": 0.6, "desert": 0.6, "snow": 0.6}
BANK = 0.63  # where the far bank of a lake meets the water


@dataclass(frozen=True)
class Range:
    """One ridge line y(x), the peaks that throw its shadows, and its paint."""

    line: Array
    peaks: tuple[tuple[float, float], ...]  # x and height of each, none for hills
    slope: float
    paint: Array


def paint_ridges(canvas: Canvas, scene: Scene, light: Light, horizon: float, haze: Array) -> None:
    """Mountains or hills, the farther range paler than the nearer."""
    if scene.ridge == NOTHING:
        return
    hour, dice = HOURS[scene.time], Dice(scene.seed, "ridges")
    colour = lit(palette.RIDGES[scene.ridge_colour], hour, hour.ridge_gain)
    make = _mountains if scene.ridge == "mountains" else _hills
    x = canvas.columns()
    if scene.ranges == "two":
        far = make(x, dice, horizon, 0.27 if scene.ridge == "mountains" else 0.19, mixed(colour, haze, 0.5))
        _paint_range(canvas, scene, far, light, horizon, haze)
        near = make(x, dice, horizon, 0.17 if scene.ridge == "mountains" else 0.11, colour)
    else:
        near = make(x, dice, horizon, 0.25 if scene.ridge == "mountains" else 0.14, colour)
    _paint_range(canvas, scene, near, light, horizon, haze)


def _mountains(x: Array, dice: Dice, horizon: float, height: float, paint: Array) -> Range:
    count = dice.whole(3, 4) if height > 0.2 else dice.whole(4, 6)
    shift = dice.between(0, 1)
    slope = dice.between(1.0, 1.35)
    peaks = []
    for number in range(count):
        at = (number + 0.25 + 0.5 * dice.between(0, 1) + shift - 0.5) / count * 1.15 - 0.07
        peaks.append((at, height * dice.between(0.62, 1.0)))
    up = np.max([tall - np.abs(x - np.float32(at)) * np.float32(slope) for at, tall in peaks], axis=0)
    rough = wavy(x, dice, waves=9, height=0.016, octaves=4)
    floor = 0.02 + wavy(x, dice, waves=1.5, height=0.012, octaves=2)
    return Range(horizon - np.maximum(up + rough, floor), tuple(peaks), slope, paint)


def _hills(x: Array, dice: Dice, horizon: float, height: float, paint: Array) -> Range:
    line = wavy(x, dice, waves=dice.between(1.1, 1.7), height=height * 0.45, octaves=2)
    return Range(horizon - height * 0.58 - line, (), 0.0, paint)


def _paint_range(canvas: Canvas, scene: Scene, ridge: Range, light: Light, horizon: float, haze: Array) -> None:
    stencil = canvas.below(ridge.line)
    rows = slice(stencil.box[0].start, min(canvas.size, int(horizon * canvas.size) + 2))
    y, top = canvas.y[rows], _per_pixel(canvas, ridge.line)
    depth = np.clip((y - top) / np.maximum(horizon - top, 0.02), 0, 1)
    shade = _shadow_side(canvas, y, ridge, light, horizon, scene.seed)
    body = ridge.paint * (1.1 - 0.36 * shade)[..., None]
    if scene.snow_caps and ridge.peaks:
        hour = HOURS[scene.time]
        snow = lit(palette.SNOW, hour, min(1.0, hour.gain + 0.14)) * (1.0 - 0.24 * shade)[..., None]
        wander = wavy(canvas.x, Dice(scene.seed, "snow"), waves=11, height=0.03, octaves=2)
        edge = horizon - max(tall for _, tall in ridge.peaks) * 0.66 + wander
        body += (snow - body) * np.clip((edge - y) * canvas.size * 0.5 + 0.5, 0, 1)[..., None]
    body += (haze - body) * (depth * np.float32(0.3))[..., None]
    shown = Stencil(stencil.coverage[: rows.stop - rows.start], (rows, slice(None)))
    canvas.paint(shown, np.minimum(body, 255))


def _per_pixel(canvas: Canvas, line: Array) -> Array:
    """A line given at FINE places per pixel, as one row of pixels."""
    return line.reshape(canvas.size, FINE).mean(1)[None, :]


def _shadow_side(canvas: Canvas, y: Array, ridge: Range, light: Light, horizon: float, seed: int) -> Array:
    """1 on the flanks that look away from the light, parted from the lit ones by a line that zigzags down."""
    if not ridge.peaks:
        return np.zeros((len(y), canvas.size), np.float32)
    dice = Dice(seed, "flanks")
    x = canvas.x
    reach = np.stack([tall - np.abs(x[0] - np.float32(at)) * np.float32(ridge.slope) for at, tall in ridge.peaks])
    owner = reach.argmax(0)
    at = np.array([peak for peak, _ in ridge.peaks], np.float32)[owner][None, :]
    tall = np.array([height for _, height in ridge.peaks], np.float32)[owner][None, :]
    down = np.clip(y - (horizon - tall), 0, None)
    zigzag = down * np.float32(dice.between(-0.25, 0.25))
    zigzag = zigzag + (np.abs((down * 16 + at * 7) % 2 - 1) - 0.5) * np.minimum(down * 0.5, 0.035)
    side = np.float32(1 if light.x < 0.5 else -1)
    return np.clip((x - at - zigzag) * side * canvas.size * 0.7 + 0.5, 0, 1)


def paint_ground(canvas: Canvas, scene: Scene, light: Light, horizon: float, haze: Array) -> None:
    """The land from the horizon to the lower edge; for a lake its meadows, without the water."""
    hour, dice = HOURS[scene.time], Dice(scene.seed, "ground")
    if scene.ground == "sea":
        paint_water(canvas, scene, light, horizon, canvas.below(np.full_like(canvas.columns(), horizon)))
        return
    gain = hour.snow_gain if scene.ground == "snow" else hour.gain
    far, near = (lit(colour, hour, gain) for colour in palette.GROUNDS[scene.ground])
    x = canvas.columns()
    count = 4 if scene.ground == "desert" else 3
    for number in range(count):
        share = number / (count - 1)
        middle = horizon + (0.0, 0.07, 0.18, 0.29)[number] if number else horizon
        height = 0.006 + 0.022 * share + (0.012 if scene.ground == "desert" and number else 0)
        line = middle + wavy(x, dice, waves=dice.between(0.6, 1.3), height=height, octaves=2)
        colour = mixed(mixed(far, near, share), haze, 0.22 * (1 - share))
        _paint_swell(canvas, scene.ground, dice, line, colour, light)
    if scene.ground == "meadow":
        _flowers(canvas, dice, hour)


def _paint_swell(canvas: Canvas, ground: str, dice: Dice, line: Array, colour: Array, light: Light) -> None:
    """One fold of the ground, lit along its crest."""
    stencil = canvas.below(line)
    rows, top = stencil.box[0], _per_pixel(canvas, line)
    depth = np.clip((canvas.y[rows] - top) / 0.12, 0, 1)
    side = -1 if light.x > 0.5 else 1
    slant = np.clip(np.gradient(top[0], 1 / canvas.size) * side * 1.5, -0.5, 0.5)[None, :]
    contrast = {"desert": 0.2, "snow": 0.09}.get(ground, 0.12)
    grain = (canvas.noise(dice, 26, 40, rows) - 0.5) * {"desert": 0.04, "snow": 0.02}.get(ground, 0.09)
    shown = colour * (1.06 - contrast * depth - slant * contrast * 1.6 + grain)[..., None]
    canvas.paint(stencil, np.minimum(shown, 255))


def _flowers(canvas: Canvas, dice: Dice, hour: Hour) -> None:
    for colour in ((255, 250, 244), (250, 220, 236)):
        spots = []
        for x, y in dice.uniform(14, 2).tolist():
            y = 0.8 + 0.2 * y
            size = 0.004 + 0.022 * (y - 0.78)
            spots.append([(x, y - size), (x + size, y), (x, y + size), (x - size, y)])
        canvas.paint(canvas.stencil(spots), lit(colour, hour, min(1, hour.gain + 0.2)), 0.85, outlined=False)


def paint_lake(canvas: Canvas, scene: Scene, light: Light) -> None:
    """The water of a lake, mirroring what stands on its far bank, and the near bank before it."""
    dice, hour = Dice(scene.seed, "lake"), HOURS[scene.time]
    x = canvas.columns()
    near = dice.between(0.83, 0.87) + wavy(x, dice, waves=0.8, height=0.022, octaves=2)
    bank = BANK + wavy(x, dice, waves=1.2, height=0.006, octaves=2)
    paint_water(canvas, scene, light, BANK, canvas.below(bank))
    canvas.paint(canvas.below(near - 0.012), lit((214, 196, 150), hour), 0.9)
    _paint_swell(canvas, "lake", dice, near, lit(palette.GROUNDS["lake"][1], hour), light)
    _flowers(canvas, dice, hour)


def paint_water(canvas: Canvas, scene: Scene, light: Light, horizon: float, stencil: Stencil) -> None:
    """Water that mirrors all above the horizon, rippled, with the light's glitter on it."""
    hour, dice, size = HOURS[scene.time], Dice(scene.seed, "water"), canvas.size
    far, near = (rgb(colour) for colour in hour.water)
    part = stencil.box[0]
    y = canvas.y[part]
    depth = np.clip((y - horizon) / (1 - horizon), 0, 1)
    ripples = canvas.noise(dice, 5, 44, part) * 0.6 + canvas.noise(dice, 12, 60, part) * 0.4
    sway = (ripples - 0.5) * depth * size
    rows = np.clip((2 * horizon - y) * size + sway * 0.12, 0, horizon * size - 1)
    columns = np.clip(canvas.x * size + sway * 0.1, 0, size - 1)
    mirrored = canvas.pixels[rows.astype(np.int32), columns.astype(np.int32)]
    body = mirrored * 0.42 + (far + (near - far) * depth[..., None]) * 0.58
    body *= (1 + (ripples - 0.5) * (0.18 + 0.4 * depth))[..., None]
    width = light.radius * (0.55 + 1.5 * depth)
    path = np.exp(-(((canvas.x - light.x) / width) ** 2)) * np.clip((ripples - 0.42) * 5, 0, 1)
    body += (mixed(light.colour, rgb((255, 255, 255)), 0.25) - body) * (path * 0.6)[..., None]
    canvas.paint(stencil, np.clip(body, 0, 255))


def paint_beach(canvas: Canvas, scene: Scene, side: float) -> None:
    """A corner of sand at the lower edge, where palms stand by the sea; `side` is -1 left or 1 right."""
    hour, dice = HOURS[scene.time], Dice(scene.seed, "beach")
    x = canvas.columns()
    near = x if side > 0 else 1 - x
    rise = np.clip((near - dice.between(0.28, 0.36)) / 0.7, 0, 1) ** 0.7
    line = 1.02 - 0.16 * rise + wavy(x, dice, waves=2, height=0.006, octaves=2)
    far, sand = (lit(colour, hour) for colour in palette.GROUNDS["sea"])
    canvas.paint(canvas.below(line - 0.014), lit((255, 255, 255), hour, min(1, hour.gain + 0.2)), 0.75)
    canvas.paint(canvas.below(line), mixed(far, sand, 0.5))
