"""One server that each test of the canvas finds as new, and one browser for the windows of a file's tests."""

import shutil
import time
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, expect

from tests.canvas.screen import PATIENCE, Screen, ask, chromium, post, screen
from tests.canvas.widget_pack import WIDGETS
from tests.server.serving import Server, serving, wait_until_ready


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """The server itself, as the test before left it: what is asked for is `server`."""
    base = tmp_path_factory.mktemp("canvas")
    (base / "custom_nodes" / "widgets").mkdir(parents=True)
    (base / "custom_nodes" / "widgets" / "__init__.py").write_text(WIDGETS)
    with serving(base, seconds=0) as started:
        yield started


@pytest.fixture
def server(shared: Server) -> Server:
    """A server that has run nothing and keeps nothing, and whose worker is up."""
    wait_until_ready(shared, 90)
    post(shared.address, "queue/resume")
    post(shared.address, "queue", {"clear": True})
    post(shared.address, "interrupt")
    end = time.monotonic() + 60
    while any(ask(shared.address, "queue").values()):  # what runs ends at its next step
        assert time.monotonic() < end, "what the test before left does not end"
        time.sleep(0.02)
    post(shared.address, "history", {"clear": True})
    post(shared.address, "free", {"free_memory": True})
    for folder in ("input", "output", "temp", "user/default"):
        shutil.rmtree(shared.base / folder, ignore_errors=True)
        (shared.base / folder).mkdir(exist_ok=True)
    return shared


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with chromium() as started:
        yield started
    expect.set_options(timeout=5_000)


@pytest.fixture
def window(server: Server, browser: Browser) -> Generator[Screen]:
    """A window with the example, which must have written no error when the test is done."""
    with screen(browser, server.address) as opened:
        opened.open()
        yield opened
        opened.must_be_clean()
