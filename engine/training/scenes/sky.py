"""The upper part of a scene: gradient, stars, aurora, rainbow, sun or moon, clouds and birds."""

from dataclasses import dataclass

import numpy as np

from engine.training.scenes import palette
from engine.training.scenes.canvas import Canvas, Point, ellipse
from engine.training.scenes.dice import Array, Dice
from engine.training.scenes.palette import HOURS, Hour, rgb
from engine.training.scenes.scene import Scene

SIDE_AT = {"left": 0.2, "middle": 0.5, "right": 0.8}


@dataclass(frozen=True)
class Light:
    """Where the sun or moon stands, and how it shines."""

    x: float
    y: float
    radius: float
    colour: Array


def make_light(scene: Scene) -> Light:
    """The sun or moon: low at dawn and dusk, but never behind a landmark that reaches into the sky."""
    dice = Dice(scene.seed, "light")
    x = SIDE_AT[scene.light_side] + dice.between(-0.06, 0.06)
    low = scene.time in ("dawn", "dusk")
    hidden = scene.landmark_side == scene.light_side and (scene.ground in ("sea", "lake"))
    y = dice.between(0.23, 0.32) if low and not hidden else dice.between(0.13, 0.18 if hidden else 0.24)
    radius = dice.between(0.075, 0.095) if low else dice.between(0.065, 0.085)
    return Light(x, y, radius, rgb(palette.LIGHTS[scene.light_colour]))


def paint_sky(canvas: Canvas, scene: Scene, light: Light, horizon: float) -> Array:
    """Paint the whole sky; returns the colour (3,) that it has at the horizon, in which distant things fade."""
    hour = HOURS[scene.time]
    dice = Dice(scene.seed, "sky")
    top, middle, bottom = (rgb(colour) for colour in dice.one_of(hour.skies))
    height = np.clip(canvas.y / horizon, 0, 1)
    upper, lower = np.clip(height / 0.6, 0, 1)[..., None], np.clip((height - 0.6) / 0.4, 0, 1)[..., None]
    canvas.pixels[:] = top + (middle - top) * upper + (bottom - middle) * lower
    if scene.sky == "starry":
        _stars(canvas, dice, horizon)
    if scene.sky == "aurora":
        _aurora(canvas, dice)
    if scene.sky == "rainbow":
        _rainbow(canvas, dice, light, horizon)
    _glow(canvas, scene, light, hour)
    clouds = _clouds(canvas, dice, light, horizon) if scene.sky == "cloudy" else []
    _lay_clouds(canvas, clouds, hour)
    _shine(canvas, scene, light)
    if scene.weather == "birds":
        _birds(canvas, dice, light, scene)
    return bottom


def _glow(canvas: Canvas, scene: Scene, light: Light, hour: Hour) -> None:
    away = canvas.distance(light.x, light.y) / light.radius
    wide = np.exp(-away * np.float32(0.42)) * np.float32(hour.glow)
    near = np.exp(-np.maximum(away - 1, 0) * np.float32(2.4)) * np.float32(0.3)
    if scene.light == "crescent moon":
        wide, near = wide * 0.6, near * 0
    canvas.add(wide + near, light.colour * np.float32(0.9 if scene.light == "sun" else 0.7))


def _shine(canvas: Canvas, scene: Scene, light: Light) -> None:
    x, y, radius = light.x, light.y, light.radius
    disc = canvas.disc(x, y, radius)
    if scene.light == "crescent moon":
        side = 1 if x < 0.5 else -1
        disc = disc * (1 - canvas.disc(x + side * radius * 0.52, y - radius * 0.2, radius * 0.9))
    canvas.paint(disc, light.colour)
    if scene.light == "full moon":
        dice = Dice(scene.seed, "craters")
        craters: list[list[Point]] = []
        for turn in (0.6, 2.1, 3.4, 5.2):
            away, size = dice.between(0.25, 0.62) * radius, dice.between(0.14, 0.26) * radius
            angle = turn + dice.between(-0.5, 0.5)
            craters.append(ellipse(x + np.cos(angle) * away, y + np.sin(angle) * away, size, size))
        canvas.paint(canvas.stencil(craters), light.colour * np.float32(0.86), 0.8, outlined=False)


def _stars(canvas: Canvas, dice: Dice, horizon: float) -> None:
    for strength, count, size in ((0.55, 46, 0.004), (1.0, 26, 0.0062)):
        places = dice.uniform(count, 2).tolist()
        stars: list[list[Point]] = []
        for x, y in places:
            y *= horizon * 0.94
            arm = size * (1.3 if (x * 97) % 1 > 0.75 else 1)
            stars.append([(x, y - arm), (x + arm * 0.7, y), (x, y + arm), (x - arm * 0.7, y)])
        canvas.paint(canvas.stencil(stars), rgb((255, 250, 232)), strength, outlined=False)
    milky = canvas.noise(dice, 6, 6) * canvas.noise(dice, 14, 12)
    slant = np.exp(-(((canvas.y - 0.2 - (canvas.x - 0.5) * np.float32(dice.between(-0.5, 0.5))) / 0.12) ** 2))
    canvas.add(milky * slant * np.float32(0.4), rgb((150, 160, 230)))


def _aurora(canvas: Canvas, dice: Dice) -> None:
    green, violet = rgb((64, 255, 160)), rgb((168, 92, 255))
    for strength, base in ((0.95, dice.between(0.3, 0.38)), (0.6, dice.between(0.18, 0.25))):
        sway, lean = dice.between(0.03, 0.06), dice.between(0, 6.283)
        line = base + np.sin(canvas.x * np.float32(dice.between(5, 9)) + np.float32(lean)) * np.float32(sway)
        line = line + (canvas.x - 0.5) * np.float32(dice.between(-0.14, 0.14))
        rise = (line - canvas.y) / np.float32(dice.between(0.15, 0.2))
        curtain = np.where(rise > 0, np.exp(-np.maximum(rise, 0) * 1.5), np.exp(np.minimum(rise, 0) * 12))
        folds = 0.45 + 0.75 * canvas.noise(dice, 22, 1) * canvas.noise(dice, 5, 2) * 1.5
        share = np.clip(rise, 0, 1.4)[..., None] / 1.4
        canvas.add(curtain * folds * np.float32(strength), green + (violet - green) * share)


_BOW = ((224, 70, 70), (244, 150, 60), (250, 226, 90), (110, 200, 110), (80, 150, 230), (140, 90, 200))


def _rainbow(canvas: Canvas, dice: Dice, light: Light, horizon: float) -> None:
    radius = dice.between(0.4, 0.46)
    away = canvas.distance(1 - light.x * 0.8 - 0.1, horizon + dice.between(0.02, 0.08))
    band = (radius - away) / np.float32(0.085)
    colours = np.array(_BOW, np.float32)
    place = np.clip(band, 0, 1) * (len(_BOW) - 1)
    channels = [np.interp(place, range(len(_BOW)), colours[:, channel]) for channel in range(3)]
    edge = np.clip(band * 8, 0, 1) * np.clip((1 - band) * 8, 0, 1)
    canvas.paint(edge, np.stack(channels, 2).astype(np.float32), 0.7, outlined=False)


def _clouds(canvas: Canvas, dice: Dice, light: Light, horizon: float) -> list[list[Point]]:
    """Heaps of round puffs with a flat base, spread over the sky but not over the sun or moon."""
    puffs: list[list[Point]] = []
    start = dice.between(0, 1)
    for number in range(9):
        x = (start + number * 0.382) % 1.1 - 0.05  # the golden ratio spreads them evenly
        y = dice.between(0.06, horizon - 0.16)
        width = dice.between(0.1, 0.17) * (0.75 + 0.5 * (1 - y / horizon))
        if abs(x - light.x) < width + light.radius and abs(y - 0.02 - light.y) < light.radius + width * 0.5:
            continue
        puffs.append(ellipse(x, y, width, width * 0.24))
        for place in (-0.55, -0.15, 0.3, 0.6):
            height = width * dice.between(0.3, 0.5) * (1.25 - abs(place))
            puffs.append(ellipse(x + place * width, y - height * 0.35, height * 0.95, height))
    return puffs


def _lay_clouds(canvas: Canvas, puffs: list[list[Point]], hour: Hour) -> None:
    bright, dark = (rgb(colour) for colour in hour.cloud)
    canvas.paint(canvas.stencil(puffs, soft=0.004), dark, 0.94)
    lit = [[(x, y - 0.012) for x, y in puff] for puff in puffs]
    upper = canvas.stencil(lit, soft=0.008)
    canvas.paint(upper, bright, 0.9, outlined=False)


def _birds(canvas: Canvas, dice: Dice, light: Light, scene: Scene) -> None:
    x, y = (0.2 if light.x > 0.45 else 0.8) + dice.between(-0.04, 0.04), dice.between(0.14, 0.3)
    wings: list[list[Point]] = []
    for _ in range(dice.whole(4, 6)):
        left, top, span = x + dice.between(-0.11, 0.11), y + dice.between(-0.08, 0.08), dice.between(0.02, 0.03)
        thick = span * 0.3
        for side in (-1, 1):
            wings.append(
                [
                    (left, top),
                    (left + side * span * 0.5, top - span * 0.55),
                    (left + side * span, top - span * 0.25),
                    (left + side * span * 0.5, top - span * 0.55 + thick),
                    (left, top + thick),
                ]
            )
    ink = (44, 48, 72) if scene.time != "dusk" else (44, 20, 52)
    canvas.paint(canvas.stencil(wings), rgb(ink))
