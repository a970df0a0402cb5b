"""Every example workflow runs from start to picture in a fresh folder, with the models that come along."""

from pathlib import Path

import pytest
from PIL import Image

from engine.app import App, start
from engine.cli.overrides import with_overrides
from engine.run.events import Executed, RunFinished
from engine.settings import CachePolicy, Settings

WORKFLOWS = sorted((Path(__file__).parent.parent / "workflows").glob("*.json"))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    return start(
        Settings(base=tmp_path_factory.mktemp("base"), device="cpu", precision="fp32", cache=CachePolicy("lru", 50))
    )


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_an_example_paints_a_picture(app: App, path: Path) -> None:
    asked = app.read(path)
    steps = [f"{id}.steps=2" for id, node in asked.graph.nodes.items() if "steps" in node.inputs]
    verdict = app.check(with_overrides(asked.graph, steps, app.registry.snapshot()))
    assert not verdict.node_errors
    happened = list(app.run(verdict, asked.extra_data))
    assert isinstance(happened[-1], RunFinished), happened[-1]
    (shown,) = [event.output for event in happened if isinstance(event, Executed) and event.output]
    for saved in shown["images"]:
        with Image.open(app.folders.output / saved["filename"]) as image:
            assert image.convert("L").entropy() > 0
