"""Hints of people for ControlNets: bodies, hands and faces."""

from typing import Annotated, Any, Literal, NamedTuple

from engine.api import MAX_RESOLUTION, Image, Kind, Named, Number, deferred, node

with deferred():
    from engine.hints import detectors, dwpose, faces, pose

Resolution = Annotated[int, Number(64, MAX_RESOLUTION, step=64)]
Switch = Literal["enable", "disable"]

People = Literal["yolox_l.onnx", "yolox_l.torchscript.pt", "None"]
Points = Literal["dw-ll_ucoco_384.onnx", "dw-ll_ucoco_384_bs5.torchscript.pt", "dw-ll_ucoco.onnx"]


class Posed(NamedTuple):
    image: Image
    keypoints: Annotated[list[dict[str, Any]], Kind("POSE_KEYPOINT"), Named("POSE_KEYPOINT")]


@node("image/preprocessors/pose", id="OpenposePreprocessor", title="OpenPose Pose")
def openpose(
    image: Image,
    detect_hand: Switch = "enable",
    detect_body: Switch = "enable",
    detect_face: Switch = "enable",
    resolution: Resolution = 512,
) -> Posed:
    """Draw people as sticks and points, by OpenPose; also as the numbers that OpenPose writes."""
    wanted = {"body": detect_body, "hand": detect_hand, "face": detect_face}
    made = pose.openpose(image, resolution, **{part: said == "enable" for part, said in wanted.items()})
    return Posed(made.images, made.keypoints)


@node("image/preprocessors/pose", id="MediaPipe-FaceMeshPreprocessor", title="MediaPipe Face Mesh")
def face_mesh(
    image: Image,
    max_faces: Annotated[int, Number(1, 50, step=1)] = 10,
    min_confidence: Annotated[float, Number(0.01, 1.0, step=0.01)] = 0.5,
    resolution: Resolution = 512,
) -> Image:
    """Draw the outlines of faces, by mediapipe, which has to be installed."""
    return detectors.look(image, resolution, faces.faces(max_faces, min_confidence))


@node("image/preprocessors/pose", id="DWPreprocessor", title="DWPose Estimator")
def dwpose_estimator(
    image: Image,
    detect_hand: Switch = "enable",
    detect_body: Switch = "enable",
    detect_face: Switch = "enable",
    resolution: Resolution = 512,
    bbox_detector: People = "yolox_l.onnx",
    pose_estimator: Points = "dw-ll_ucoco_384.onnx",
) -> Posed:
    """Draw people as sticks and points, by DWPose; also as numbers. Of TorchScript files, which are programs, the same
    networks in ONNX are taken; without a detector every picture is one person."""
    wanted = {"body": detect_body, "hand": detect_hand, "face": detect_face}
    made = dwpose.dwpose(
        image,
        resolution,
        **{part: said == "enable" for part, said in wanted.items()},
        people=None if bbox_detector == "None" else "yolox_l",
        points=pose_estimator.partition(".")[0].removesuffix("_bs5"),
    )
    return Posed(made.images, made.keypoints)
