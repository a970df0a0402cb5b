"""What waits and what ran: the queue of two windows, batches, turns, parts of workflows, history and gallery."""

import io
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.canvas.screen import BUILT, CHROMIUM, WHY_NOT, Screen, ask, submit
from tests.server.serving import Server

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)


def pictures(*names: str, colour: int = 0) -> dict[str, Any]:
    """A prompt of an empty picture and a Save Image for each name, with one colour more each."""
    prompt: dict[str, Any] = {}
    for at, name in enumerate(names):
        empty = {"width": 32, "height": 32, "batch_size": 1, "color": colour + at}
        prompt[f"1{at}"] = {"class_type": "EmptyImage", "inputs": empty, "_meta": {"title": f"Paint {name}"}}
        save = {"images": [f"1{at}", 0], "filename_prefix": name}
        prompt[f"2{at}"] = {"class_type": "SaveImage", "inputs": save, "_meta": {"title": f"Keep {name}"}}
    return prompt


def made(server: Server, prompt: dict[str, Any]) -> str:
    """Have a program run a prompt to its end; its id."""
    id = submit(server.address, prompt)
    while not ask(server.address, f"history/{id}"):
        time.sleep(0.05)
    return id


def reopen(window: Screen, words: str) -> None:
    """Open the workflow of the job that the history finds."""
    window.show_panel("History")
    window.find_in_history(words)
    expect(window.page.locator(".history li")).to_have_count(1)
    window.press("Open the workflow")
    window.hide_panel("History")


def picture(window: Screen, title: str) -> Any:
    return window.page.locator(f'{window.node(title)} img[src*="filename="]')


def test_a_batch_waits_by_name_in_both_windows_and_is_moved_and_cancelled(server: Server, window: Screen) -> None:
    page, other = window.page, window.another()
    other.open()
    other.show_panel("Queue")
    window.show_panel("Queue")
    window.press("Pause")
    page.get_by_text("Paused: what runs ends").wait_for()
    page.get_by_role("spinbutton", name="How many times").fill("2")
    window.press("Run")
    page.get_by_role("dialog", name="All 2 runs would give the same").wait_for()
    window.press("Draw a new seed for each")
    expect(page.locator(".queue li")).to_have_count(2)
    submit(server.address, pictures("elsewhere"))
    window.press("Have Untitled workflow (3) run next")
    names = ["Untitled workflow", "Text to image", "Text to image"]
    expect(page.locator(".queue strong")).to_have_text(names)
    expect(other.page.locator(".queue strong")).to_have_text(names)
    expect(other.page.locator(".queue").get_by_text("queued elsewhere")).to_have_count(3)
    expect(page.locator(".queue").get_by_text("queued elsewhere")).to_have_count(1)
    seeds = [job["seed"] for job in ask(server.address, "api/jobs?status=pending")["jobs"] if "seed" in job]
    assert len(set(seeds)) == 2
    other.press("Have Untitled workflow (1) run later")
    expect(page.locator(".queue strong").first).to_have_text("Text to image")
    other.press("Cancel Text to image (1)")
    expect(page.locator(".queue li")).to_have_count(2)
    window.press("Cancel all that waits")
    expect(other.page.locator(".queue li")).to_have_count(0)
    expect(page.locator(".tab-mark.waits")).to_have_count(0)
    window.press("Go on")
    other.must_be_clean()


def test_a_part_runs_alone_and_what_is_first_in_the_queue_goes_before_the_rest(server: Server, window: Screen) -> None:
    made(server, pictures("left", "right", colour=100))
    reopen(window, "left right")
    window.page.locator(f"{window.node('Keep right')} header").click()
    window.press("To the selected nodes")
    picture(window, "Keep right").wait_for()
    expect(picture(window, "Keep left")).to_have_count(0)
    window.show_panel("Queue")
    window.press("Pause")
    window.press("Run")
    expect(window.page.locator(".queue li")).to_have_count(1)
    window.press("First in the queue")
    expect(window.page.locator(".queue li")).to_have_count(2)
    later, first = sorted(ask(server.address, "api/jobs?status=pending")["jobs"], key=lambda job: job["create_time"])
    assert first["priority"] < later["priority"]
    window.press("Go on")
    picture(window, "Keep left").wait_for()


def test_what_cannot_run_is_named_while_the_rest_runs_and_is_mended(server: Server, window: Screen) -> None:
    made(server, pictures("good", "bad", colour=200))
    reopen(window, "good bad")
    window.page.locator(f"{window.node('Paint bad')} header").click()
    window.page.keyboard.press("Delete")
    window.press("Run")
    picture(window, "Keep good").wait_for()
    told = window.page.locator(".panel-notices li.error")
    expect(told).to_contain_text("It runs, but without Keep bad")
    wrong = window.page.locator(f"{window.node('Keep bad')} [role=alert]")
    expect(wrong).to_have_text("“images” needs a link or a value.")
    window.press("Undo")
    window.press("Run")
    picture(window, "Keep bad").wait_for()
    expect(wrong).to_have_count(0)


def test_the_history_is_searched_and_what_was_stopped_runs_again_for_its_tab(window: Screen) -> None:
    page = window.page
    page.locator(f"{window.node('Prompt')} textarea").fill("a lighthouse in fog")
    page.get_by_role("spinbutton", name="steps").fill("150")
    window.press("Run")
    page.locator(f"{window.node('KSampler')} .node-progress", has_text="/ 150").wait_for()
    window.press("Stop")
    page.get_by_text("The run was stopped", exact=True).first.wait_for()
    window.show_panel("History")
    window.find_in_history("lighthouse stopped text to image")
    expect(page.locator(".history li")).to_have_count(1)
    window.press("Run again")
    window.wait_for_picture("Save Image")
    window.find_in_history("lighthouse done")
    expect(page.locator(".history li")).to_have_count(1)
    window.press("Open the workflow")
    expect(page.locator(".tabs li")).to_have_count(2)
    expect(page.locator(f"{window.node('Prompt')} textarea")).to_have_value("a lighthouse in fog")


def test_pictures_of_the_gallery_are_compared_copied_downloaded_and_opened(server: Server, window: Screen) -> None:
    page = window.page
    made(server, pictures("red", colour=0xFF0000))
    made(server, pictures("blue", colour=0x0000FF))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    window.show_panel("Gallery")
    for name in ("red", "blue"):
        page.get_by_role("checkbox", name=f"Mark {name}_00001_.png").check()
    window.press("Compare the two that are marked")
    page.get_by_role("slider").fill("25")
    assert page.locator(".compare-left").evaluate("each => each.style.clipPath") == "inset(0px 75% 0px 0px)"
    page.keyboard.press("Escape")
    window.press("Show red_00001_.png large")
    window.press("Copy")
    page.get_by_text("red_00001_.png is on the clipboard.").wait_for()
    held = "async () => (await navigator.clipboard.read()).flatMap(each => each.types)"
    assert page.evaluate(held) == ["image/png"]
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    whole = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert (whole.size, whole.convert("RGB").getpixel((0, 0))) == ((32, 32), (255, 0, 0))
    window.press("Open its workflow")
    page.get_by_role("button", name="Close red_00001_").wait_for()
    page.locator(window.node("Keep red")).wait_for()
