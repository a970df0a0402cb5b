"""Meshes of faces by mediapipe, which brings its networks along."""

from engine.hints import library
from engine.hints.detectors import Detector, sized


def faces(most: int, sure: float) -> Detector:
    """The outlines of at most so many faces, of which the network is as sure as that. Raises ModuleNotFoundError."""
    if not library.knows_faces():
        msg = (
            "face meshes need mediapipe up to 0.10.21, and it is not installed: pip install 'mediapipe<=0.10.21', which"
            " goes with numpy below 2 alone; later ones have no face meshes"
        )
        raise ModuleNotFoundError(msg, name="mediapipe")
    detector = library.module("mediapipe_face").MediapipeFaceDetector()
    return Detector("face meshes", (), sized(detector, max_faces=most, min_confidence=sure))
