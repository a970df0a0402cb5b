"""Nodes of hints have the ids and inputs that shared workflows name, and one node stands for all of them."""

from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from PIL import Image

from engine.app import start
from engine.graph.prompt import graph_from_prompt
from engine.run.events import Executed, RunFailed, RunFinished
from engine.settings import Settings
from nodes import built_in_registry, hints_any

USED = {
    "CannyEdgePreprocessor": ["image", "low_threshold", "high_threshold", "resolution"],
    "HEDPreprocessor": ["image", "safe", "resolution"],
    "FakeScribblePreprocessor": ["image", "safe", "resolution"],
    "PiDiNetPreprocessor": ["image", "safe", "resolution"],
    "Scribble_PiDiNet_Preprocessor": ["image", "safe", "resolution"],
    "Scribble_XDoG_Preprocessor": ["image", "threshold", "resolution"],
    "ScribblePreprocessor": ["image", "resolution"],
    "BinaryPreprocessor": ["image", "bin_threshold", "resolution"],
    "LineArtPreprocessor": ["image", "coarse", "resolution"],
    "AnimeLineArtPreprocessor": ["image", "resolution"],
    "LineartStandardPreprocessor": ["image", "guassian_sigma", "intensity_threshold", "resolution"],
    "M-LSDPreprocessor": ["image", "score_threshold", "dist_threshold", "resolution"],
    "TEEDPreprocessor": ["image", "safe_steps", "resolution"],
    "MiDaS-DepthMapPreprocessor": ["image", "a", "bg_threshold", "resolution"],
    "MiDaS-NormalMapPreprocessor": ["image", "a", "bg_threshold", "resolution"],
    "Zoe-DepthMapPreprocessor": ["image", "resolution"],
    "LeReS-DepthMapPreprocessor": ["image", "rm_nearest", "rm_background", "boost", "resolution"],
    "BAE-NormalMapPreprocessor": ["image", "resolution"],
    "OpenposePreprocessor": ["image", "detect_hand", "detect_body", "detect_face", "resolution"],
    "DWPreprocessor": [
        *("image", "detect_hand", "detect_body", "detect_face", "resolution", "bbox_detector", "pose_estimator"),
    ],
    "MediaPipe-FaceMeshPreprocessor": ["image", "max_faces", "min_confidence", "resolution"],
    "ShufflePreprocessor": ["image", "resolution", "seed"],
    "SAMPreprocessor": ["image", "resolution"],
    "TilePreprocessor": ["image", "pyrUp_iters", "resolution"],
    "InpaintPreprocessor": ["image", "mask", "black_pixel_for_xinsir_cn"],
    "ColorPreprocessor": ["image", "resolution"],
    "ImageLuminanceDetector": ["image", "gamma_correction", "resolution"],
    "ImageIntensityDetector": ["image", "gamma_correction", "resolution"],
    "AIO_Preprocessor": ["image", "preprocessor", "resolution"],
}
TYPES = built_in_registry().snapshot()


@pytest.mark.parametrize(("id", "inputs"), USED.items(), ids=USED.keys())
def test_ids_and_inputs_are_those_of_shared_workflows(id: str, inputs: list[str]) -> None:
    type_ = TYPES[id]
    assert [each.name for each in type_.inputs] == inputs
    assert type_.outputs[0].type == "IMAGE"


def test_the_node_for_all_knows_every_hint() -> None:
    choices = set(get_args(hints_any.Preprocessor)) - {"none"}
    hints = {id for id in TYPES if TYPES[id].module.startswith("nodes.hints_")}
    hints -= {"AIO_Preprocessor", "InpaintPreprocessor"}  # which needs a mask too
    assert choices == hints


def prompt(preprocessor: str) -> dict[str, Any]:
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 96, "height": 64, "batch_size": 1, "color": 0x404040}},
        "2": {
            "class_type": "AIO_Preprocessor",
            "inputs": {"image": ["1", 0], "preprocessor": preprocessor, "resolution": 128},
        },
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "hint"}},
    }


def test_the_node_for_all_runs_the_one_that_is_chosen(tmp_path: Path) -> None:
    app = start(Settings(base=tmp_path, device="cpu"))
    verdict = app.check(graph_from_prompt(prompt("ScribblePreprocessor")))
    assert not verdict.node_errors
    happened = list(app.run(verdict, {}))
    assert isinstance(happened[-1], RunFinished), happened[-1]
    (shown,) = [event.output for event in happened if isinstance(event, Executed) and event.output]
    with Image.open(app.folders.output / shown["images"][0]["filename"]) as image:
        assert (image.size, image.getpixel((5, 5))) == ((192, 128), (255, 255, 255))


def test_missing_weights_fail_the_run_with_the_name_of_the_node(tmp_path: Path) -> None:
    app = start(Settings(base=tmp_path, device="cpu"))
    happened = list(app.run(app.check(graph_from_prompt(prompt("HEDPreprocessor"))), {}))
    failed = happened[-1]
    assert isinstance(failed, RunFailed)
    assert "HED needs ControlNetHED.pth" in failed.message


def test_none_gives_the_picture_back() -> None:
    image = torch.rand(1, 64, 64, 3)
    assert hints_any.any_preprocessor(image) is image
