"""Masks painted by hand: by pointer and keys, kept with the picture, and obeyed by a run."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from tests.canvas.screen import AXE, BUILT, CHROMIUM, NO_AXE, WHY_NOT, Screen
from tests.server.serving import Server

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)

WORKFLOW = Path(__file__).parents[2] / "workflows" / "inpaint.json"
SIDE = 128
_GIVE = """([selector, type]) => {
    const paper = new OffscreenCanvas(32, 32)
    paper.getContext("2d").fillRect(0, 0, 32, 32)
    return paper.convertToBlob().then(blob => {
        const carried = new DataTransfer()
        carried.items.add(new File([blob], type + ".png", {type: "image/png"}))
        const about = {bubbles: true, cancelable: true}
        const event = type === "paste"
            ? new ClipboardEvent("paste", {clipboardData: carried, ...about})
            : new DragEvent(type, {dataTransfer: carried, ...about})
        document.querySelector(selector).dispatchEvent(event)
    })
}"""
_COVER = """([x, y]) => {
    const sheet = document.querySelector(".mask-sheet canvas")
    return sheet.getContext("2d").getImageData(x, y, 1, 1).data[3]
}"""


@pytest.fixture
def server(server: Server) -> Server:
    """A server that has the picture before a window asks which there are."""
    picture().save(server.base / "input" / "scene.png")
    return server


@pytest.fixture(autouse=True)
def inpainted(window: Screen) -> None:
    """Show a workflow that paints the masked part of a picture anew."""
    window.show(inpainting(), "Load Image")


def picture() -> Image.Image:
    """A red house on a meadow."""
    image = Image.new("RGB", (SIDE, SIDE), (120, 170, 220))
    drawn = ImageDraw.Draw(image)
    drawn.rectangle((0, 80, SIDE, SIDE), fill=(80, 150, 70))
    drawn.rectangle((48, 50, 86, 96), fill=(190, 60, 50))
    return image


def inpainting() -> dict[str, object]:
    """The example of inpainting, with a picture of the user's in the place of the first one that it makes."""
    prompt = json.loads(WORKFLOW.read_text())
    for each in ("2", "4", "5", "9", "10", "11", "30"):
        del prompt[each]
    prompt["6"] = {"class_type": "LoadImage", "inputs": {"image": "scene.png"}}
    for node, name in (("13", "mask"), ("16", "mask")):
        prompt[node]["inputs"][name] = ["6", 1]
    prompt["14"]["inputs"]["steps"] = 8
    prompt["7"]["inputs"] = {"images": ["16", 0], "filename_prefix": "masked"}
    return prompt


def paint(window: Screen, *points: tuple[int, int], button: str = "left") -> None:
    """Drag over points of the picture."""
    spots = [spot(window, *each) for each in points]
    window.page.mouse.move(*spots[0])
    window.page.mouse.down(button="right" if button == "right" else "left")
    for each in spots[1:]:
        window.page.mouse.move(*each, steps=5)
    window.page.mouse.up(button="right" if button == "right" else "left")


def spot(window: Screen, x: int, y: int) -> tuple[float, float]:
    """Where a point of the picture is seen."""
    box = window.page.locator(".mask-sheet canvas").bounding_box()
    assert box is not None
    return box["x"] + x * box["width"] / SIDE, box["y"] + y * box["height"] / SIDE


def cover(window: Screen, x: int, y: int) -> int:
    """How much of a point is masked, as it is shown."""
    return int(window.page.evaluate(_COVER, [x, y]))


def begin(window: Screen) -> None:
    window.press("Paint a mask")
    window.page.wait_for_function("() => document.activeElement?.className.startsWith('mask-stage')")


def pixels(data: bytes | Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.int16]]":
    with Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as image:
        return np.asarray(image.convert("RGBA")).astype(np.int16)


def test_a_run_changes_a_picture_where_a_mask_was_painted_and_nowhere_else(server: Server, window: Screen) -> None:
    file = io.BytesIO()
    picture().save(file, "PNG")
    picker = window.page.locator(f"{window.node('Load Image')} input[type=file]")
    picker.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()})
    window.page.locator('.widget-uploaded img[alt="mine.png"]').wait_for()
    begin(window)
    paint(window, (50, 60), (82, 60), (82, 90), (50, 90), (50, 75), (82, 75))
    window.press("Save")
    window.page.locator('.widget-uploaded img[alt="clipspace/mine-masked.png [input]"]').wait_for()
    window.press("Run")
    window.wait_for_picture("Save Image")

    kept = pixels(server.base / "input" / "clipspace" / "mine-masked.png")
    made = pixels(next((server.base / "output").glob("masked_*.png")))
    before = pixels(file.getvalue())
    mask = 255 - kept[..., 3]
    assert (kept[..., :3] == before[..., :3]).all()
    assert mask[75, 66] == 255
    assert mask[20, 20] == 0
    changed = np.abs(made - before)[..., :3].max(axis=-1)
    assert changed[mask == 0].max() == 0
    assert changed[mask == 255].mean() > 8

    begin(window)
    assert (cover(window, 66, 75), cover(window, 20, 20)) == (255, 0)
    window.press("Cancel")
    window.press("Undo")
    window.page.locator('.widget-uploaded img[alt="mine.png"]').wait_for()


def test_strokes_are_undone_erased_and_inverted_and_closing_asks_before_they_are_lost(window: Screen) -> None:
    begin(window)
    window.page.keyboard.press("Enter")
    assert (cover(window, 64, 64), cover(window, 20, 20)) == (255, 0)
    paint(window, (64, 40), (64, 90), button="right")
    assert cover(window, 64, 64) == 0
    window.page.keyboard.press("Control+Z")
    assert cover(window, 64, 64) == 255
    window.press("Invert")
    assert (cover(window, 64, 64), cover(window, 20, 20)) == (0, 255)
    window.press("Clear")
    assert cover(window, 20, 20) == 0
    window.page.keyboard.press("Escape")
    window.press("Go on painting")
    assert window.page.locator(".mask-stage").is_visible()
    window.page.keyboard.press("Escape")
    window.press("Close without saving")
    window.page.locator(".mask-stage").wait_for(state="detached")
    assert window.page.locator('.widget-uploaded img[alt="scene.png"]').is_visible()


def test_brush_and_picture_follow_keys_wheel_and_space(window: Screen) -> None:
    begin(window)
    page = window.page
    size = page.get_by_role("slider", name="Size")
    assert size.get_attribute("aria-valuetext") == "16 px"
    page.keyboard.press("]")
    assert size.get_attribute("aria-valuetext") == "20 px"
    page.keyboard.press("[")
    assert size.get_attribute("aria-valuetext") == "16 px"
    before = spot(window, 64, 64)
    page.mouse.move(*before)
    page.mouse.wheel(0, -300)
    page.wait_for_function(
        "width => document.querySelector('.mask-sheet canvas').getBoundingClientRect().width > width", arg=900
    )
    assert spot(window, 64, 64) == pytest.approx(before, abs=0.5)
    page.keyboard.down(" ")
    page.mouse.down()
    page.mouse.move(before[0] + 50, before[1] - 30)
    page.mouse.up()
    page.keyboard.up(" ")
    assert spot(window, 64, 64) == pytest.approx((before[0] + 50, before[1] - 30), abs=0.5)
    assert cover(window, 64, 64) == 0
    page.keyboard.press("Escape")
    page.locator(".mask-stage").wait_for(state="detached")


def test_pictures_are_dropped_and_pasted_into_a_node_and_onto_the_canvas(window: Screen) -> None:
    shown = window.page.locator(".widget-uploaded img")
    window.page.evaluate(_GIVE, [".widget-uploaded", "drop"])
    window.page.locator('.widget-uploaded img[alt="drop.png"]').wait_for()
    window.press("Undo")
    window.page.locator('.widget-uploaded img[alt="scene.png"]').wait_for()
    window.page.locator(f"{window.node('Load Image')} header").click()
    window.page.evaluate(_GIVE, [".canvas", "paste"])
    window.page.locator('.widget-uploaded img[alt="paste.png"]').wait_for()
    assert shown.count() == 1
    window.page.locator(".react-flow__pane").click(position={"x": 600, "y": 640})
    window.page.evaluate(_GIVE, [".canvas", "paste"])
    expect(shown).to_have_count(2)


def test_one_finger_paints_and_two_enlarge_without_painting(window: Screen) -> None:
    begin(window)
    touch = window.page.context.new_cdp_session(window.page)

    def send(kind: str, *spots: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(spots)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    start = spot(window, 64, 64)
    send("touchStart", start)
    send("touchMove", spot(window, 80, 64))
    send("touchEnd")
    assert (cover(window, 70, 64), cover(window, 20, 20)) == (255, 0)
    before = window.page.locator(".mask-sheet canvas").bounding_box()
    x, y = spot(window, 64, 100)
    send("touchStart", (x - 50, y))
    send("touchStart", (x - 50, y), (x + 50, y))
    send("touchMove", (x - 150, y), (x + 150, y))
    send("touchEnd")
    after = window.page.locator(".mask-sheet canvas").bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] == pytest.approx(3 * before["width"], rel=0.02)
    assert cover(window, 64, 100) == 0
    window.page.keyboard.press("Control+Z")
    assert cover(window, 70, 64) == 0


@pytest.mark.skipif(not AXE.is_file(), reason=NO_AXE)
def test_the_dialog_has_no_serious_barrier(window: Screen) -> None:
    begin(window)
    window.must_have_no_barrier()
