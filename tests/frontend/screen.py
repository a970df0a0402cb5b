"""The stock frontend in a real browser: what a person does with it, and what one sees."""

import io
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import ConsoleMessage, Page, Request, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_PATIENCE = 60_000  # milliseconds
_OPENED = """name => {
    const workflows = window.app?.extensionManager?.workflow
    return workflows?.activeWorkflow?.filename === name && window.app.graph._nodes.length > 0
}"""
_PICTURES = """([type, source]) => {
    const node = window.app.graph._nodes.find(each => each.type === type)
    return (node?.imgs ?? []).some(each => each.src.includes(source) && each.naturalWidth > 0)
}"""
_NOT_MADE = """types => types.filter(type => !window.LiteGraph.createNode(type))"""


@dataclass
class Screen:
    """A page with the frontend. `errors` and `strangers` are what it wrote to its console, and whom else it asked."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list[str])
    strangers: list[Request] = field(default_factory=list[Request])

    def start(self) -> None:
        """Open the page, and wait until it shows its own first workflow."""
        self.page.on("console", self._wrote)
        self.page.on("request", self._asked)
        self.page.goto(self.address)
        self.wait("() => window.app?.graph?._nodes?.length > 0")

    def reload(self, opened: str) -> None:
        """Load the page anew, and wait until it shows the workflow that was open, and listens."""
        with self.page.expect_websocket(timeout=_PATIENCE) as listening:
            self.page.reload()
            self.wait(_OPENED, opened)
        assert "clientId=" in listening.value.url
        self._fit()

    def open_workflow(self, name: str) -> None:
        """Choose a saved workflow in the list at the side."""
        side = self.page.get_by_role("button", name="Workflows (w)")
        side.click()
        self.page.get_by_text(re.compile(rf"^{name}(\.json)?$")).last.click()
        self.wait(_OPENED, name)
        side.click()
        self._fit()

    def run(self) -> None:
        """Press the button that runs what is open."""
        self.page.get_by_role("button", name="Run", exact=True).click()

    def interrupt(self) -> None:
        """Press the button that ends what runs."""
        self.page.get_by_role("button", name="Cancel current run").click()

    def see_running(self, node: str, percent: str = r"\d+") -> None:
        """Wait until the title says that a node is so far."""
        self.wait("pattern => new RegExp(pattern).test(document.title)", rf"\[{percent}%\] {node}")

    def see_idle(self) -> None:
        """Wait until the title says that nothing runs."""
        self.wait("() => !document.title.includes('%')")

    def see_picture(self, node: str, source: str) -> None:
        """Wait until a node shows a picture from somewhere."""
        self.wait(_PICTURES, [node, source])

    def see_colour(self, colour: tuple[int, int, int]) -> None:
        """Wait until a good part of the screen has a colour."""
        for _ in range(100):
            shot = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
            if sum(count for count, each in shot.getcolors(shot.width * shot.height) or () if each == colour) > 1000:
                return
            self.page.wait_for_timeout(200)
        raise AssertionError(f"{colour} is not on the screen")

    def see_error(self, text: str) -> None:
        """Wait until an error is told, ask for its details where they are not shown at once, and put it away."""
        told, details = self.page.get_by_text(text).first, self.page.get_by_role("button", name="View details")
        told.or_(details).first.wait_for()
        if details.is_visible():
            details.click()
        told.wait_for()
        self.page.keyboard.press("Escape")

    def not_made(self, types: list[str]) -> list[str]:
        """Which of these node types the frontend fails to make a node of."""
        return self.page.evaluate(_NOT_MADE, types)

    def wait(self, condition: str, argument: object = None) -> None:
        """Wait until a JavaScript function says yes."""
        self.page.wait_for_function(condition, arg=argument, polling=50, timeout=_PATIENCE)

    def _fit(self) -> None:
        """Bring all nodes into view: one that is out of it loads no picture."""
        self.page.get_by_role("button", name="Fit View (.)").click()

    def _wrote(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.errors.append(message.text)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).scheme not in ("data", "blob") and not request.url.startswith(self.address):
            self.strangers.append(request)


@contextmanager
def screen(address: str, chromium: Path) -> Generator[Screen]:
    """A browser of its own that has opened a server's page."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.set_default_timeout(_PATIENCE)
            shown = Screen(page, address)
            shown.start()
            yield shown
        finally:
            browser.close()
