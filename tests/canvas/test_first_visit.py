"""Who never saw a node editor is told what to press, on screens of every width, and nobody is shut out."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.canvas.gestures import empty, node, rest
from tests.canvas.screen import BUILT, CHROMIUM, WHY_NOT, Screen

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_AXE = """async () => (await axe.run()).violations
    .filter(each => ["serious", "critical"].includes(each.impact))
    .map(each => [each.id, ...each.nodes.map(node => node.html.slice(0, 200))])"""


@pytest.fixture(autouse=True)
def at_rest(window: Screen) -> None:
    rest(window.page)


def test_a_hint_says_what_to_press_until_it_was_read_and_an_empty_canvas_says_how_to_begin(window: Screen) -> None:
    page = window.page
    expect(page.get_by_role("complementary", name="How it works")).to_contain_text("Press Run")
    window.press("Close the hint")
    page.reload()
    node(page, "Save Image").wait_for()
    expect(page.get_by_role("complementary", name="How it works")).to_have_count(0)
    empty(page)
    page.locator(".beginning").get_by_role("button", name="Examples").click()
    page.get_by_role("button", name="Upscale", exact=False).last.click()
    window.page.get_by_role("button", name="Close Upscale").wait_for()


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm ci in web/")
@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_every_button_is_seen_named_and_clear(window: Screen, width: int, theme: str) -> None:
    page = window.page
    page.emulate_media(color_scheme="light" if theme == "light" else "dark")
    page.set_viewport_size({"width": width, "height": 844})
    must_fit(page)
    page.locator(".canvas").focus()
    page.keyboard.press(".")
    rest(page)
    page.evaluate(AXE.read_text("utf-8"))
    node(page, "KSampler").locator("header").click()
    page.keyboard.press("l")
    page.get_by_role("dialog").wait_for()
    assert page.evaluate(_AXE) == []
    page.keyboard.press("Escape")
    node(page, "KSampler").locator("header").click(button="right")
    page.get_by_role("menu", name="What can be done here").wait_for()
    assert page.evaluate(_AXE) == []


def must_fit(page: Page) -> None:
    """Hold the buttons of the bar to lie within the window, in one row."""
    boxes = [each.bounding_box() for each in page.locator(".panel-toolbar button:visible").all()]
    size = page.viewport_size
    assert size is not None
    assert all(box is not None and box["x"] >= 0 and box["x"] + box["width"] <= size["width"] for box in boxes)
    assert len({round(box["y"]) for box in boxes if box is not None}) == 1
