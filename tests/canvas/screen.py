"""The canvas in a real browser: a page that asks its own server alone, and writes no error."""

import base64
import json
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from engine.server import pages

BUILT = (Path(pages.__file__).parent / "canvas" / "index.html").is_file()
CHROMIUM = Path("/usr/bin/chromium")
WHY_NOT = "needs a canvas that was built (pip install -e .) and Debian's Chromium"
PATIENCE = 120_000  # milliseconds: the machine may have much else to do
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
NO_AXE = "axe-core is not installed: npm ci in web/"
_BARRIERS = """async () => (await axe.run()).violations
    .filter(each => ["serious", "critical"].includes(each.impact))
    .map(each => [each.id, ...each.nodes.map(node => node.html.slice(0, 200))])"""
_DROP = """([name, type, text]) => {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
    const carried = new DataTransfer()
    carried.items.add(new File([bytes], name, {type}))
    const place = {clientX: 500, clientY: 700, bubbles: true, cancelable: true, dataTransfer: carried}
    for (const each of ["dragover", "drop"]) document.querySelector(".canvas").dispatchEvent(new DragEvent(each, place))
}"""
FLAGS = ("--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")


@dataclass
class Screen:
    """A window with the canvas. `errors` and `strangers`: what it wrote to its console, and whom else it asked."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list[str])
    strangers: list[str] = field(default_factory=list[str])

    def open(self) -> None:
        """Open the canvas, and wait until the example is on it."""
        self.page.goto(self.address)
        self.page.locator(".node header").first.wait_for()

    def show(self, workflow: dict[str, object], title: str) -> None:
        """Drop a workflow or a prompt onto the canvas, and wait for one of its nodes."""
        self.drop("dropped.json", "application/json", json.dumps(workflow).encode())
        self.page.locator(self.node(title)).wait_for()

    def drop(self, name: str, type: str, content: bytes) -> None:
        """Drop a file on the canvas."""
        self.page.evaluate(_DROP, [name, type, base64.b64encode(content).decode()])

    def node(self, title: str) -> str:
        """What selects a node by its title."""
        return f'.node[aria-label="{title}"]'

    def press(self, button: str) -> None:
        """Press a button by its name."""
        self.page.get_by_role("button", name=button, exact=True).click()

    def wait_for_picture(self, title: str) -> None:
        """Wait until a node shows a picture that it made, whole."""
        self.page.locator(f'{self.node(title)} img[src*="filename="]').first.wait_for()
        self.page.wait_for_function(
            "selector => document.querySelector(selector)?.naturalWidth > 0",
            arg=f'{self.node(title)} img[src*="filename="]',
        )

    def show_panel(self, name: str) -> None:
        """Open a panel at the right side; the button of the queue also says how many jobs it holds."""
        self.page.locator(".panel-toolbar button[aria-pressed]", has_text=name).click()
        self.page.locator(".panel-right h2", has_text=name).wait_for()

    def hide_panel(self, name: str) -> None:
        """Close a panel at the right side."""
        self.page.locator(".panel-toolbar button[aria-pressed]", has_text=name).click()
        self.page.locator(".panel-right h2", has_text=name).wait_for(state="detached")

    def find_in_history(self, words: str) -> None:
        """Search the opened history, whose texts are there once nothing is found of what nobody wrote."""
        search = self.page.get_by_role("searchbox", name="Search the history")
        search.fill("no such words anywhere")
        self.page.get_by_text("Nothing is like that.").wait_for()
        search.fill(words)

    def another(self) -> "Screen":
        """A window of somebody else's browser, not yet opened."""
        browser = self.page.context.browser
        assert browser is not None
        return _watched(browser.new_page(viewport={"width": 1600, "height": 900}), self.address)

    def must_have_no_barrier(self) -> None:
        """Hold what is shown to have nothing that keeps people out, as far as axe finds it."""
        self.page.evaluate(AXE.read_text("utf-8"))  # the page's policy lets no script in by an element
        assert self.page.evaluate(_BARRIERS) == []

    def must_be_clean(self) -> None:
        """Hold the window to have written no error, and asked nobody else."""
        assert (self.errors, self.strangers) == ([], [])


@contextmanager
def chromium() -> Generator[Browser]:
    """A browser, for windows that know nothing of each other."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def screen(browser: Browser, address: str, *, has_touch: bool = False) -> Generator[Screen]:
    """A window that knows of no other, not yet opened; it is closed with all others of the browser."""
    try:
        yield _watched(browser.new_page(viewport={"width": 1600, "height": 900}, has_touch=has_touch), address)
    finally:
        for each in browser.contexts:
            each.close()


def _watched(page: Page, address: str) -> Screen:
    page.set_default_timeout(PATIENCE)
    shown = Screen(page, address)
    page.on("console", lambda each: shown.errors.append(each.text) if each.type == "error" else None)
    page.on("pageerror", lambda each: shown.errors.append(str(each)))
    own = (address, "blob:", "data:")
    page.on("request", lambda each: None if each.url.startswith(own) else shown.strangers.append(each.url))
    return shown


def submit(address: str, prompt: Mapping[str, Any]) -> str:
    """Queue a prompt as another program does; its id."""
    return json.loads(post(address, "prompt", {"prompt": prompt}))["prompt_id"]


def post(address: str, path: str, body: Mapping[str, Any] | None = None) -> bytes:
    """What a server answers to JSON."""
    asked = urllib.request.Request(f"{address}/{path}", json.dumps(body or {}).encode())
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return answer.read()


def ask(address: str, path: str) -> Any:
    """The JSON that a server has at a path."""
    with urllib.request.urlopen(f"{address}/{path}", timeout=60) as answer:
        return json.load(answer)
