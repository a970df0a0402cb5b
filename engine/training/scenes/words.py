"""Captions: a scene in a short phrase, in many orders and wordings, and never a word about what is not there."""

from engine.training.scenes.dice import Dice
from engine.training.scenes.scene import NOTHING, Scene

PLACES = {
    "sea": ("by the sea", "at the sea", "on the coast"),
    "lake": ("at a lake", "by a lake", "beside a lake"),
    "meadow": ("in a green meadow", "on a meadow", "in a meadow"),
    "desert": ("in the desert", "in a sandy desert", "among desert dunes"),
    "snow": ("in the snow", "in a snowy landscape", "on snowy ground"),
}
GROUNDS = {
    "sea": ("the sea", "the open sea", "calm sea"),
    "lake": ("a lake", "a calm lake", "a lake with green banks"),
    "meadow": ("a meadow", "a green meadow", "grassy meadow"),
    "desert": ("a desert", "desert sand", "a sandy desert"),
    "snow": ("snow", "a snowy landscape", "snowy ground"),
}
TIMES = {
    "dawn": ("at dawn",),
    "noon": ("at noon", "at midday"),
    "dusk": ("at dusk",),
    "night": ("at night",),
}
SKIES = {
    "clear": ("clear sky", "a clear sky"),
    "cloudy": ("cloudy sky", "a cloudy sky", "clouds in the sky"),
    "rainbow": ("a rainbow", "a rainbow in the sky"),
    "starry": ("starry sky", "a starry sky", "stars"),
    "aurora": ("an aurora", "northern lights", "green aurora in the sky"),
}
TREES = {"pine": "pine trees", "round": "round trees", "palm": "palm trees", "cactus": "cacti"}
COUNTS = {"few": ("a few", "some"), "many": ("many", "lots of")}
WEATHER = {"birds": ("birds in the sky", "flying birds"), "snowfall": ("falling snow", "snowfall")}
_ON_SIDE = {
    "left": ("on the left", "at the left", "to the left"),
    "middle": ("in the middle", "in the centre"),
    "right": ("on the right", "at the right", "to the right"),
}
_SAID = 0.8  # how often each attribute is spoken of


def caption(scene: Scene, dice: Dice, *, whole: bool = False) -> str:
    """A phrase for the scene: "a red house beside a lake at dusk, purple mountains, orange sun on the left".

    Other dice give another phrase. Each attribute is left out now and then, unless `whole`.
    """
    opening = _opening(scene, dice, whole)
    parts = [
        part
        for part in (
            _said(dice, whole, 0.85) and _light(scene, dice, whole),
            _said(dice, whole, 0.85) and _ridge(scene, dice, whole),
            _said(dice, whole) and _trees(scene, dice),
            _said(dice, whole, 0.7) and dice.one_of(SKIES[scene.sky]),
            scene.weather != NOTHING and _said(dice, whole, 0.7) and dice.one_of(WEATHER[scene.weather]),
        )
        if part
    ]
    phrases = [opening, *dice.shuffled(parts)]
    if dice.chance(0.25):
        phrases = dice.shuffled(phrases)
    return ", ".join(phrases)


def captions(scene: Scene, seed: int, count: int) -> list[str]:
    """Several captions of one scene, each worded for itself."""
    return [caption(scene, Dice(seed, f"caption {number}")) for number in range(count)]


def _said(dice: Dice, whole: bool, share: float = _SAID) -> bool:
    return dice.chance(share) or whole


def _opening(scene: Scene, dice: Dice, whole: bool) -> str:
    """The landmark, the place and the hour, in one of several orders; at least the place is named."""
    time = dice.one_of(TIMES[scene.time]) if _said(dice, whole, 0.92) else ""
    named = scene.landmark != NOTHING and _said(dice, whole, 0.92)
    if not named:
        ground = dice.one_of(GROUNDS[scene.ground])
        return _joined(time, ground) if time and dice.chance(0.2) else _joined(ground, time)
    thing = f"a {scene.landmark_colour} {scene.landmark}" if _said(dice, whole, 0.92) else f"a {scene.landmark}"
    side = dice.one_of(_ON_SIDE[scene.landmark_side]) if _said(dice, whole, 0.6) else ""
    place = dice.one_of(PLACES[scene.ground])
    if scene.landmark == "boat":
        place = dice.one_of((f"on {'the' if scene.ground == 'sea' else 'a'} {scene.ground}", place))
    if dice.chance(0.3):
        return f"{_joined(dice.one_of(GROUNDS[scene.ground]), time)} with {_joined(thing, side)}"
    if side:
        return (
            f"{_joined(thing, place, time)}, the {scene.landmark} {side}"
            if dice.chance(0.4)
            else (_joined(thing, side, place, time))
        )
    return _joined(thing, place, time)


def _light(scene: Scene, dice: Dice, whole: bool) -> str:
    colour = scene.light_colour if _said(dice, whole, 0.88) else ""
    side = dice.one_of(_ON_SIDE[scene.light_side]) if _said(dice, whole, 0.8) else ""
    light = scene.light
    if light == "full moon" and not whole and dice.chance(0.3):
        light = "moon"
    article = ("an" if (colour or light)[0] in "aeiou" else "a") if dice.chance(0.5) else ""
    return _joined(article, colour, light, side)


def _ridge(scene: Scene, dice: Dice, whole: bool) -> str:
    if scene.ridge == NOTHING:
        return ""
    colour = scene.ridge_colour if _said(dice, whole, 0.92) else ""
    capped = "snow-capped" if scene.snow_caps and _said(dice, whole, 0.75) else ""
    ranges = ""
    if scene.ranges == "two" and _said(dice, whole, 0.4):
        ranges = "two ranges of"
    elif scene.ranges == "one" and whole:
        ranges = "one range of"
    behind = dice.one_of(("", "", "behind", "in the distance", "on the horizon"))
    return _joined(ranges, capped, colour, scene.ridge, "in the background" if behind == "behind" else behind)


def _trees(scene: Scene, dice: Dice) -> str:
    if scene.trees == NOTHING:
        return ""
    return f"{dice.one_of(COUNTS[scene.tree_count])} {TREES[scene.trees]}"


def _joined(*words: str) -> str:
    return " ".join(word for word in words if word)
