"""The panel that shows what holds memory: a run fills it, and its buttons empty it."""

import pytest
from playwright.sync_api import expect

from tests.canvas.screen import AXE, BUILT, CHROMIUM, NO_AXE, WHY_NOT, Screen

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)


@pytest.mark.skipif(not AXE.is_file(), reason=NO_AXE)
def test_what_a_run_holds_is_shown_and_let_go_by_keys(window: Screen) -> None:
    page = window.page
    page.keyboard.press("Shift+M")
    device = page.get_by_role("region", name="cpu")
    rows = device.locator("li")
    unet, results = rows.filter(has_text="UNet of heddle-scenes"), rows.filter(has_text="Kept results")
    expect(rows.filter(has_text="Others’ use")).to_have_count(1)
    expect(unet).to_have_count(0)
    window.press("Run")
    window.wait_for_picture("Save Image")
    expect(unet).to_have_count(1)
    expect(results).to_have_count(1)
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        window.must_have_no_barrier()
    page.get_by_role("button", name="Let go of models").press("Enter")
    expect(unet).to_have_count(0)
    expect(results).to_have_count(1)
    page.get_by_role("button", name="Also of results").press("Enter")
    expect(results).to_have_count(0)
    page.locator(".canvas").focus()
    page.keyboard.press("Shift+M")
    expect(device).to_have_count(0)
