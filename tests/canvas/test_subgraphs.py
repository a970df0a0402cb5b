"""What a subgraph shows of its inside: inputs and outputs that come, go, and are named by hand, also one in another."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.canvas.gestures import drag, node, output, press_until_it_cannot, rest, taken
from tests.canvas.screen import BUILT, CHROMIUM, WHY_NOT, Screen

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)


@pytest.fixture(autouse=True)
def at_rest(window: Screen) -> None:
    rest(window.page)


def test_inputs_and_outputs_are_made_named_moved_and_removed_and_it_runs(window: Screen) -> None:
    page = window.page
    make_subgraph(page, "KSampler", "Sampling")
    make_subgraph(page, "KSampler", "Inner")
    drag(page, new_slot(page, "Inputs"), taken(node(page, "KSampler"), "steps"))
    expect(slots(page, "Inputs").last).to_have_text("steps")
    show_widget(page, "KSampler", "cfg")
    drag(page, output(node(page, "KSampler"), "LATENT"), new_slot(page, "Outputs"))
    expect(slots(page, "Outputs")).to_have_text(["LATENT", "LATENT_1"])
    slots(page, "Outputs").last.click()
    page.keyboard.press("Delete")
    expect(slots(page, "Outputs")).to_have_text(["LATENT"])
    leave(page)
    show_widget(page, "Inner", "steps")
    slots(page, "Inputs").last.locator(".title").dblclick()
    page.keyboard.type("how many")
    page.keyboard.press("Enter")
    page.keyboard.press("Alt+ArrowUp")
    expect(slots(page, "Inputs")).to_have_text(["model", "positive", "negative", "how many", "latent_image"])
    leave(page)
    node(page, "Sampling").get_by_role("spinbutton", name="how many").fill("2")
    window.press("Run")
    window.wait_for_picture("Save Image")
    node(page, "Sampling").locator('[data-input="how many"] > span').click(button="right")
    page.get_by_role("menuitem", name="Take off the subgraph’s node").click()
    expect(node(page, "Sampling").get_by_role("spinbutton")).to_have_count(0)
    press_until_it_cannot(page, "Undo")
    expect(page.get_by_role("spinbutton", name="steps")).to_have_value("20")
    press_until_it_cannot(page, "Redo")
    expect(node(page, "Sampling").get_by_role("spinbutton")).to_have_count(0)


def make_subgraph(page: Page, title: str, name: str) -> None:
    """Put a node into a subgraph of its own, name that, and go inside."""
    node(page, title).locator("header").click()
    page.keyboard.press("Control+Shift+E")
    page.get_by_role("textbox", name="Title").fill(name)
    page.keyboard.press("Enter")
    node(page, name).get_by_role("button", name="Open the subgraph").click()
    node(page, "Inputs").wait_for()
    node(page, title).wait_for()
    rest(page)


def show_widget(page: Page, title: str, widget: str) -> None:
    """Show a widget inside on the subgraph's node, by the menu."""
    node(page, title).locator(f'[data-input="{widget}"] > span').click(button="right")
    page.get_by_role("menuitem", name="Show on the subgraph’s node").click()


def leave(page: Page) -> None:
    page.keyboard.press("Alt+Backspace")
    rest(page)


def slots(page: Page, column: str) -> Locator:
    return node(page, column).locator("[data-slot]")


def new_slot(page: Page, column: str) -> Locator:
    return node(page, column).locator(".column-new .react-flow__handle")
