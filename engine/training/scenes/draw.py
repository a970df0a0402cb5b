"""A scene becomes a picture: in colour, as a line drawing, or in pen and ink."""

import numpy as np
from PIL import Image

from engine.training.scenes.canvas import Canvas, Point
from engine.training.scenes.dice import Array, Dice
from engine.training.scenes.land import HORIZON, paint_beach, paint_ground, paint_lake, paint_ridges
from engine.training.scenes.landmarks import landmark_spot, paint_landmark
from engine.training.scenes.palette import rgb
from engine.training.scenes.scene import NOTHING, Scene
from engine.training.scenes.sky import make_light, paint_sky
from engine.training.scenes.trees import beach_spots, paint_trees, tree_spots


def draw(scene: Scene, size: int) -> Image.Image:
    """The scene in colour, size x size pixels. The same scene looks the same at every size."""
    return _painted(scene, size).picture()


def line_art(scene: Scene, size: int) -> Image.Image:
    """The outlines of what the scene shows, white on black."""
    outlines = _outlines(_painted(scene, size * 2), size)
    return Image.fromarray((outlines * 255).astype(np.uint8)).convert("RGB")


_PAPER, _INK = (247, 241, 226), (38, 34, 44)
_STROKES = 30  # across the picture


def pen_and_ink(scene: Scene, size: int) -> Image.Image:
    """The same scene drawn in ink on paper: outlines, and hatching that thickens with the dark."""
    canvas = _painted(scene, size * 2)
    tone = canvas.pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    dark, bright = (float(each) for each in np.percentile(tone, (2, 96)))
    tone = np.clip((tone - dark) / max(bright - dark, 16), 0, 1) ** np.float32(0.7)
    wobble = (canvas.noise(Dice(scene.seed, "ink"), 14, 14) - 0.5) * 0.014
    x, y = canvas.x + wobble, canvas.y - wobble
    ink = np.zeros_like(tone)
    for darker_than, along in ((0.66, x + y), (0.34, x - y)):
        across = np.abs((along * _STROKES) % 1 - 0.5) * 2  # 0 in the middle of a stroke, 1 between two
        ink = np.maximum(ink, np.clip((darker_than - tone) * 1.4, 0, 0.45) - across)
    hatched = np.clip(ink * 8, 0, 1).reshape(size, 2, size, 2).mean((1, 3))
    share = np.maximum(hatched * 0.75, _outlines(canvas, size))[..., None]
    paper, pen = rgb(_PAPER), rgb(_INK)
    return Image.fromarray(np.rint(paper + (pen - paper) * share).astype(np.uint8))


def _painted(scene: Scene, size: int) -> Canvas:
    canvas, light, horizon = Canvas(size), make_light(scene), HORIZON[scene.ground]
    haze = paint_sky(canvas, scene, light, horizon)
    paint_ridges(canvas, scene, light, horizon, haze)
    paint_ground(canvas, scene, light, horizon, haze)
    dice, landmark = Dice(scene.seed, "trees"), landmark_spot(scene)
    if scene.ground == "sea":
        _paint_seaside(canvas, scene, dice)
        return canvas
    trees = tree_spots(scene, dice, landmark, light)
    afloat = scene.landmark == "boat"
    behind = [spot for spot in trees if landmark is None or afloat or spot.y <= landmark.y]
    paint_trees(canvas, scene, behind, dice)
    if landmark and not afloat:
        paint_landmark(canvas, scene, landmark)
    paint_trees(canvas, scene, trees[len(behind) :], dice)
    if scene.ground == "lake":
        paint_lake(canvas, scene, light)
        if landmark and afloat:
            paint_landmark(canvas, scene, landmark)
    if scene.weather == "snowfall":
        _paint_snowfall(canvas, scene)
    return canvas


def _paint_seaside(canvas: Canvas, scene: Scene, dice: Dice) -> None:
    landmark = landmark_spot(scene)
    if landmark:
        paint_landmark(canvas, scene, landmark)
    if scene.trees != NOTHING:
        side = {"left": 1.0, "right": -1.0}.get(scene.landmark_side) or dice.one_of((-1.0, 1.0))
        paint_beach(canvas, scene, side)
        paint_trees(canvas, scene, beach_spots(scene, dice, side), dice)


def _paint_snowfall(canvas: Canvas, scene: Scene) -> None:
    dice = Dice(scene.seed, "snowfall")
    for count, radius in ((60, 0.006), (34, 0.0095)):
        flakes: list[list[Point]] = []
        for x, y in dice.uniform(count, 2).tolist():
            flakes.append([(x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius)])
        canvas.paint(canvas.stencil(flakes, soft=0.001), rgb((255, 255, 255)), 0.9, outlined=False)


def _outlines(canvas: Canvas, size: int) -> Array:
    """Where one shape ends and another begins, (size, size) in 0..1, from a canvas of twice that side."""
    shapes = canvas.shapes
    edge = np.zeros(shapes.shape, np.float32)
    across, down = shapes[:, 1:] != shapes[:, :-1], shapes[1:] != shapes[:-1]
    edge[:, 1:] += across
    edge[:, :-1] += across
    edge[1:] += down
    edge[:-1] += down
    return np.minimum(edge, 1).reshape(size, 2, size, 2).mean((1, 3))
