"""By keys alone: from an empty canvas to a picture, with every link told to those who do not see it."""

import pytest
from playwright.sync_api import Page, expect

from tests.canvas.gestures import choose, empty, must_hold, place_of
from tests.canvas.screen import BUILT, CHROMIUM, WHY_NOT, Screen

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)


def test_a_picture_is_made_from_an_empty_canvas_by_keys_alone(window: Screen) -> None:
    page = window.page
    empty(page)
    page.keyboard.press("a")
    choose(page, "load checkpoint")
    must_tell(page, "Added Load Checkpoint.")
    link(page, "MODEL", new="ksampler")
    must_tell(page, "Added KSampler. Linked MODEL of Load Checkpoint to model of KSampler.")
    link(page, "positive", new="text encode (prompt)")
    write(page, "a red house at dusk")
    link(page, "clip", to="clip load checkpoint")
    must_tell(page, "Linked CLIP of Load Checkpoint to clip of CLIP Text Encode (Prompt).")
    go_to(page, "ArrowRight", "KSampler")
    link(page, "negative", new="text encode (prompt)")
    link(page, "clip", to="clip load checkpoint")
    go_to(page, "ArrowRight", "KSampler")
    link(page, "latent_image", new="empty latent image")
    go_to(page, "ArrowRight", "KSampler")
    set_number(page, "steps", "2")
    link(page, "LATENT", new="vae decode")
    link(page, "vae", to="vae load checkpoint")
    link(page, "IMAGE", new="save image")
    must_hold(page, nodes=7, links=9)
    page.keyboard.press("Control+Enter")
    must_tell(page, "The run is done. Save Image shows a picture.")
    window.wait_for_picture("Save Image")
    go_to(page, "ArrowRight", "Save Image")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Show ComfyUI_00001_.png large")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("dialog img").first.wait_for()
    page.keyboard.press("Escape")


def test_nodes_are_moved_and_links_cut_by_keys_and_all_is_undone(window: Screen) -> None:
    page = window.page
    page.locator(".canvas").focus()
    page.keyboard.press("ArrowRight")
    go_to(page, "ArrowRight", "Save Image")
    before = place_of(page, "Save Image")
    for _ in range(3):
        page.keyboard.press("Control+ArrowDown")
    page.keyboard.press("l")
    choose(page, "images", "Sockets of Save Image")
    choose(page, "cut", "Link images of Save Image from …")
    must_tell(page, "Cut the link from IMAGE of VAE Decode to images of Save Image.")
    must_hold(page, nodes=7, links=8)
    page.keyboard.press("Control+z")
    must_tell(page, "Undone. Linked IMAGE of VAE Decode to images of Save Image.")
    page.keyboard.press("Control+z")
    assert place_of(page, "Save Image") == before
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def link(page: Page, socket: str, to: str = "", new: str = "") -> None:
    """Link a socket of the node with the focus, by the list that L opens."""
    page.keyboard.press("l")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Which socket?").fill(socket)
    page.keyboard.press("Enter")
    ways = dialog.get_by_role("combobox", name="Where")
    ways.fill(to or "new node")
    page.keyboard.press("Enter")
    if new:
        choose(page, new)
        expect(page.locator(".react-flow__node:focus .node")).to_have_count(1)
    else:
        dialog.wait_for(state="detached")


def go_to(page: Page, key: str, title: str) -> None:
    """Press an arrow key until a node has the focus."""
    for _ in range(10):
        if page.locator(".react-flow__node:focus").locator(f'.node[aria-label="{title}"]').count() > 0:
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} never comes to {title}")


def write(page: Page, text: str) -> None:
    """Type into the first field of the node with the focus, and go back to the node."""
    page.keyboard.press("Enter")
    page.keyboard.type(text)
    page.keyboard.press("Escape")


def set_number(page: Page, name: str, value: str) -> None:
    """Go with the tabulator to a field of the node with the focus, and type a number."""
    page.keyboard.press("Enter")
    field = page.locator(".react-flow__node.selected").get_by_role("spinbutton", name=name)
    for _ in range(20):
        if field.evaluate("field => field === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type(value)
    page.keyboard.press("Escape")
    expect(field).to_have_value(value)


def must_tell(page: Page, text: str) -> None:
    """Hold the canvas to have told something last to screen readers."""
    expect(page.locator(".announcer")).to_have_text(text)
