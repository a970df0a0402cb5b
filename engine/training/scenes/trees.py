"""The trees of a scene: pines, round ones, palms and cacti, a few or many."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from engine.training.scenes.canvas import Canvas, Point, Polygon, ellipse
from engine.training.scenes.dice import Dice
from engine.training.scenes.land import BANK
from engine.training.scenes.palette import BARK, FOLIAGE, HOURS, lit, rgb
from engine.training.scenes.scene import NOTHING, Scene
from engine.training.scenes.sky import Light

Layer = tuple[list[Polygon], str]  # outlines, and which paint fills them: "bark", "dark" or "lit"


class Spot(NamedTuple):
    """Where something stands: the middle of its foot, and its height."""

    x: float
    y: float
    height: float


def tree_spots(scene: Scene, dice: Dice, landmark: Spot | None, light: Light) -> list[Spot]:
    """Where the trees stand, back to front, leaving room around the landmark and, by a lake, below the sun."""
    if scene.trees == NOTHING:
        return []
    many = scene.tree_count == "many"
    count = dice.whole(9, 12) if many else dice.whole(2, 3)
    nearest, farthest = (0.9, 0.66) if many else (0.84, 0.72)
    if scene.ground == "lake":
        nearest = farthest = BANK - 0.006
    spots: list[Spot] = []
    start = dice.between(0, 1)
    for number in range(40):
        x = (start + number * 0.618 + dice.between(-0.04, 0.04)) % 1
        y = dice.between(farthest, nearest)
        if landmark and scene.landmark != "boat" and abs(x - landmark.x) < 0.17:
            continue
        if scene.ground == "lake" and not many and abs(x - light.x) < light.radius + 0.05:
            continue
        scale = 0.75 + 1.6 * (y - 0.66) if scene.ground != "lake" else 1.0
        height = (dice.between(0.13, 0.18) if many else dice.between(0.21, 0.26)) * scale
        spots.append(Spot(x, y, height))
        if len(spots) == count:
            break
    return sorted(spots, key=lambda spot: spot.y)


def beach_spots(scene: Scene, dice: Dice, side: float) -> list[Spot]:
    """Where palms stand on the corner of a beach, beside a landmark and not before it."""
    count = dice.whole(6, 7) if scene.tree_count == "many" else 2
    reach = 0.3 if scene.tree_count == "few" or scene.landmark_side == "middle" else 0.46
    spots: list[Spot] = []
    for number in range(count):
        inwards = 0.05 + reach * (number + dice.between(0.1, 0.6)) / count
        height = dice.between(0.24, 0.36) if scene.tree_count == "many" else dice.between(0.36, 0.46)
        spots.append(Spot(0.5 + side * (0.5 - inwards), 0.93 + 0.06 * inwards + dice.between(0, 0.03), height))
    return spots


def paint_trees(canvas: Canvas, scene: Scene, spots: list[Spot], dice: Dice) -> None:
    """All trees of a scene, in a few rows from back to front."""
    hour = HOURS[scene.time]
    bright, dark = FOLIAGE[scene.trees] if spots else (BARK, BARK)
    paints = {"bark": lit(BARK, hour), "dark": lit(dark, hour), "lit": lit(bright, hour)}
    rows = max(1, (len(spots) + 3) // 4)
    for row in range(rows):
        here = spots[row * len(spots) // rows : (row + 1) * len(spots) // rows]
        _shadows(canvas, here, scene)
        made: dict[str, list[Polygon]] = {}
        for spot in here:
            for outlines, paint in TREES[scene.trees](spot, dice):
                made.setdefault(paint, []).extend(outlines)
        for paint in ("bark", "dark", "lit"):
            canvas.paint(canvas.stencil(made.get(paint, [])), paints[paint], outlined=paint != "lit")


def _shadows(canvas: Canvas, spots: list[Spot], scene: Scene) -> None:
    if scene.ground in ("lake", "sea"):
        return
    flat = [ellipse(spot.x, spot.y, spot.height * 0.3, spot.height * 0.05) for spot in spots]
    canvas.paint(canvas.stencil(flat, soft=0.003), rgb((20, 30, 60)), 0.3, outlined=False)


def _pine(spot: Spot, dice: Dice) -> Iterator[Layer]:
    x, y, tall = spot
    half = tall * dice.between(0.22, 0.28)
    trunk = tall * 0.04
    yield [[(x - trunk, y), (x - trunk, y - tall * 0.3), (x + trunk, y - tall * 0.3), (x + trunk, y)]], "bark"
    tiers: list[Polygon] = []
    bright: list[Polygon] = []
    for low, high, width in ((0.12, 0.5, 1.0), (0.34, 0.75, 0.78), (0.58, 1.0, 0.54)):
        left, right, foot, tip = x - half * width, x + half * width, y - tall * low, y - tall * high
        tiers.append([(left, foot), (x, tip), (right, foot), (x, foot + tall * 0.03)])
        bright.append([(left, foot), (x, tip), (x - half * width * 0.15, foot + tall * 0.02)])
    yield tiers, "dark"
    yield bright, "lit"


def _round(spot: Spot, dice: Dice) -> Iterator[Layer]:
    x, y, tall = spot
    trunk = tall * 0.055
    yield (
        [[(x - trunk, y), (x - trunk * 0.7, y - tall * 0.5), (x + trunk * 0.7, y - tall * 0.5), (x + trunk, y)]],
        "bark",
    )
    size = tall * dice.between(0.27, 0.31)
    crown = [ellipse(x, y - tall * 0.66, size, size)]
    for side in (-1, 1):
        crown.append(ellipse(x + side * size * 0.6, y - tall * 0.54, size * 0.68, size * 0.64))
    crown.append(ellipse(x + size * dice.between(-0.3, 0.3), y - tall * 0.82, size * 0.72, size * 0.66))
    yield crown, "dark"
    yield (
        [
            ellipse(x - size * 0.24, y - tall * 0.78, size * 0.62, size * 0.56),
            ellipse(x - size * 0.62, y - tall * 0.57, size * 0.4, size * 0.36),
            ellipse(x + size * 0.4, y - tall * 0.6, size * 0.36, size * 0.3),
        ],
        "lit",
    )


def _palm(spot: Spot, dice: Dice) -> Iterator[Layer]:
    x, y, tall = spot
    lean = tall * dice.between(-0.22, 0.22)
    thick = tall * 0.03
    bend = [(x + lean * share**1.8, y - tall * 0.8 * share) for share in (0, 0.25, 0.5, 0.75, 1)]
    outline = [(at - thick * (1.3 - 0.6 * n / 4), up) for n, (at, up) in enumerate(bend)]
    outline += [(at + thick * (1.3 - 0.6 * n / 4), up) for n, (at, up) in reversed(list(enumerate(bend)))]
    yield [outline], "bark"
    top_x, top_y = bend[-1]
    fronds: dict[str, list[Polygon]] = {"dark": [], "lit": []}
    for number, turn in enumerate((200, 160, 235, 128, 308, 20, 340, 270)):
        angle = np.deg2rad(turn + dice.between(-8, 8))
        fronds["lit" if number % 2 else "dark"].append(_frond(top_x, top_y, angle, tall * dice.between(0.3, 0.36)))
    yield fronds["dark"], "dark"
    yield fronds["lit"], "lit"


def _frond(x: float, y: float, angle: float, reach: float) -> list[Point]:
    """A drooping leaf from the crown outwards; angles turn with the clock from the right."""
    shares = np.linspace(0, 1, 6)
    along = x + np.cos(angle) * reach * shares
    down = y + np.sin(angle) * reach * 0.7 * shares + reach * 0.55 * shares**2
    wide = reach * 0.13 * np.sin(np.pi * np.clip(shares + 0.08, 0, 1))
    upper = zip(along.tolist(), (down - wide).tolist(), strict=True)
    lower = zip(along[::-1].tolist(), (down + wide)[::-1].tolist(), strict=True)
    return [*upper, *lower]


def _cactus(spot: Spot, dice: Dice) -> Iterator[Layer]:
    x, y, tall = spot
    wide = tall * 0.1
    body: list[Polygon] = [_pillar(x, y, wide, tall)]
    bright: list[Polygon] = [_pillar(x - wide * 0.35, y, wide * 0.34, tall * 0.94)]
    for side in (-1, 1):
        foot, up = y - tall * dice.between(0.32, 0.5), tall * dice.between(0.28, 0.4)
        arm = x + side * wide * 2.6
        body.append([(x, foot), (arm, foot), (arm, foot - wide * 1.1), (x, foot - wide * 1.1)])
        body.append(_pillar(arm, foot, wide * 0.7, up))
        bright.append(_pillar(arm - wide * 0.25, foot - wide * 0.2, wide * 0.22, up * 0.88))
    yield body, "dark"
    yield bright, "lit"


def _pillar(x: float, y: float, half: float, tall: float) -> list[Point]:
    cap = [(x + half * np.cos(turn), y - tall + half - half * np.sin(turn)) for turn in np.linspace(0, np.pi, 9)]
    return [(x + half, y), *((float(px), float(py)) for px, py in cap), (x - half, y)]


TREES: dict[str, Callable[[Spot, Dice], Iterator[Layer]]] = {
    "pine": _pine,
    "round": _round,
    "palm": _palm,
    "cactus": _cactus,
}
