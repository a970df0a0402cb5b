"""The colours of the scenes: skies and light by time of day, and what each named colour looks like."""

from dataclasses import dataclass

import numpy as np

from engine.training.scenes.dice import Array

RGB = tuple[float, float, float]  # 0..255


@dataclass(frozen=True)
class Hour:
    """The light of one time of day."""

    skies: tuple[tuple[RGB, RGB, RGB], ...]  # variants: top, middle and horizon
    gain: float  # how bright the land is
    tint: RGB  # the colour that lies over it
    veil: float  # share of that colour
    water: tuple[RGB, RGB]  # far and near
    cloud: tuple[RGB, RGB]  # lit and shaded side
    ridge_gain: float
    snow_gain: float
    landmark_gain: float
    glow: float  # strength of the halo around the sun or moon


HOURS = {
    "dawn": Hour(
        skies=(
            ((150, 180, 226), (244, 208, 214), (255, 232, 196)),
            ((168, 178, 222), (250, 200, 204), (255, 226, 184)),
            ((138, 186, 220), (228, 214, 222), (255, 224, 204)),
        ),
        gain=0.96,
        tint=(255, 206, 196),
        veil=0.14,
        water=((196, 190, 208), (104, 146, 182)),
        cloud=((255, 240, 236), (226, 186, 200)),
        ridge_gain=0.96,
        snow_gain=0.99,
        landmark_gain=0.98,
        glow=0.55,
    ),
    "noon": Hour(
        skies=(
            ((44, 118, 214), (104, 172, 236), (190, 224, 244)),
            ((30, 132, 222), (96, 186, 238), (196, 232, 240)),
            ((58, 112, 206), (124, 172, 232), (204, 226, 246)),
        ),
        gain=1.0,
        tint=(255, 255, 255),
        veil=0.0,
        water=((92, 170, 206), (16, 92, 158)),
        cloud=((250, 252, 255), (198, 212, 232)),
        ridge_gain=1.0,
        snow_gain=1.0,
        landmark_gain=1.0,
        glow=0.4,
    ),
    "dusk": Hour(
        skies=(
            ((62, 40, 108), (190, 70, 110), (255, 158, 84)),
            ((84, 40, 104), (214, 82, 92), (255, 172, 88)),
            ((52, 46, 116), (168, 72, 124), (250, 146, 104)),
        ),
        gain=0.7,
        tint=(196, 84, 92),
        veil=0.14,
        water=((196, 100, 100), (62, 44, 92)),
        cloud=((248, 148, 120), (134, 66, 112)),
        ridge_gain=0.8,
        snow_gain=0.92,
        landmark_gain=0.92,
        glow=0.6,
    ),
    "night": Hour(
        skies=(
            ((8, 12, 40), (18, 28, 72), (48, 66, 118)),
            ((12, 10, 38), (26, 26, 74), (58, 60, 116)),
            ((6, 16, 38), (12, 38, 74), (38, 78, 116)),
        ),
        gain=0.5,
        tint=(28, 44, 104),
        veil=0.16,
        water=((40, 58, 104), (10, 22, 56)),
        cloud=((74, 86, 124), (32, 40, 76)),
        ridge_gain=0.66,
        snow_gain=0.72,
        landmark_gain=0.82,
        glow=0.4,
    ),
}

LIGHTS: dict[str, RGB] = {
    "yellow": (255, 226, 60),
    "orange": (255, 138, 28),
    "red": (226, 36, 40),
    "white": (255, 253, 244),
}
LANDMARKS: dict[str, RGB] = {
    "red": (214, 36, 38),
    "blue": (28, 84, 224),
    "yellow": (250, 206, 36),
    "white": (248, 248, 246),
    "pink": (244, 84, 170),
}
RIDGES: dict[str, RGB] = {
    "purple": (128, 82, 168),
    "blue": (70, 116, 186),
    "grey": (128, 130, 134),
    "brown": (148, 98, 62),
    "green": (82, 146, 74),
}
# ground -> far and near
GROUNDS: dict[str, tuple[RGB, RGB]] = {
    "meadow": ((166, 204, 98), (66, 142, 56)),
    "lake": ((150, 194, 98), (66, 138, 62)),
    "desert": ((244, 212, 150), (222, 162, 92)),
    "snow": ((248, 250, 255), (216, 230, 248)),
    "sea": ((240, 216, 160), (224, 190, 130)),  # its beach
}
FOLIAGE: dict[str, tuple[RGB, RGB]] = {  # lit and shaded
    "pine": ((52, 112, 78), (26, 72, 60)),
    "round": ((98, 164, 62), (54, 118, 52)),
    "palm": ((84, 156, 66), (40, 104, 56)),
    "cactus": ((70, 146, 84), (38, 104, 66)),
}
BARK: RGB = (104, 74, 52)
SNOW: RGB = (250, 252, 255)


def rgb(colour: RGB) -> Array:
    return np.array(colour, np.float32)


def mixed(first: Array, second: Array, share: float) -> Array:
    """So much of the second in the first."""
    return first + (second - first) * np.float32(share)


def lit(colour: RGB | Array, hour: Hour, gain: float | None = None) -> Array:
    """How a colour of the land looks at this time of day."""
    shown = np.asarray(colour, np.float32) * np.float32(hour.gain if gain is None else gain)
    return mixed(shown, rgb(hour.tint), hour.veil)


def landmark_paint(colour: RGB, hour: Hour) -> Array:
    """How a landmark's colour looks: only a little darker at night, so that its name stays true."""
    return rgb(colour) * np.float32(hour.landmark_gain)
