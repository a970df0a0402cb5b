"""Workflows in the browser's canvas: what was open is there again, names keep them, and files and links open them."""

import json
import urllib.request
from pathlib import Path

import pytest

from tests.canvas.screen import AXE, BUILT, CHROMIUM, NO_AXE, WHY_NOT, Screen
from tests.server.serving import Server

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)
ROOT = Path(__file__).parents[2]
CARRIER = ROOT / "tests" / "references" / "carriers" / "carrier_png.png"
_KEPT = """async text => {
    const files = await (await fetch("/api/v2/userdata")).json()
    const drafts = files.filter(each => each.type === "file" && each.path.startsWith("heddle/drafts/"))
    const read = each => fetch(`/api/userdata/${encodeURIComponent(each.path)}`).then(answer => answer.text())
    return (await Promise.all(drafts.map(read))).some(each => each.includes(text))
}"""


def choose(window: Screen, item: str) -> None:
    """Choose from the menu of files."""
    window.press("File")
    window.page.get_by_role("menuitem", name=item).click()


def save_as(window: Screen, name: str) -> None:
    """Save what is shown under a name."""
    choose(window, "Save as")
    window.page.get_by_role("textbox", name="Name", exact=True).fill(name)
    window.page.keyboard.press("Enter")
    window.page.get_by_text(f"Saved as {name}").wait_for()


def prompt(window: Screen) -> str:
    """What stands in the node with the prompt, once it is there."""
    field = window.page.locator(f"{window.node('Prompt')} textarea")
    field.wait_for()
    return field.input_value()


def write(window: Screen, text: str) -> None:
    """Write a prompt, and wait until the server has it in a draft."""
    window.page.locator(f"{window.node('Prompt')} textarea").fill(text)
    window.page.wait_for_function(_KEPT, arg=text, polling=100)


def test_what_was_typed_is_there_after_a_reload_and_what_was_saved_opens(window: Screen, server: Server) -> None:
    write(window, "a lighthouse in fog")
    window.page.reload()
    assert prompt(window) == "a lighthouse in fog"
    save_as(window, "coast/fog")
    with urllib.request.urlopen(f"{server.address}/userdata/workflows%2Fcoast%2Ffog.json", timeout=60) as answer:
        assert "nodes" in json.load(answer)
    window.press("Close coast/fog")
    window.page.locator(".node").first.wait_for(state="detached")
    choose(window, "Saved workflows")
    window.page.get_by_role("button", name="coast/fog", exact=True).click()
    assert prompt(window) == "a lighthouse in fog"


def test_a_workflow_that_changed_in_another_window_is_not_overwritten_unasked(window: Screen, server: Server) -> None:
    save_as(window, "shared")
    other = window.another()
    other.open()
    choose(other, "Saved workflows")
    other.page.get_by_role("button", name="shared", exact=True).click()
    other.page.get_by_role("button", name="Close shared").wait_for()
    write(other, "by the other")
    other.page.keyboard.press("Control+s")
    other.page.get_by_text("Saved as shared").wait_for()
    write(window, "by this one")
    window.page.keyboard.press("Control+s")
    window.page.get_by_text("was changed in another window").wait_for()
    window.press("Cancel")
    with urllib.request.urlopen(f"{server.address}/userdata/workflows%2Fshared.json", timeout=60) as answer:
        assert "by the other" in answer.read().decode()


def test_an_earlier_version_of_a_saved_workflow_opens_beside_it(window: Screen) -> None:
    save_as(window, "harbour")
    write(window, "the second thought")
    window.page.keyboard.press("Control+s")
    window.page.get_by_text("Saved as harbour").last.wait_for()
    choose(window, "Saved workflows")
    dialog = window.page.get_by_role("dialog", name="Saved workflows")
    dialog.get_by_role("button", name="Versions harbour").click()
    dialog.get_by_role("button", name="Open harbour as of").last.click()
    dialog.wait_for(state="detached")
    window.page.get_by_role("button", name="Close harbour (").wait_for()
    assert prompt(window) != "the second thought"


def test_a_dropped_picture_gives_its_workflow(window: Screen) -> None:
    window.drop(CARRIER.name, "image/png", CARRIER.read_bytes())
    window.page.get_by_role("button", name="Close carrier_png", exact=True).wait_for()


def test_a_link_carries_the_workflow(window: Screen) -> None:
    write(window, "a harbour at night")
    choose(window, "Share as a link")
    link = window.page.get_by_role("textbox", name="Link").input_value()
    other = window.another()
    other.page.goto(link)
    assert prompt(other) == "a harbour at night"
    assert "#" not in other.page.url


def test_the_gallery_opens_an_example(window: Screen) -> None:
    choose(window, "Examples")
    window.page.get_by_role("button", name="Upscale", exact=False).last.click()
    window.page.get_by_role("button", name="Close Upscale").wait_for()


@pytest.mark.skipif(not AXE.is_file(), reason=NO_AXE)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_on_the_first_page_shuts_anybody_out(window: Screen, theme: str) -> None:
    window.page.emulate_media(color_scheme="light" if theme == "light" else "dark")
    window.open()
    window.must_have_no_barrier()
