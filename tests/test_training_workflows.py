"""The training workflows run from start to checkpoint at a reduced size, and the checkpoint loads."""

from pathlib import Path

import pytest

from engine.app import start
from engine.cli.overrides import with_overrides
from engine.diffusion.families.load import load_checkpoint
from engine.run.events import RunFinished
from engine.settings import CachePolicy, Settings

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
}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_training_workflow_ends_with_a_model_that_loads(tmp_path: Path, path: Path) -> None:
    app = start(Settings(base=tmp_path, device="cpu", precision="fp32", cache=CachePolicy("lru", 50)))
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
    (saved,) = (app.folders.output / "checkpoints").glob("*.safetensors")
    loaded = load_checkpoint(saved)
    assert loaded.clip is not None
    assert loaded.vae is not None
