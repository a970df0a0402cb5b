"""Files that are dropped on the canvas, and the picture of the graph, which carries its workflow."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from engine.graph.open_file import open_workflow
from tests.canvas.screen import BUILT, CHROMIUM, WHY_NOT, Screen
from tests.server.serving import Server

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)
EXAMPLE = Path(__file__).parents[2] / "workflows" / "text_to_image.json"


@pytest.mark.parametrize(("kind", "type"), [("PNG", "image/png"), ("SVG", "image/svg+xml")])
def test_the_picture_of_the_graph_opens_as_the_graph(window: Screen, tmp_path: Path, kind: str, type: str) -> None:
    window.page.locator(f"{window.node('Prompt')} textarea").fill('a < "lamp" & 猫')
    with window.page.expect_download() as download:
        window.press("File")
        window.page.get_by_role("menuitem", name=f"Download as picture ({kind})").click()
    kept = tmp_path / f"lamp.{kind.lower()}"
    download.value.save_as(kept)
    workflow = open_workflow(kept).workflow
    assert workflow is not None
    assert [node["type"] for node in workflow["nodes"]].count("CLIPTextEncode") == 2
    window.drop(kept.name, type, kept.read_bytes())
    window.page.get_by_role("button", name="Close lamp", exact=True).wait_for()
    assert window.page.locator(f"{window.node('Prompt')} textarea").input_value() == 'a < "lamp" & 猫'


def test_a_picture_without_a_workflow_becomes_a_node_that_loads_it(window: Screen, server: Server) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 90, 30)).save(picture, "JPEG")
    window.drop("brick.jpg", "image/jpeg", picture.getvalue())
    loader = window.page.locator(window.node("Load Image"))
    loader.locator('img[alt="brick.jpg"]').wait_for()
    assert (server.base / "input" / "brick.jpg").read_bytes() == picture.getvalue()
    window.page.keyboard.press("Control+z")
    loader.wait_for(state="detached")


def test_what_holds_no_workflow_is_refused_in_words(window: Screen) -> None:
    window.drop("notes.txt", "text/plain", b"buy milk")
    window.page.get_by_text("notes.txt: This is no JSON that can be read").wait_for()
    window.drop("silence.mp3", "audio/mpeg", b"ID3\x04\0\0\0\0\0\0")
    window.page.get_by_text("silence.mp3: This MP3 file carries no workflow and no prompt.").wait_for()


def test_a_model_that_is_absent_is_named_and_replaced_by_one_that_is_there(window: Screen) -> None:
    prompt = json.loads(EXAMPLE.read_text("utf-8"))
    prompt["1"]["inputs"]["ckpt_name"] = "sets/heddle-scenes-v9.safetensors"
    prompt["8"] = {"class_type": "NobodyHasThis", "inputs": {"image": ["6", 0]}}
    window.drop("foreign.json", "application/json", json.dumps(prompt).encode())
    dialog = window.page.get_by_role("dialog", name="Something that this workflow names")
    dialog.get_by_text("NobodyHasThis").wait_for()
    assert dialog.get_by_text("sets/heddle-scenes-v9.safetensors").is_visible()
    choice = dialog.get_by_role("combobox", name="Load Checkpoint, ckpt_name")
    assert choice.input_value() == "heddle-scenes.safetensors"
    dialog.get_by_role("button", name="Use these").click()
    dialog.wait_for(state="detached")
    choice = window.page.locator(window.node("Load Checkpoint")).get_by_role("combobox")
    assert choice.input_value() == "heddle-scenes.safetensors"
    assert "The type NobodyHasThis is not installed" in window.page.locator(window.node("NobodyHasThis")).inner_text()
