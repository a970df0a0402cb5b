"""What can be in a drawn scene, and which of it goes together."""

from dataclasses import dataclass

from engine.training.scenes.dice import Dice

SIDES = ("left", "middle", "right")
NOTHING = "none"

# time -> skies, what shines, and in which colours
SKIES = {
    "dawn": ("clear", "cloudy"),
    "noon": ("clear", "cloudy", "rainbow"),
    "dusk": ("clear", "cloudy"),
    "night": ("starry", "cloudy", "aurora"),
}
TIMES = tuple(SKIES)
LIGHTS = {"dawn": ("sun",), "noon": ("sun",), "dusk": ("sun",), "night": ("full moon", "crescent moon")}
LIGHT_COLOURS = {
    "dawn": ("yellow", "orange", "white"),
    "noon": ("yellow", "orange", "white"),
    "dusk": ("yellow", "orange", "red"),
    "night": ("white", "yellow", "orange"),
}

RIDGES = ("mountains", "hills", NOTHING)
RIDGE_COLOURS = {"mountains": ("purple", "blue", "grey", "brown"), "hills": ("green", "purple", "blue", "brown")}

# ground -> trees and landmarks that are at home there
TREES = {
    "sea": ("palm", NOTHING),
    "lake": ("pine", "round", NOTHING),
    "meadow": ("pine", "round", NOTHING),
    "desert": ("palm", "cactus", NOTHING),
    "snow": ("pine", "pine", NOTHING),
}
LANDMARKS = {
    "sea": ("boat", "boat", "lighthouse"),
    "lake": ("house", "boat", "tent"),
    "meadow": ("house", "tent"),
    "desert": ("tent", "house"),
    "snow": ("house", "tent"),
}
GROUNDS = tuple(TREES)
LANDMARK_COLOURS = ("red", "blue", "yellow", "white", "pink")


@dataclass(frozen=True)
class Scene:
    """All that a caption may speak of, and the seed of what it does not: exact shapes and places.

    What is absent is "none", and then its colour and side are "none" as well.
    """

    time: str
    sky: str
    light: str
    light_colour: str
    light_side: str
    ridge: str
    ridge_colour: str
    ranges: str  # one or two
    snow_caps: bool
    ground: str
    trees: str
    tree_count: str  # few or many
    landmark: str
    landmark_colour: str
    landmark_side: str
    weather: str  # birds, snowfall or none
    seed: int


def make_scene(seed: int) -> Scene:
    """The scene of a seed: every attribute evenly spread over what goes with the ones before it."""
    dice = Dice(seed, "scene")
    time, ground = dice.one_of(TIMES), dice.one_of(GROUNDS)
    ridge = NOTHING if dice.chance(0.22) else dice.one_of(RIDGES[:2])
    trees = dice.one_of(TREES[ground])
    landmark = NOTHING if dice.chance(0.18) else dice.one_of(LANDMARKS[ground])
    colours = tuple(each for each in LANDMARK_COLOURS if (ground, each) != ("snow", "white"))
    return Scene(
        time=time,
        sky=dice.one_of(SKIES[time]),
        light=dice.one_of(LIGHTS[time]),
        light_colour=dice.one_of(LIGHT_COLOURS[time]),
        light_side=dice.one_of(SIDES),
        ridge=ridge,
        ridge_colour=NOTHING if ridge == NOTHING else dice.one_of(RIDGE_COLOURS[ridge]),
        ranges=NOTHING if ridge == NOTHING else dice.one_of(("one", "two")),
        snow_caps=ridge == "mountains" and dice.chance(0.35),
        ground=ground,
        trees=trees,
        tree_count=NOTHING if trees == NOTHING else dice.one_of(("few", "many")),
        landmark=landmark,
        landmark_colour=NOTHING if landmark == NOTHING else dice.one_of(colours),
        landmark_side=NOTHING if landmark == NOTHING else dice.one_of(SIDES),
        weather=_weather(dice, time, ground),
        seed=seed,
    )


def attributes(scene: Scene) -> dict[str, str]:
    """What is in a scene, in words: name of the attribute -> its value, "none" where it is absent."""
    return {
        "time": scene.time,
        "sky": scene.sky,
        "light": scene.light,
        "light_colour": scene.light_colour,
        "light_side": scene.light_side,
        "ridge": scene.ridge,
        "ridge_colour": scene.ridge_colour,
        "ranges": scene.ranges,
        "snow_caps": "yes" if scene.snow_caps else "no",
        "ground": scene.ground,
        "trees": scene.trees,
        "tree_count": scene.tree_count,
        "landmark": scene.landmark,
        "landmark_colour": scene.landmark_colour,
        "landmark_side": scene.landmark_side,
        "weather": scene.weather,
    }


def _weather(dice: Dice, time: str, ground: str) -> str:
    if ground == "snow" and dice.chance(0.4):
        return "snowfall"
    return "birds" if time != "night" and dice.chance(0.2) else NOTHING
