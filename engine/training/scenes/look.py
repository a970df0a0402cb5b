"""What a picture of a scene shows, found by its colours and places alone: the measure of a model that paints scenes.

    python -m engine.training.scenes.look

draws some scenes and says how often each attribute is found again. The checks read any picture of such a scene,
drawn or painted by a model; they know the palette and nothing of the caption.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter

from engine.training.scenes import palette
from engine.training.scenes.dice import Array, seed_at
from engine.training.scenes.draw import draw
from engine.training.scenes.palette import HOURS, Hour, landmark_paint, lit, mixed, rgb
from engine.training.scenes.scene import LANDMARK_COLOURS, LIGHT_COLOURS, NOTHING, SIDES, attributes, make_scene

SIDE = 64  # pixels that the checks look at along each side: colours and places, not details
WETNESS = {"meadow": 0.59, "desert": 2.0, "snow": 2.0}  # water to land from which there is water: green mirrors green
NEAR = 46  # how far apart two colours may be, in steps of 0..255 over all channels, and still have one name


def seen(picture: Image.Image) -> dict[str, str]:
    """Attributes of a scene, named as `attributes` names them, as far as they can be told from the picture alone."""
    pixels = _pixels(picture)
    time = time_of_day(pixels)
    land = ground(pixels, time)
    light_colour, light_side = light(pixels, time)
    landmark_colour, landmark_side = landmark(pixels, time, land)
    return {
        "time": time,
        "ground": land,
        "light_colour": light_colour,
        "light_side": light_side,
        "landmark_colour": landmark_colour,
        "landmark_side": landmark_side,
    }


def time_of_day(pixels: Array) -> str:
    """By the upper sky: the hour whose skies, clouds or aurora are nearest to most of its pixels."""
    votes = np.zeros(len(HOURS))
    for top, height in ((0, 0.05), (4, 0.2), (9, 0.35), (14, 0.5)):
        known = {name: _upper_sky(name, hour, height) for name, hour in HOURS.items()}
        votes += _votes(pixels[top : top + 4], known)
    return list(HOURS)[int(votes.argmax())]


def ground(pixels: Array, time: str) -> str:
    """By what the foot of the picture is made of, and whether there is water between it and the horizon."""
    hour = HOURS[time]
    made_of = {name: _soil(name, hour) for name in ("meadow", "desert", "snow")}
    made_of["sea"] = _water(hour)
    made_of["trees"] = [lit(colour, hour) for pair in palette.FOLIAGE.values() for colour in pair]
    foot = dict(zip(made_of, _votes(pixels[60:63], made_of), strict=True))
    middle = dict(zip(made_of, _votes(pixels[44:52], made_of), strict=True))
    most = max(("meadow", "desert", "snow"), key=lambda name: foot[name])
    if middle["sea"] > middle[most] * WETNESS[most]:
        return "lake" if most == "meadow" and foot[most] > foot["sea"] else "sea"
    return most


def light(pixels: Array, time: str) -> tuple[str, str]:
    """Colour and side of the sun or moon: the most compact spot of a known light in the upper half."""
    hour = HOURS[time]
    paints = {name: [rgb(palette.LIGHTS[name])] for name in LIGHT_COLOURS[time]}
    return _spot(pixels[:30], paints, [*_sky(hour), *_snow(hour)], within=9, least=0.1)


def landmark(pixels: Array, time: str, land: str) -> tuple[str, str]:
    """Colour and side of the landmark: the most compact spot of a known paint about the horizon, if there is one."""
    hour = HOURS[time]
    paints = {
        name: [landmark_paint(palette.LANDMARKS[name], hour) * np.float32(shade) for shade in (1.0, 0.88)]
        for name in LANDMARK_COLOURS
        if (name, land) != ("white", "snow")
    }
    soils = [shade for name in ("meadow", "desert") for shade in _soil(name, hour)]
    return _spot(pixels[28:53], paints, [*_sky(hour), *_water(hour), *_snow(hour), *soils], within=9, least=0.2)


def _pixels(picture: Image.Image) -> Array:
    small = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small, np.float32)


def _distances(pixels: Array, paints: Mapping[str, Sequence[Array]]) -> Array:
    """How far each pixel is from the nearest shade of each name: (names, height, width)."""
    return np.stack([np.min([_away(pixels, shade) for shade in shades], axis=0) for shades in paints.values()])


def _away(pixels: Array, colour: Array) -> Array:
    return np.sqrt(((pixels - colour) ** 2).sum(-1))


def _votes(pixels: Array, paints: Mapping[str, Sequence[Array]]) -> Array:
    """To how many pixels each name is the nearest."""
    return np.bincount(_distances(pixels, paints).argmin(0).ravel(), minlength=len(paints)).astype(np.float64)


def _spot(
    pixels: Array, paints: Mapping[str, Sequence[Array]], rest: Sequence[Array], within: int, least: float
) -> tuple[str, str]:
    """Name and side of the paint that fills most of some window of this side and little of what surrounds it.

    A pixel counts where none of the `rest`, the scene's other colours, is nearer to it.
    """
    away = _distances(pixels, {**paints, "": rest})
    nearest = away.argmin(0)
    best = (least, NOTHING, NOTHING)
    for number, name in enumerate(paints):
        here = ((nearest == number) & (away[number] < NEAR)).astype(np.float32)
        filled = uniform_filter(here, within, mode="constant")
        around = uniform_filter(here, 2 * within, mode="constant")
        compact = filled - np.maximum(around * 4 - filled, 0) / 3
        if name == "white":  # foam, glitter and bands of paint are white as well: only a good spot of it counts
            compact = compact - 0.1
        row, column = np.unravel_index(int(compact.argmax()), compact.shape)
        if compact[row, column] > best[0]:
            start = max(0, int(column) - within)
            window = here[max(0, row - within) : row + within + 1, start : column + within + 1]
            middle = (float(np.average(np.arange(window.shape[1]), weights=window.sum(0))) + start + 0.5) / SIDE
            best = (float(compact[row, column]), name, SIDES[int(middle > 0.35) + int(middle > 0.65)])
    return best[1], best[2]


def _upper_sky(time: str, hour: Hour, height: float) -> list[Array]:
    """What the sky of an hour looks like at this height, 0 at the top of the picture and 1 at the horizon."""
    clear = [mixed(rgb(top), rgb(middle), min(1.0, height / 0.6)) for top, middle, _ in hour.skies]
    shining = (
        [mixed(sky, rgb((64, 255, 160)), share) for sky in clear for share in (0.2, 0.5)] if time == "night" else []
    )
    return [*clear, *(mixed(rgb(cloud), sky, 0.08) for cloud in hour.cloud for sky in clear), *shining]


def _sky(hour: Hour) -> list[Array]:
    shades = [mixed(rgb(sky[1]), rgb(sky[2]), share) for sky in hour.skies for share in (0.0, 0.5, 1.0)]
    return [*shades, *(rgb(cloud) for cloud in hour.cloud)]


def _snow(hour: Hour) -> list[Array]:
    white = lit(palette.SNOW, hour, min(1.0, hour.gain + 0.14))
    return [white, white * np.float32(0.8)]


def _soil(name: str, hour: Hour) -> list[Array]:
    gain = hour.snow_gain if name == "snow" else hour.gain
    far, near = (lit(colour, hour, gain) for colour in palette.GROUNDS[name])
    return [mixed(far, near, share) for share in (0.2, 0.6, 1.0)]


def _water(hour: Hour) -> list[Array]:
    far, near = (rgb(colour) for colour in hour.water)
    return [
        mixed(mixed(far, near, depth), rgb(mirrored), 0.42)
        for depth in (0.15, 0.45)
        for sky in hour.skies
        for mirrored in sky[1:]
    ]


def measured(pictures: Iterable[tuple[Image.Image, Mapping[str, str]]]) -> dict[str, float]:
    """The share of pictures, each given with its true attributes, in which each attribute is found again."""
    right: dict[str, int] = {}
    count = 0
    for picture, truth in pictures:
        count += 1
        for name, value in seen(picture).items():
            right[name] = right.get(name, 0) + (truth[name] == value)
    return {name: hits / count for name, hits in right.items()}


def main(count: int = 500, side: int = 128) -> None:
    """Write how many of so many drawn scenes each check gets right."""
    scenes = [make_scene(seed_at(2024, index)) for index in range(count)]
    for name, share in measured((draw(scene, side), attributes(scene)) for scene in scenes).items():
        sys.stdout.write(f"{name:16} {share:7.1%}\n")


if __name__ == "__main__":
    main()
