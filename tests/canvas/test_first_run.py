"""A first visit: an example is there, one press of Run makes a picture, and nothing of it is lost."""

import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, WebSocketRoute

from tests.canvas.screen import BUILT, CHROMIUM, WHY_NOT, Screen, screen
from tests.server.serving import serving

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)


def test_one_press_of_run_makes_a_picture_which_is_there_after_reloads(window: Screen) -> None:
    window.press("Run")
    window.page.locator(f'{window.node("KSampler")} img[src^="blob:"]').first.wait_for()
    window.page.reload()
    window.wait_for_picture("Save Image")
    window.page.reload()
    window.wait_for_picture("Save Image")


def test_the_hint_of_the_first_visit_goes_with_the_first_run(window: Screen) -> None:
    hint = window.page.get_by_role("complementary", name="How it works")
    hint.wait_for()
    window.press("Run")
    window.wait_for_picture("Save Image")
    assert not hint.is_visible()
    window.page.reload()
    window.wait_for_picture("Save Image")
    assert not hint.is_visible()


def test_what_is_typed_is_undone_at_once_and_a_refusal_stands_on_its_node(window: Screen) -> None:
    steps = window.page.get_by_role("spinbutton", name="steps")
    steps.fill("7")
    steps.press_sequentially("1")
    steps.blur()
    assert steps.input_value() == "71"
    window.press("Undo")
    assert steps.input_value() == "20"
    window.page.locator(f"{window.node('Empty Latent Image')} header").click()
    window.page.keyboard.press("Delete")
    window.page.locator(window.node("Empty Latent Image")).wait_for(state="detached")
    window.press("Run")
    wrong = window.page.locator(f"{window.node('KSampler')} .node-error").first
    wrong.wait_for()
    assert "latent_image" in wrong.inner_text()
    window.errors.clear()  # the browser wrote down that it was refused
    window.press("Undo")
    window.press("Run")
    window.wait_for_picture("Save Image")


def test_a_server_that_is_killed_in_a_run_comes_back_and_so_does_the_picture(tmp_path: Path, browser: Browser) -> None:
    with serving(tmp_path) as server, screen(browser, server.address) as window:
        window.open()
        window.page.get_by_role("spinbutton", name="steps").fill("50")
        window.press("Run")
        window.page.locator(f"{window.node('KSampler')} .node-progress").first.wait_for()
        server.process.kill()
        server.process.wait()
        offline = window.page.locator(".offline")
        offline.wait_for()
        assert "does not answer" in offline.inner_text()
        port = server.address.rpartition(":")[2]
        with serving(tmp_path, f"--port={port}"):
            offline.wait_for(state="detached")
            window.wait_for_picture("Save Image")


def test_what_was_said_while_the_line_was_cut_is_said_again(window: Screen) -> None:
    lines: list[WebSocketRoute] = []
    is_cut = threading.Event()

    def connect(line: WebSocketRoute) -> None:
        if is_cut.is_set():
            line.close()
        else:
            line.connect_to_server()
            lines.append(line)

    window.page.route_web_socket("**/api/ws*", connect)
    window.open()
    window.page.get_by_role("spinbutton", name="steps").fill("30")
    before = len(window.page.request.get(f"{window.address}/history").json())
    window.press("Run")
    window.page.locator(f"{window.node('KSampler')} .node-progress").first.wait_for()
    is_cut.set()
    lines[0].close()
    window.page.locator(".offline").wait_for()
    ended = "async before => Object.keys(await (await fetch('/history')).json()).length > before"
    window.page.wait_for_function(ended, arg=before)
    is_cut.clear()
    window.wait_for_picture("Save Image")
    assert parse_qs(urlsplit(lines[1].url).query)["since"] > ["0"]
