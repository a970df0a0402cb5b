"""The drawn scenes as a dataset: example number -> seed -> scene -> picture and caption."""

from dataclasses import dataclass

import numpy as np
import torch

from engine.training.dataset import Example
from engine.training.scenes.dice import Dice, seed_at
from engine.training.scenes.draw import draw, line_art, pen_and_ink
from engine.training.scenes.scene import Scene, make_scene
from engine.training.scenes.words import caption

STYLES = {"colour": draw, "line art": line_art, "pen and ink": pen_and_ink}


@dataclass(frozen=True)
class SceneDataset:
    """`count` drawn scenes of `side` x `side` pixels. Another seed gives other scenes; the style changes no scene.

    Drawn afresh whenever asked for, about ten milliseconds each at 128 pixels, and never kept.
    """

    count: int
    seed: int = 0
    side: int = 128
    style: str = "colour"

    def __post_init__(self) -> None:
        if self.count < 1:
            msg = f"a dataset of {self.count} scenes has nothing to learn from; ask for 1 or more"
            raise ValueError(msg)
        if not 16 <= self.side <= 2048:
            msg = f"scenes of {self.side} pixels cannot be drawn; the side goes from 16 to 2048"
            raise ValueError(msg)
        if self.style not in STYLES:
            msg = f"scenes are not drawn as {self.style!r}, only as {', '.join(map(repr, STYLES))}"
            raise ValueError(msg)

    @property
    def name(self) -> str:
        style = "" if self.style == "colour" else f" in {self.style}"
        return f"{self.count} drawn scenes{style} (seed {self.seed})"

    @property
    def size(self) -> tuple[int, int]:
        return self.side, self.side

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Example:
        scene = self.scene(index)
        drawn = np.array(STYLES[self.style](scene, self.side), np.float32) / 255
        return Example(torch.from_numpy(drawn), caption(scene, Dice(scene.seed, "caption")))

    def scene(self, index: int) -> Scene:
        """What the example of this number shows. Raises IndexError past the end."""
        if not -self.count <= index < self.count:
            msg = f"there is no scene {index} among {self.count}"
            raise IndexError(msg)
        return make_scene(seed_at(self.seed, index % self.count))
