"""The training workflows run from start to end at a reduced size, and what they save loads."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.app import start
from engine.cli.overrides import with_overrides
from engine.diffusion.families.control_files import load_control_net
from engine.diffusion.families.load import load_checkpoint
from engine.diffusion.noisy_classifier import load_classifier
from engine.run.events import RunFinished
from engine.settings import CachePolicy, Settings
from engine.weights.lora import read_lora
from engine.weights.upscale_model import load_upscale_model
from tests.tiny.checkpoints import make_tiny_checkpoint

pytestmark = pytest.mark.usefixtures("few_steps_shown")
WORKFLOWS = sorted((Path(__file__).parent.parent / "workflows" / "train").glob("*.json"))
REDUCED = {
    "count": "4",
    "size": "64",
    "steps": "2",
    "batch": "2",
    "crop": "32",
    "unet_widths": "32, 64, 64",
    "vae_widths": "32, 32, 32, 32",
    "text_width": "16",
    "text_layers": "1",
    "rank": "2",
    "num_feat": "8",
    "num_conv": "1",
    "labels": "dawn, dusk",  # the first four scenes have both
    "compile": "false",  # tests wait for no compiler
}


def is_checkpoint(path: Path) -> None:
    loaded = load_checkpoint(path)
    assert loaded.clip is not None
    assert loaded.vae is not None


def is_lora(path: Path) -> None:
    assert read_lora(path).modules


def is_control_net(path: Path) -> None:
    assert load_control_net(path).shape.widths


def is_classifier(path: Path) -> None:
    assert len(load_classifier(path).labels) > 1


def is_upscale_model(path: Path) -> None:
    assert load_upscale_model(path).scale > 1


# What a workflow saves: the folder below the outputs, and how a file of it is looked at.
SAVES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "scenes": ("checkpoints", is_checkpoint),
    "scenes_classifier": ("classifiers", is_classifier),
    "scenes_control": ("controlnet", is_control_net),
    "scenes_lcm": ("loras", is_lora),
    "scenes_lora": ("loras", is_lora),
    "scenes_upscaler": ("upscale_models", is_upscale_model),
}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_training_workflow_ends_with_a_file_that_loads(tmp_path: Path, path: Path) -> None:
    app = start(Settings(base=tmp_path, device="cpu", precision="fp32", cache=CachePolicy("lru", 50)))
    models = app.folders.models / "checkpoints"
    models.mkdir(parents=True, exist_ok=True)
    make_tiny_checkpoint(models / "heddle-scenes.safetensors", "sd15")  # found before the one that is bundled
    asked = app.read(path)
    wanted = [
        f"{id}.{name}={REDUCED[name]}"
        for id, node in asked.graph.nodes.items()
        for name in node.inputs
        if name in REDUCED
    ]
    verdict = app.check(with_overrides(asked.graph, wanted, app.registry.snapshot()))
    assert not verdict.node_errors
    happened = list(app.run(verdict, asked.extra_data))
    assert isinstance(happened[-1], RunFinished), happened[-1]
    folder, looked_at = SAVES[path.stem]
    (saved,) = (app.folders.output / folder).glob("*.safetensors")
    looked_at(saved)
