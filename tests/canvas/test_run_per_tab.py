"""A job belongs to the tab that queued it: tabs with the same node ids show each its own, also after a restart."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.canvas.screen import BUILT, CHROMIUM, WHY_NOT, Screen, screen
from tests.server.serving import serving

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)
PICTURE = 'img[src*="filename="]'


def shown(window: Screen) -> str:
    """The address of the picture on Save Image, once it is there."""
    window.wait_for_picture("Save Image")
    return window.page.locator(f"{window.node('Save Image')} {PICTURE}").get_attribute("src") or ""


def show(window: Screen, tab: int) -> None:
    """Show a tab by its place, and wait until its nodes are drawn."""
    window.page.locator(".tab-name").nth(tab).click()
    expect(window.page.locator(".tabs li").nth(tab)).to_have_class("shown")
    window.page.locator(window.node("Save Image")).wait_for()


def test_tabs_with_the_same_nodes_show_each_its_own_also_after_a_restart(tmp_path: Path, browser: Browser) -> None:
    with serving(tmp_path) as server, screen(browser, server.address) as window:
        page = window.page
        window.open()
        page.get_by_role("spinbutton", name="steps").fill("60")
        window.press("Run")
        page.locator(f"{window.node('KSampler')} .node-progress").wait_for()
        window.press("File")
        page.get_by_role("menuitem", name="Examples").click()
        page.get_by_role("dialog").get_by_role("button", name="Text to image").click()
        expect(page.locator(".tabs li")).to_have_count(2)
        expect(page.locator(".node-progress")).to_have_count(0)
        page.locator(".tabs li").first.get_by_role("progressbar").wait_for()
        expect(page.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
        expect(page).to_have_title(re.compile(r"^\d+ % · Text to image – Heddle$"))
        page.get_by_role("img", name="Its run is done").wait_for()
        expect(page).to_have_title("Done · Text to image – Heddle")
        expect(page.locator(f"{window.node('Save Image')} {PICTURE}")).to_have_count(0)
        window.press("Run")
        second = shown(window)
        show(window, 0)
        expect(page.get_by_role("img", name="Its run is done")).to_have_count(0)
        first = shown(window)
        assert first != second
        page.reload()
        assert shown(window) == first
        window.must_be_clean()
        server.process.terminate()
        server.process.wait()
        page.locator(".offline").wait_for()
        port = server.address.rpartition(":")[2]
        with serving(tmp_path, f"--port={port}", seconds=0):
            page.locator(".offline").wait_for(state="detached")
            page.reload()
            assert shown(window) == first
            show(window, 1)
            assert shown(window) == second
