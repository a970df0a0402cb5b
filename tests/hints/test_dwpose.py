"""DWPose through onnxruntime: small networks, of which it is known what they see, stand in for the published ones."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from engine.hints import dwpose
from engine.hints.annotators import MissingWeights
from engine.weights.read import BadFile
from nodes.hints_pose import dwpose_estimator

YOLOX, POINTS = "yolox_l.onnx", "dw-ll_ucoco_384.onnx"
SIDE, WIDTH, HEIGHT = 640, 288, 384
NOSE, LEFT_SHOULDER, RIGHT_SHOULDER, RIGHT_ELBOW, CHIN, LEFT_THUMB = 0, 5, 6, 8, 31, 93


def put(path: Path, seen: tuple[int, ...], **answers: np.ndarray) -> None:
    """Write a network that gives these answers to any picture."""
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[0, 1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["still"]),
    ]
    constants = [numpy_helper.from_array(np.zeros((), np.float32), "nothing")]
    outputs: list[Any] = []
    for name, answer in answers.items():
        constants.append(numpy_helper.from_array(answer.astype(np.float32), f"{name} constant"))
        nodes.append(helper.make_node("Add", [f"{name} constant", "still"], [name]))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, answer.shape))
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, seen)
    graph = helper.make_graph(nodes, "known", [picture], outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def cells(*people: tuple[float, float, float, float]) -> np.ndarray:
    """What YOLOX says of 640 x 640 pixels with people at centre x, centre y, width and height, each seen twice."""
    said = np.zeros((1, 8400, 85))
    for x, y, width, height in people:
        for row, column in ((int(y // 8), int(x // 8)), (int(y // 8), int(x // 8) + 1)):
            said[0, row * 80 + column, :6] = (
                x / 8 - column,
                y / 8 - row,
                np.log(width / 8),
                np.log(height / 8),
                0.9,
                0.9,
            )
    return said


def bins(points: dict[int, tuple[float, float]], size: int, axis: int) -> np.ndarray:
    """What RTMPose says along an axis, with points in shares of what it sees."""
    said = np.zeros((1, 133, 2 * size))
    for number, place in points.items():
        said[0, number, round(place[axis] * 2 * size)] = 0.8
    return said


@pytest.fixture
def networks(annotators: Path) -> Path:
    """Two people in a picture of 128 x 256: one fills the left half, one the right. Each has the same points."""
    put(annotators / YOLOX, (1, 3, SIDE, SIDE), output=cells((160, 160, 240, 320), (480, 160, 240, 320)))
    points = {
        NOSE: (0.5, 0.2),
        LEFT_SHOULDER: (0.6, 0.4),
        RIGHT_SHOULDER: (0.4, 0.4),
        RIGHT_ELBOW: (0.4, 0.6),
        CHIN: (0.5, 0.3),
        LEFT_THUMB: (0.6, 0.7),
    }
    across, down = bins(points, WIDTH, 0), bins(points, HEIGHT, 1)
    put(annotators / POINTS, (1, 3, HEIGHT, WIDTH), simcc_x=across, simcc_y=down)
    return annotators


def test_every_person_has_points_where_they_are_seen(networks: Path) -> None:
    made = dwpose_estimator(torch.rand(2, 128, 256, 3), resolution=128)
    assert made.image.shape == (2, 128, 256, 3)
    assert made.keypoints[0] == made.keypoints[1]
    people = made.keypoints[0]["people"]
    assert (made.keypoints[0]["canvas_height"], made.keypoints[0]["canvas_width"]) == (128, 256)
    assert len(people) == 2  # each was seen twice
    # A box of 96 x 128 pixels around (64, 64), with its margin: 120 x 160 are seen from (4, -16) on.
    for person, middle in zip(sorted(people, key=lambda each: each["pose_keypoints_2d"][0]), (64, 192), strict=True):
        body = np.array(person["pose_keypoints_2d"]).reshape(18, 3)
        corner = middle - 60
        assert body[0] == pytest.approx((corner + 60, 16, 0.8), abs=0.6)
        assert body[1] == pytest.approx((corner + 60, 48, 0.8), abs=0.6)  # the neck, between the shoulders
        assert body[2] == pytest.approx((corner + 48, 48, 0.8), abs=0.6)
        assert body[3] == pytest.approx((corner + 48, 80, 0.8), abs=0.6)
        assert body[5] == pytest.approx((corner + 72, 48, 0.8), abs=0.6)
        assert body[4].tolist() == [0, 0, 0]
        assert person["face_keypoints_2d"][8 * 3 : 9 * 3] == pytest.approx((corner + 60, 32, 0.8), abs=0.6)
        assert person["hand_left_keypoints_2d"][2 * 3 : 3 * 3] == pytest.approx((corner + 72, 96, 0.8), abs=0.6)
        assert not any(person["hand_right_keypoints_2d"])
    assert made.image[0, 48, 60].max() > 0.3  # from shoulder to shoulder
    assert made.image[0, 100, 20].max() == 0


def test_what_is_switched_off_is_not_drawn(networks: Path) -> None:
    image = torch.rand(1, 128, 256, 3)
    assert dwpose_estimator(image, "disable", "disable", "disable", 128).image.max() == 0
    face = dwpose_estimator(image, "disable", "disable", "enable", 128).image
    assert face[0, 32, 64].tolist() == [1, 1, 1]
    assert face[0, 48, 60].max() == 0


def test_without_a_detector_or_anybody_the_whole_picture_is_one_person(networks: Path) -> None:
    image = torch.rand(1, 128, 96, 3)
    alone = dwpose_estimator(image, resolution=96, bbox_detector="None")
    assert len(alone.keypoints[0]["people"]) == 1
    put(networks / YOLOX, (1, 3, SIDE, SIDE), output=cells())
    nobody = dwpose_estimator(image, resolution=96, bbox_detector="yolox_l.torchscript.pt")
    assert nobody.keypoints == alone.keypoints


def test_missing_and_wrong_files_are_named(annotators: Path) -> None:
    image = torch.rand(1, 64, 64, 3)
    with pytest.raises(MissingWeights, match=r"DWPose needs yolox_l.onnx, .* put yolox_l.onnx into .*yzd-v/DWPose"):
        dwpose_estimator(image)
    (annotators / YOLOX).write_bytes(b"no network")
    with pytest.raises(BadFile, match=r"yolox_l.onnx: holds no network that onnxruntime can run"):
        dwpose_estimator(image)


def test_what_must_be_installed_is_said(networks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModuleNotFoundError, match=r"DWPose needs onnxruntime, .*pip install 'heddle\[pose\]'"):
        dwpose_estimator(torch.rand(1, 64, 64, 3))


def test_a_network_is_opened_once(networks: Path) -> None:
    weights = dwpose.PEOPLE["yolox_l"]
    assert dwpose._session(weights) is dwpose._session(weights)
