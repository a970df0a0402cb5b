"""Running on the canvas: stopping, errors, a worker that dies, a page that is loaded anew, and what ran before."""

import io
import os
import signal
from pathlib import Path

import psutil
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.canvas.screen import BUILT, CHROMIUM, WHY_NOT, Screen, screen, submit
from tests.server.serving import Server, serving

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)


def start(window: Screen, seed: int, steps: int) -> None:
    """Have the example take a while, run it, and wait until its sampler is at work."""
    window.page.get_by_role("spinbutton", name="seed", exact=True).fill(str(seed))
    window.page.get_by_role("spinbutton", name="steps").fill(str(steps))
    window.press("Run")
    window.page.locator(f"{window.node('KSampler')} .node-progress", has_text=f"/ {steps}").wait_for()


def restore(window: Screen, words: str) -> None:
    """Search the history, and open the workflow of the first job that was found, in a page that knows all files."""
    window.open()
    window.show_panel("History")
    window.find_in_history(words)
    window.page.get_by_role("button", name="Open the workflow").first.click()


def wait_until_idle(page: Page) -> None:
    """Wait until there is nothing to stop."""
    page.locator(".run-stop:disabled").wait_for()


def test_a_run_is_stopped_and_says_so(window: Screen) -> None:
    start(window, seed=1, steps=1000)
    window.press("Stop")
    window.page.get_by_text("The run was stopped").first.wait_for()
    wait_until_idle(window.page)


def test_a_job_ends_though_its_worker_is_killed(tmp_path: Path, browser: Browser) -> None:
    with serving(tmp_path) as server, screen(browser, server.address) as window:
        window.open()
        start(window, seed=2, steps=40)
        workers = psutil.Process(server.process.pid).children(recursive=True)
        os.kill(max(workers, key=lambda each: each.memory_info().rss).pid, signal.SIGKILL)
        window.wait_for_picture("Save Image")
        wait_until_idle(window.page)


def test_a_page_that_is_loaded_anew_in_a_run_follows_it_to_its_picture(window: Screen) -> None:
    start(window, seed=3, steps=60)
    window.page.reload()
    window.page.locator(f"{window.node('KSampler')} .node-progress").wait_for()
    window.wait_for_picture("Save Image")


def test_what_a_node_raised_stands_on_it_and_goes_with_the_next_run(server: Server, window: Screen) -> None:
    submit(server.address, {"1": {"class_type": "Fail", "inputs": {"msg": "the kettle is empty"}}})
    restore(window, "kettle")
    window.press("Run")
    told = window.page.locator(f"{window.node('Fail')} [role=alert]")
    told.wait_for()
    assert "the kettle is empty" in told.inner_text()


def test_a_picture_is_brought_shown_and_used(server: Server, window: Screen) -> None:
    Image.new("RGB", (16, 16)).save(server.base / "input" / "black.png")
    load = {"class_type": "LoadImage", "inputs": {"image": "black.png"}}
    submit(
        server.address,
        {"1": load, "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "b"}}},
    )
    restore(window, "black.png")
    magenta = io.BytesIO()
    Image.new("RGB", (64, 64), (255, 0, 255)).save(magenta, "PNG")
    picker = window.page.locator(f"{window.node('Load Image')} input[type=file]")
    picker.set_input_files({"name": "magenta.png", "mimeType": "image/png", "buffer": magenta.getvalue()})
    window.page.locator('.widget-uploaded img[alt="magenta.png"]').wait_for()
    window.press("Run")
    window.wait_for_picture("Save Image")
    window.press("Gallery")
    window.page.get_by_role("button", name="Show b_00002_.png large").last.click()
    shown = window.page.locator("dialog img")
    shown.wait_for()
    window.page.wait_for_function("() => document.querySelector('dialog img')?.naturalWidth === 64")
    window.page.keyboard.press("Escape")
    shown.wait_for(state="detached")
