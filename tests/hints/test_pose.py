"""People are drawn and told in numbers; the networks stand in, and see a body that hangs from top to bottom."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.hints import pose
from engine.hints.annotators import MissingWeights
from nodes.hints_pose import openpose

NECK, SHOULDER, ELBOW, WRIST = 1, 2, 3, 4


class _Seeing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stage = nn.Linear(1, 1)


class _Body(_Seeing):
    """Sees neck, shoulder, elbow and wrist of the right side one below the other, in the middle."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        height, width = x.shape[2] // 8, x.shape[3] // 8
        limbs, joints = torch.zeros(1, 38, height, width), torch.zeros(1, 19, height, width)
        limbs[:, 1::2] = 1  # all limbs point down
        for joint in (NECK, SHOULDER, ELBOW, WRIST):
            joints[:, joint, round(height * joint / 5), width // 2] = 1
        return limbs, joints


class _Hand(_Seeing):
    """Sees the first point of a hand in the middle, and none of the others."""

    def forward(self, x: Tensor) -> Tensor:
        found = torch.zeros(1, 22, x.shape[2] // 8, x.shape[3] // 8)
        found[:, 0, found.shape[2] // 2, found.shape[3] // 2] = 1
        return found


class _Face(_Seeing):
    """Sees no face."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [torch.zeros(1, 71, x.shape[2] // 8, x.shape[3] // 8)]


@pytest.fixture
def networks(annotators: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files as they are published: those of body and hand name layers without their stage."""
    for file, maker, make in (
        (pose.BODY, "_body", _Body),
        (pose.HAND, "_hand", _Hand),
        (pose.FACE, "_face", _Face),
    ):
        monkeypatch.setattr(pose, maker, make)
        names = {name if make is _Face else name.partition(".")[2]: each for name, each in make().state_dict().items()}
        save_file(names, annotators / file.names[0])
    return annotators


def points(numbers: list[float]) -> list[tuple[float, float, float]]:
    return [(numbers[i], numbers[i + 1], numbers[i + 2]) for i in range(0, len(numbers), 3)]


def test_a_body_is_drawn_and_told_in_pixels_of_every_picture(networks: Path) -> None:
    made = openpose(torch.rand(2, 200, 300, 3), "enable", "enable", "enable", 256)
    assert made.image.shape == (2, 256, 384, 3)
    assert (made.image.flatten(1).max(1).values > 0.5).all()
    assert len(made.keypoints) == 2
    told: dict[str, Any] = made.keypoints[1]
    assert (told["canvas_height"], told["canvas_width"]) == (256, 384)
    (person,) = told["people"]
    body = points(person["pose_keypoints_2d"])
    assert len(body) == 18
    for joint in (NECK, SHOULDER, ELBOW, WRIST):
        x, y, sure = body[joint]
        assert (x, y) == pytest.approx((192, 256 * joint / 5), abs=12)
        assert sure == 1
    assert body[0] == (0, 0, 0)  # no nose
    assert person["hand_left_keypoints_2d"] is None
    hand = points(person["hand_right_keypoints_2d"])
    assert len(hand) == 21
    assert hand[0][2] == 1
    assert hand[5] == (0, 0, 0)


def test_what_is_switched_off_is_not_drawn_and_its_weights_are_not_asked_for(networks: Path) -> None:
    image = torch.rand(1, 256, 384, 3)
    for file in (pose.HAND, pose.FACE):
        (networks / file.names[0]).unlink()
    body = openpose(image, "disable", "enable", "disable", 256)
    assert body.image.max() > 0.5
    assert body.keypoints[0]["people"][0]["hand_right_keypoints_2d"] is None
    assert openpose(image, "disable", "disable", "disable", 256).image.max() == 0
    with pytest.raises(MissingWeights, match="OpenPose with hands needs hand_pose_model.pth"):
        openpose(image, "enable", "enable", "disable", 256)
    with pytest.raises(MissingWeights, match="OpenPose with faces needs facenet.pth"):
        openpose(image, "disable", "enable", "enable", 256)
