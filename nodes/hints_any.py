"""One node for all hints of one picture: it puts the node that was chosen in its place."""

from typing import Annotated, Any, Literal, cast

from engine.api import MAX_RESOLUTION, Image, Number, Result, node

Resolution = Annotated[int, Number(64, MAX_RESOLUTION, step=64)]
Preprocessor = Literal[
    "none",
    "AnimeLineArtPreprocessor",
    "AnyLineArtPreprocessor_aux",
    "BAE-NormalMapPreprocessor",
    "BinaryPreprocessor",
    "CannyEdgePreprocessor",
    "ColorPreprocessor",
    "DWPreprocessor",
    "FakeScribblePreprocessor",
    "HEDPreprocessor",
    "ImageIntensityDetector",
    "ImageLuminanceDetector",
    "LeReS-DepthMapPreprocessor",
    "LineArtPreprocessor",
    "LineartStandardPreprocessor",
    "M-LSDPreprocessor",
    "MediaPipe-FaceMeshPreprocessor",
    "MiDaS-DepthMapPreprocessor",
    "MiDaS-NormalMapPreprocessor",
    "OpenposePreprocessor",
    "PiDiNetPreprocessor",
    "SAMPreprocessor",
    "ScribblePreprocessor",
    "Scribble_PiDiNet_Preprocessor",
    "Scribble_XDoG_Preprocessor",
    "ShufflePreprocessor",
    "TEEDPreprocessor",
    "TilePreprocessor",
    "Zoe-DepthMapPreprocessor",
]


@node("image/preprocessors", id="AIO_Preprocessor", title="AIO Aux Preprocessor")
def any_preprocessor(image: Image, preprocessor: Preprocessor = "none", resolution: Resolution = 512) -> Image:
    """Make the hint that is chosen, with all other settings as they usually are; none gives the picture back."""
    if preprocessor == "none":
        return image
    chosen = {"class_type": preprocessor, "inputs": {"image": image, "resolution": resolution}}
    return cast(Any, Result((["hint", 0],), expand={"hint": chosen}))
