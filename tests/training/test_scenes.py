"""Drawn scenes are the same everywhere, show what they say, and say no more than they show."""

import hashlib
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageFilter

from engine.training.scenes import scene as scenes
from engine.training.scenes.dice import Dice, seed_at
from engine.training.scenes.draw import draw, line_art, pen_and_ink
from engine.training.scenes.examples import SceneDataset
from engine.training.scenes.look import measured, seen
from engine.training.scenes.scene import NOTHING, attributes, make_scene
from engine.training.scenes.words import caption, captions

ROOT = Path(__file__).parent.parent.parent
MANY = [make_scene(seed_at(5, index)) for index in range(1500)]


def digest_of_drawings() -> str:
    digest = hashlib.sha256()
    for index in range(6):
        digest.update(draw(make_scene(seed_at(1, index)), 32).tobytes())
    return digest.hexdigest()


def test_a_number_gives_the_same_picture_in_every_process() -> None:
    code = "from tests.training.test_scenes import digest_of_drawings as d; print(d())"
    other = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert other.stdout.strip() == digest_of_drawings()


def test_examples_do_not_depend_on_the_order_of_asking_or_on_how_many_there_are() -> None:
    short, long = SceneDataset(10, seed=3, side=32), SceneDataset(1000, seed=3, side=32)
    later = long[7]
    assert torch.equal(short[7].image, later.image)
    assert short[7].caption == later.caption
    assert long.scene(7) != SceneDataset(10, seed=4, side=32).scene(7)


def test_an_example_is_a_picture_between_0_and_1() -> None:
    image, text = SceneDataset(3, side=48)[2]
    assert image.shape == (48, 48, 3)
    assert image.dtype == torch.float32
    assert image.min() >= 0
    assert 0.1 < image.max() <= 1
    assert text


def test_a_scene_looks_the_same_at_every_size() -> None:
    for scene in MANY[:4]:
        small = draw(scene, 64)
        reduced = draw(scene, 256).resize((64, 64), Image.Resampling.BOX)
        apart = [abs(a - b) for a, b in zip(small.tobytes(), reduced.tobytes(), strict=True)]
        assert sum(apart) / len(apart) < 6


def test_every_value_of_every_attribute_occurs_often() -> None:
    counted = {name: Counter(attributes(scene)[name] for scene in MANY) for name in attributes(MANY[0])}
    assert set(counted["time"]) == set(scenes.TIMES)
    assert set(counted["sky"]) == {sky for skies in scenes.SKIES.values() for sky in skies}
    assert set(counted["ground"]) == set(scenes.GROUNDS)
    assert set(counted["trees"]) == {tree for trees in scenes.TREES.values() for tree in trees}
    assert set(counted["landmark"]) == {each for all_ in scenes.LANDMARKS.values() for each in all_} | {NOTHING}
    assert set(counted["landmark_colour"]) == {*scenes.LANDMARK_COLOURS, NOTHING}
    assert set(counted["ridge_colour"]) == {each for all_ in scenes.RIDGE_COLOURS.values() for each in all_} | {NOTHING}
    assert set(counted["light_side"]) == set(scenes.SIDES)
    for values in counted.values():
        assert min(values.values()) > len(MANY) * 0.04


def test_combinations_make_sense() -> None:
    for scene in MANY:
        assert (scene.light == "sun") == (scene.time != "night")
        assert scene.landmark in (*scenes.LANDMARKS[scene.ground], NOTHING)
        assert scene.trees in scenes.TREES[scene.ground]
        assert (scene.landmark == NOTHING) == (scene.landmark_colour == NOTHING) == (scene.landmark_side == NOTHING)


# words that may only be said of scenes with this value
WORDS = {
    "dawn": ("time", "dawn"),
    "noon|midday": ("time", "noon"),
    "dusk": ("time", "dusk"),
    "night": ("time", "night"),
    "sea|coast": ("ground", "sea"),
    "lake": ("ground", "lake"),
    "meadow|grassy": ("ground", "meadow"),
    "desert": ("ground", "desert"),
    "snowy": ("ground", "snow"),
    "house": ("landmark", "house"),
    "boat": ("landmark", "boat"),
    "lighthouse": ("landmark", "lighthouse"),
    "tent": ("landmark", "tent"),
    "sun": ("light", "sun"),
    "crescent": ("light", "crescent moon"),
    "full": ("light", "full moon"),
    "mountains": ("ridge", "mountains"),
    "hills": ("ridge", "hills"),
    "two": ("ranges", "two"),
    "snow-capped": ("snow_caps", "yes"),
    "pine": ("trees", "pine"),
    "palm": ("trees", "palm"),
    "cacti": ("trees", "cactus"),
    "round": ("trees", "round"),
    "many|lots": ("tree_count", "many"),
    "few|some": ("tree_count", "few"),
    "starry|stars": ("sky", "starry"),
    "cloudy|clouds": ("sky", "cloudy"),
    "rainbow": ("sky", "rainbow"),
    "aurora|lights": ("sky", "aurora"),
    "clear": ("sky", "clear"),
    "birds": ("weather", "birds"),
    "falling|snowfall": ("weather", "snowfall"),
}
COLOURS = {"red", "blue", "yellow", "white", "pink", "orange", "purple", "grey", "brown", "green"}


def test_captions_mention_only_what_is_drawn() -> None:
    for scene in MANY:
        text = caption(scene, Dice(scene.seed, "caption"))
        shown = attributes(scene)
        for words, (name, value) in WORDS.items():
            if re.search(rf"(?<![\w-])({words})(?![\w-])", text):
                assert shown[name] == value, text
        unpainted = re.sub(r"green (meadow|banks|aurora)", "", text)
        colours = {shown[name] for name in ("light_colour", "ridge_colour", "landmark_colour")}
        assert {word for word in re.findall(r"\w+", unpainted) if word in COLOURS} <= colours, text


def test_a_whole_caption_names_everything() -> None:
    for scene in MANY[:300]:
        text = caption(scene, Dice(scene.seed, "caption"), whole=True)
        for value in (scene.light_colour, scene.ridge, scene.ridge_colour, scene.landmark, scene.landmark_colour):
            assert value == NOTHING or value in text


def test_captions_of_a_scene_are_worded_differently() -> None:
    assert len(set(captions(MANY[0], 0, 12))) > 8


def test_what_is_drawn_can_be_told_from_the_picture() -> None:
    shares = measured((draw(scene, 128), attributes(scene)) for scene in MANY[:200])
    assert all(share >= 0.97 for share in shares.values()), shares


def test_the_checks_bear_pictures_that_are_not_sharp() -> None:
    blurred = ((draw(scene, 128).filter(ImageFilter.GaussianBlur(1.2)), attributes(scene)) for scene in MANY[200:280])
    shares = measured(blurred)
    assert all(share >= 0.9 for share in shares.values()), shares


def test_the_checks_see_when_a_colour_is_another() -> None:
    scene = next(each for each in MANY if each.landmark == "tent" and each.landmark_colour == "red")
    repainted = replace(scene, landmark_colour="blue")
    assert seen(draw(scene, 128))["landmark_colour"] == "red"
    assert seen(draw(repainted, 128))["landmark_colour"] == "blue"


@pytest.mark.parametrize("style", [line_art, pen_and_ink])
def test_other_styles_draw_the_same_scene_in_two_tones(style: type) -> None:
    drawn = style(MANY[0], 64)
    assert drawn.size == (64, 64)
    low, high = drawn.convert("L").getextrema()
    assert low < 60
    assert high > 220


@pytest.mark.parametrize(
    ("wrong", "said"), [({"count": 0}, "1 or more"), ({"side": 4}, "16 to 2048"), ({"style": "oil"}, "'oil'")]
)
def test_impossible_datasets_are_refused(wrong: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SceneDataset(**({"count": 3} | wrong))  # pyright: ignore[reportArgumentType]


def test_numbers_past_the_end_are_refused() -> None:
    with pytest.raises(IndexError, match="no scene 3 among 3"):
        SceneDataset(3)[3]
