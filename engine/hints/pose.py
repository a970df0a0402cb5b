"""OpenPose: bodies, hands and faces as sticks and points, drawn and as numbers."""

from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from engine.hints.annotators import Weights
from engine.hints.detectors import Detector, look
from engine.hints.hint import size
from engine.hints.library import module
from engine.hints.networks import network

BODY = Weights("body_pose_model.pth")
HAND = Weights("hand_pose_model.pth")
FACE = Weights("facenet.pth")

Keypoints = dict[str, Any]
"""A picture's people as OpenPose writes them: x, y and a confidence of each point, in pixels."""


class Posed(NamedTuple):
    images: Tensor  # (B, h, w, 3)
    keypoints: list[Keypoints]  # one for each picture


def openpose(images: Tensor, resolution: int, *, body: bool, hand: bool, face: bool) -> Posed:
    """The people of each image (B, H, W, C): what is asked for of them, as pictures and as numbers."""
    networks = {
        "body": network(BODY, _body, "OpenPose", _without_stage),
        **({"hand": network(HAND, _hand, "OpenPose with hands", _without_stage)} if hand else {}),
        **({"face": network(FACE, _face, "OpenPose with faces")} if face else {}),
    }
    library = module("open_pose")
    detector = library.OpenposeDetector(
        _wrapped(library.Body, networks["body"]),
        _wrapped(library.Hand, networks.get("hand")),
        _wrapped(library.Face, networks.get("face")),
    )
    canvas = size(images.shape[1], images.shape[2], resolution)
    keypoints: list[Keypoints] = []

    def detect(picture: np.ndarray) -> np.ndarray:
        poses = detector.detect_poses(picture, hand, face)
        height, width = picture.shape[:2]
        keypoints.append(as_keypoints(poses, (height, width), canvas))
        return library.draw_poses(poses, height, width, draw_body=body, draw_hand=hand, draw_face=face)

    made = look(images, resolution, Detector("OpenPose", tuple(networks.values()), detect))
    return Posed(made, keypoints)


def as_keypoints(poses: list[Any], seen: tuple[int, int], canvas: tuple[int, int]) -> Keypoints:
    """The library's poses, whose points are shares of the size that was seen, as OpenPose writes them."""
    height, width = seen

    def flat(points: list[Any] | None) -> list[float] | None:
        if points is None:
            return None
        each = ((p.x * width, p.y * height, p.score) if p is not None and p.x >= 0 else (0.0, 0.0, 0.0) for p in points)
        return [float(number) for point in each for number in point]

    people = [
        {
            "pose_keypoints_2d": flat(pose.body.keypoints),
            "face_keypoints_2d": flat(pose.face),
            "hand_left_keypoints_2d": flat(pose.left_hand),
            "hand_right_keypoints_2d": flat(pose.right_hand),
        }
        for pose in poses
    ]
    return {"people": people, "canvas_height": canvas[0], "canvas_width": canvas[1]}


def _wrapped(kind: type[Any], found: Any) -> Any:
    """One of the library's parts around a network; its own making would read a pickle."""
    made = object.__new__(kind)
    made.model = found
    return made


def _without_stage(name: str) -> str:
    """The files name layers alone, the networks also the stage that they are in."""
    return name.partition(".")[2]


def _body() -> Any:
    return module("open_pose.model").bodypose_model()


def _hand() -> Any:
    return module("open_pose.model").handpose_model()


def _face() -> Any:
    return module("open_pose.face").FaceNet()
