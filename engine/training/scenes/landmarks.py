"""What people built in a scene: a house, a boat, a lighthouse or a tent, in a colour that keeps its name."""

from collections.abc import Callable, Iterator

from engine.training.scenes import palette
from engine.training.scenes.canvas import Canvas, Polygon, ellipse
from engine.training.scenes.dice import Array, Dice
from engine.training.scenes.land import BANK
from engine.training.scenes.palette import HOURS, Hour, landmark_paint, mixed, rgb
from engine.training.scenes.scene import NOTHING, Scene
from engine.training.scenes.sky import SIDE_AT
from engine.training.scenes.trees import Spot

Part = tuple[list[Polygon], Array]  # outlines and their paint, in the order of painting
WINDOW = (255, 222, 130)  # lamplight
PANE = (92, 112, 140)  # a window by day


def landmark_spot(scene: Scene) -> Spot | None:
    """Where the landmark stands and how high it is; None without one."""
    if scene.landmark == NOTHING:
        return None
    dice = Dice(scene.seed, "landmark")
    x = SIDE_AT[scene.landmark_side] + dice.between(-0.03, 0.03)
    x = min(max(x, 0.19), 0.81)
    y = dice.between(0.76, 0.82)
    if scene.landmark == "lighthouse":
        return Spot(x, 0.72, dice.between(0.4, 0.44))
    if scene.landmark == "boat":
        return Spot(x, dice.between(0.73, 0.77), dice.between(0.29, 0.33))
    if scene.ground == "lake":
        y = BANK + 0.002
    return Spot(x, y, dice.between(0.24, 0.28) if scene.landmark == "house" else dice.between(0.21, 0.24))


def paint_landmark(canvas: Canvas, scene: Scene, spot: Spot) -> None:
    """The landmark with its shadow on land or its mirror image on water."""
    hour, dice = HOURS[scene.time], Dice(scene.seed, "landmark parts")
    paint = landmark_paint(palette.LANDMARKS[scene.landmark_colour], hour)
    parts = list(_DRAWN[scene.landmark](spot, paint, hour, scene.time, dice))
    if scene.landmark in ("boat", "lighthouse"):
        for outlines, colour in parts:
            mirrored = [[(x, 2 * spot.y - y + 0.004 - (spot.y - y) * 0.45) for x, y in line] for line in outlines]
            canvas.paint(canvas.stencil(mirrored, soft=0.004), colour * 0.8, 0.32, outlined=False)
    else:
        shadow = ellipse(spot.x, spot.y, spot.height * 0.72, spot.height * 0.07)
        canvas.paint(canvas.stencil([shadow], soft=0.004), rgb((20, 30, 60)), 0.34, outlined=False)
    for outlines, colour in parts:
        canvas.paint(canvas.stencil(outlines), colour)


def _house(spot: Spot, paint: Array, hour: Hour, time: str, dice: Dice) -> Iterator[Part]:
    x, y, tall = spot
    half, eaves = tall * 0.52, y - tall * 0.56
    dark = hour.landmark_gain
    roof = rgb((86, 78, 84)) * dark
    chimney = x + half * (0.5 if dice.chance(0.5) else -0.62)
    yield [_box(chimney, eaves - tall * 0.06, chimney + half * 0.16, y - tall * 1.0)], roof * 0.8
    yield [_box(x - half, y, x + half, eaves)], paint
    yield [_box(x + half * 0.45, y, x + half, eaves)], paint * 0.88
    yield (
        [
            [
                (x - half * 1.18, eaves + tall * 0.02),
                (x - half * 0.62, y - tall * 0.98),
                (x + half * 0.62, y - tall * 0.98),
                (x + half * 1.18, eaves + tall * 0.02),
            ]
        ],
        roof,
    )
    glass = rgb(WINDOW) if time in ("dusk", "night") else rgb(PANE)
    panes = [_box(x + half * at, y - tall * 0.24, x + half * (at + 0.3), y - tall * 0.43) for at in (-0.78, 0.48)]
    yield panes, glass
    yield [_box(x - half * 0.14, y, x + half * 0.2, y - tall * 0.36)], rgb((74, 52, 44)) * dark


def _tent(spot: Spot, paint: Array, hour: Hour, time: str, dice: Dice) -> Iterator[Part]:
    x, y, tall = spot
    half = tall * 0.8
    lean = half * (0.5 if dice.chance(0.5) else -0.5)
    top = y - tall
    yield [[(x - half, y), (x - lean * 0.3, top), (x + half, y)]], paint
    yield [[(x + (half if lean > 0 else -half), y), (x - lean * 0.3, top), (x + lean * 0.55, y)]], paint * 0.86
    inside = rgb(WINDOW) if time in ("dusk", "night") else rgb((70, 56, 52))
    middle = x - lean * 0.55
    yield [[(middle - half * 0.17, y), (x - lean * 0.36, y - tall * 0.5), (middle + half * 0.17, y)]], inside


def _boat(spot: Spot, paint: Array, hour: Hour, time: str, dice: Dice) -> Iterator[Part]:
    x, y, tall = spot
    half, deck, way = tall * 0.52, y - tall * 0.17, 1 if dice.chance(0.5) else -1
    yield [_box(x - tall * 0.015, deck, x + tall * 0.015, y - tall)], rgb((92, 70, 56)) * hour.landmark_gain
    yield (
        [
            [
                (x + way * tall * 0.03, y - tall * 0.97),
                (x + way * half * 0.94, deck - tall * 0.06),
                (x + way * tall * 0.03, deck - tall * 0.06),
            ]
        ],
        paint,
    )
    yield (
        [
            [
                (x - way * tall * 0.03, y - tall * 0.88),
                (x - way * half * 0.72, deck - tall * 0.06),
                (x - way * tall * 0.03, deck - tall * 0.06),
            ]
        ],
        paint * 0.9,
    )
    yield (
        [[(x - half, deck), (x + half, deck), (x + half * 0.72, y), (x - half * 0.72, y)]],
        (rgb((104, 68, 46)) * hour.landmark_gain),
    )
    yield [_box(x - half * 0.97, deck + tall * 0.045, x + half * 0.97, deck)], paint


def _lighthouse(spot: Spot, paint: Array, hour: Hour, time: str, dice: Dice) -> Iterator[Part]:
    x, y, tall = spot
    gain = hour.landmark_gain
    rock = rgb((96, 92, 98)) * gain
    wide = tall * 0.34
    yield (
        [
            [
                (x - wide, y + 0.01),
                (x - wide * 0.7, y - tall * 0.1),
                (x - wide * 0.2, y - tall * 0.15),
                (x + wide * 0.4, y - tall * 0.13),
                (x + wide * 0.8, y - tall * 0.06),
                (x + wide * 1.05, y + 0.01),
            ]
        ],
        rock,
    )
    foot, head = y - tall * 0.12, y - tall * 0.8
    low, high = tall * 0.135, tall * 0.095

    def stripe(start: float, end: float) -> list[tuple[float, float]]:
        at = [(foot + (head - foot) * share, low + (high - low) * share) for share in (start, end)]
        (bottom, wide_low), (top, wide_high) = at
        return [(x - wide_low, bottom), (x + wide_low, bottom), (x + wide_high, top), (x - wide_high, top)]

    yield [stripe(0, 1)], paint
    if float(paint.min()) < 200 * gain:  # bands of white, unless it is white itself
        yield [stripe(0.3, 0.44), stripe(0.68, 0.82)], rgb((246, 246, 244)) * gain
    yield [_box(x - high * 1.3, head, x + high * 1.3, head - tall * 0.025)], rgb((60, 58, 66)) * gain
    lamp = rgb((255, 244, 170)) if time != "noon" else mixed(rgb((255, 244, 170)), rgb(PANE), 0.5)
    yield [_box(x - high * 0.72, head - tall * 0.025, x + high * 0.72, head - tall * 0.115)], lamp
    yield [[(x - high, head - tall * 0.115), (x, y - tall), (x + high, head - tall * 0.115)]], rgb((60, 58, 66)) * gain


def _box(left: float, bottom: float, right: float, top: float) -> list[tuple[float, float]]:
    return [(left, bottom), (right, bottom), (right, top), (left, top)]


_DRAWN: dict[str, Callable[[Spot, Array, Hour, str, Dice], Iterator[Part]]] = {
    "house": _house,
    "tent": _tent,
    "boat": _boat,
    "lighthouse": _lighthouse,
}
