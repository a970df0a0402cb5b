"""What a hand does to what lies there: each gesture is one step, and undone and redone it gives the same workflow."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.canvas.gestures import centre, node, rest
from tests.canvas.screen import BUILT, CHROMIUM, WHY_NOT, Screen

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)
_TO_LINK = """path => {
    const spot = path.getPointAtLength(path.getTotalLength() / 2)
    const {x, y} = new DOMPoint(spot.x, spot.y).matrixTransform(path.getScreenCTM())
    return [x, y]
}"""


@pytest.fixture(autouse=True)
def at_rest(window: Screen) -> None:
    rest(window.page)


def test_each_gesture_is_one_step_back_and_forth(window: Screen) -> None:
    page = window.page
    stages = [document(page)]

    def done() -> None:
        stages.append(document(page))
        assert stages[-1] != stages[-2]

    carry(page, node(page, "Save Image").locator("header .title"), 60, -120)
    done()
    carry(page, node(page, "Save Image").locator(".node-size"), 80, 60)
    done()
    x, y = page.locator(".react-flow__edge-path").last.evaluate(_TO_LINK)
    page.mouse.dblclick(x, y)
    page.locator(".reroute").wait_for()
    done()
    carry(page, page.locator(".reroute"), 0, 70)
    done()
    node(page, "Prompt").locator("header").click()
    node(page, "Negative prompt").locator("header").click(modifiers=["Shift"])
    page.keyboard.press("Control+G")
    page.keyboard.press("Enter")
    done()
    carry(page, page.locator(".group .title"), 0, -60)
    done()
    carry(page, page.locator(".react-flow__resize-control.handle.bottom.right").first, 30, 40)
    done()
    node(page, "VAE Decode").locator("header").click()
    page.keyboard.press("Control+D")
    expect(node(page, "VAE Decode")).to_have_count(2)
    done()

    for stage in reversed(stages[:-1]):
        window.press("Undo")
        assert document(page) == stage
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    for stage in stages[1:]:
        window.press("Redo")
        assert document(page) == stage


def test_a_part_is_copied_into_another_window(window: Screen) -> None:
    page = window.page
    another = window.another()
    another.open()
    other = another.page
    node(other, "Save Image").wait_for()
    node(page, "Prompt").locator("header").click()
    node(page, "KSampler").locator("header").click(modifiers=["Shift"])
    page.keyboard.press("Control+C")
    other.bring_to_front()
    other.mouse.move(800, 700)
    other.keyboard.press("Control+V")
    expect(node(other, "KSampler")).to_have_count(2)
    expect(other.locator(".react-flow__edge")).to_have_count(10)


def document(page: Page) -> dict[str, Any]:
    """The workflow as it would be downloaded."""
    page.get_by_role("button", name="File", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Download as workflow").click()
    return json.loads(Path(download.value.path()).read_text("utf-8"))


def carry(page: Page, what: Locator, dx: float, dy: float) -> None:
    """Drag something by so much."""
    x, y = centre(what)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()
