"""Hints of people for ControlNets: bodies, hands and faces."""

from typing import Annotated, Any, Literal, NamedTuple

from engine.api import MAX_RESOLUTION, Image, Kind, Named, Number, deferred, node

with deferred():
    from engine.hints import pose

Resolution = Annotated[int, Number(64, MAX_RESOLUTION, step=64)]
Switch = Literal["enable", "disable"]


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
