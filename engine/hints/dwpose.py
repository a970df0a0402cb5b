"""DWPose (Yang et al. 2023): people found by YOLOX, and 133 points of each by RTMPose; both are ONNX files.

The library's own way to it needs mmpose and mmcv, which do not install beside a present PyTorch.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from torch import Tensor

from engine.hints import annotators
from engine.hints.annotators import Weights
from engine.hints.hint import hints, size
from engine.hints.library import module
from engine.hints.pose import Keypoints, Posed, as_keypoints
from engine.weights import shelf
from engine.weights.read import BadFile

_HOME = "yzd-v/DWPose"
PEOPLE = {"yolox_l": Weights("yolox_l.onnx", _HOME)}
POINTS = {
    "dw-ll_ucoco_384": Weights("dw-ll_ucoco_384.onnx", _HOME),
    "dw-ll_ucoco": Weights("dw-ll_ucoco.onnx", _HOME),
}
_STRIDES = (8, 16, 32)  # of YOLOX' three grids
_GREY = 114  # what it fills up pictures with
_SURE, _OVERLAP = 0.3, 0.45  # of a person; YOLOX' own
_VISIBLE = 0.3  # of a point
_MARGIN = 1.25  # of what RTMPose sees around a person
_MEAN, _STD = (np.array(each, np.float32) for each in ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)))

# The 18 points of OpenPose's body, by their places among those of COCO; its neck lies between the shoulders.
_BODY = (0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
_SHOULDERS = (5, 6)
_FACE, _LEFT_HAND, _RIGHT_HAND = slice(23, 91), slice(91, 112), slice(112, 133)


class Points(NamedTuple):
    """The 133 points of a person: places (133, 2) in pixels, and how sure each is (133,)."""

    places: np.ndarray
    scores: np.ndarray


def dwpose(
    images: Tensor, resolution: int, *, body: bool, hand: bool, face: bool, people: str | None, points: str
) -> Posed:
    """The people of each image (B, H, W, C), as pictures and numbers; without a network for people each is one."""
    finder = _session(PEOPLE[people]) if people is not None else None
    seer = _session(POINTS[points])
    library = module("open_pose")
    canvas = size(images.shape[1], images.shape[2], resolution)
    keypoints: list[Keypoints] = []

    def detect(picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        whole = np.array([[0, 0, width, height]], np.float32)
        found = people_in(picture, finder) if finder is not None else whole
        poses = [_pose(library, points_of(picture, box, seer), canvas) for box in (found if len(found) else whole)]
        keypoints.append(as_keypoints(poses, canvas, canvas))
        return library.draw_poses(poses, height, width, draw_body=body, draw_hand=hand, draw_face=face)

    return Posed(hints(images, resolution, detect), keypoints)


def people_in(picture: np.ndarray, run: Callable[[np.ndarray], list[np.ndarray]], side: int = 640) -> np.ndarray:
    """Boxes (n, 4) of left, top, right and bottom around the people that YOLOX sees."""
    factor = min(side / picture.shape[0], side / picture.shape[1])
    small = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)[:side, :side]
    square = np.full((side, side, 3), _GREY, np.float32)
    square[: small.shape[0], : small.shape[1]] = small[..., ::-1]  # it was trained on blue, green, red
    (cells,) = run(square.transpose(2, 0, 1)[None])[0]
    grids, strides = _grids(side)
    centres, sizes = (cells[:, :2] + grids) * strides, np.exp(cells[:, 2:4]) * strides
    scores = cells[:, 4] * cells[:, 5]  # people are the first class
    corners = centres - sizes / 2
    kept = cv2.dnn.NMSBoxes(np.hstack([corners, sizes]).tolist(), scores.tolist(), _SURE, _OVERLAP)
    chosen = np.array(kept, dtype=int).reshape(-1)
    return np.hstack([corners, corners + sizes])[chosen] / factor


def points_of(picture: np.ndarray, box: np.ndarray, run: Any) -> Points:
    """The points of the person in a box, by RTMPose: along each axis the likeliest half pixel."""
    height, width = run.size
    centre, wanted = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) * _MARGIN
    across = max(float(wanted[0]), float(wanted[1]) * width / height)
    seen = np.array([across, across * height / width])
    scale = width / across
    corner = centre - seen / 2
    turned = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]], np.float32)
    part = cv2.warpAffine(picture, turned, (width, height), flags=cv2.INTER_LINEAR)
    columns, rows = run(((part - _MEAN) / _STD).transpose(2, 0, 1)[None].astype(np.float32))
    places = np.stack([columns[0].argmax(1) * width / columns.shape[2], rows[0].argmax(1) * height / rows.shape[2]], 1)
    return Points(places / scale + corner, np.minimum(columns[0].max(1), rows[0].max(1)))


def _grids(side: int) -> tuple[np.ndarray, np.ndarray]:
    """The corners of all cells of YOLOX' grids (n, 2), and their strides (n, 1)."""
    corners, strides = [], []
    for stride in _STRIDES:
        cells = side // stride
        x, y = np.meshgrid(np.arange(cells), np.arange(cells))
        corners.append(np.stack([x, y], 2).reshape(-1, 2))
        strides.append(np.full((cells * cells, 1), stride))
    return np.concatenate(corners), np.concatenate(strides)


def _pose(library: Any, points: Points, canvas: tuple[int, int]) -> Any:
    """A person as the library draws it, its points as shares of the canvas; what is not seen is left out."""
    shares = points.places / (canvas[1], canvas[0])

    def point(place: np.ndarray, score: float) -> Any:
        return library.Keypoint(float(place[0]), float(place[1]), float(score)) if score >= _VISIBLE else None

    def part(which: slice) -> list[Any]:
        nowhere = library.Keypoint(-1.0, -1.0, 0.0)  # hands and faces are drawn without gaps in their lists
        return [point(*each) or nowhere for each in zip(shares[which], points.scores[which], strict=True)]

    shoulders = list(_SHOULDERS)
    neck = point(shares[shoulders].mean(0), points.scores[shoulders].min())
    body = [neck if here is None else point(shares[here], points.scores[here]) for here in _BODY]
    seen = [each for each in body if each is not None]
    kept = library.BodyResult(body, sum(each.score for each in seen), len(seen))
    return library.PoseResult(kept, part(_LEFT_HAND), part(_RIGHT_HAND), part(_FACE))


class _Session:
    """An ONNX network as a function of its input, with the size of the pictures that it sees."""

    def __init__(self, session: Any) -> None:
        (self._input,) = session.get_inputs()
        self._session = session
        self.size: tuple[int, int] = tuple(self._input.shape[2:])

    def __call__(self, values: np.ndarray) -> list[np.ndarray]:
        return self._session.run(None, {self._input.name: values})


def _session(weights: Weights) -> _Session:
    path = annotators.find(weights, "DWPose")
    return shelf.current().get(lambda: _opened(path), (path,), "onnx")


def _opened(path: Path) -> _Session:
    try:
        import onnxruntime
    except ImportError as error:
        msg = "DWPose needs onnxruntime, which is not installed: pip install 'heddle[pose]' brings it along"
        raise ModuleNotFoundError(msg, name="onnxruntime") from error
    try:  # of bytes: a graph may name further files, and those of strangers should not be read
        return _Session(onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"]))
    except Exception as error:  # the runtime has no base class for its errors
        told = str(error).partition("\n")[0]
        raise BadFile(path, f"holds no network that onnxruntime can run: {told}") from None
