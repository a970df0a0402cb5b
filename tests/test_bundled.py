"""The models that come with the package: small, and found by the ordinary loaders after those of the user."""

from pathlib import Path

import pytest
from PIL import Image

from engine.app import App, start
from engine.cli.overrides import with_overrides
from engine.run.events import Executed
from engine.settings import Settings
from engine.training.scenes.look import seen
from engine.weights.folders import BUNDLED, Folders

MIB = 1024**2
WORKFLOW = Path(__file__).parent.parent / "workflows" / "text_to_image.json"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    return start(Settings(base=tmp_path_factory.mktemp("fresh"), device="cpu", precision="fp32"))


def painted(app: App, prompt: str) -> Image.Image:
    graph = with_overrides(app.read(WORKFLOW).graph, [f"2.text={prompt}"], app.registry.snapshot())
    outputs = [event.output for event in app.run(app.check(graph), {}) if isinstance(event, Executed) and event.output]
    with Image.open(app.folders.output / outputs[-1]["images"][0]["filename"]) as image:
        return image.convert("RGB")


def test_all_weights_are_small_enough_to_come_along() -> None:
    sizes = {path.name: path.stat().st_size for path in BUNDLED.rglob("*.safetensors")}
    assert sizes
    assert max(sizes.values()) <= 40 * MIB
    assert sum(sizes.values()) <= 90 * MIB


def test_models_of_the_user_come_first(tmp_path: Path) -> None:
    folders, name = Folders.under(tmp_path), "heddle-scenes-x2.safetensors"
    assert folders.require("upscale_models", name).is_relative_to(BUNDLED)
    mine = folders.models / "upscale_models" / name
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    assert folders.require("upscale_models", name) == mine


@pytest.mark.parametrize("hour", ["dawn", "noon", "dusk", "night"])
def test_the_model_paints_what_the_prompt_asks_for_in_an_empty_folder(app: App, hour: str) -> None:
    shown = seen(painted(app, f"a red house in a green meadow at {hour}"))
    assert (shown["time"], shown["ground"]) == (hour, "meadow")
    assert shown["landmark_colour"] == "red"
