"""How smooth the canvas is with a large graph, beside the ecosystem's stock frontend in the same browser.

    python tests/benchmarks/canvas_speed.py [--chains 100] [--seconds 3] [--version 1.58.1] [--rounds 2]

Goals with 500 nodes and 800 links: at least as many frames a second as the stock frontend while panning, zooming and
dragging, with the whole graph in sight and near; and the graph on the screen within a second. Needs Debian's Chromium,
a canvas that was built, and `python tests/frontend/fetch.py`; without the latter the canvas is measured alone.

The mouse moves as fast as the page takes its moves; frames are counted by the page itself. One frame in twenty is
slower than the slow one that is told.
"""

import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.canvas.large_graph import large_graph  # noqa: E402 - the clone is used as it lies there
from tests.canvas.screen import CHROMIUM, FLAGS, PATIENCE  # noqa: E402
from tests.frontend.fetch import pages_of  # noqa: E402
from tests.server.serving import serving  # noqa: E402

WIDTH, HEIGHT = 1600, 900
NEAR = 0.6  # of the size that nodes are drawn for
Point = tuple[float, float]

_COUNT = """() => {
    window.frames_ = []
    const next = now => { window.frames_.push(now); window.counting_ = requestAnimationFrame(next) }
    window.counting_ = requestAnimationFrame(next)
}"""
_COUNTED = "() => { cancelAnimationFrame(window.counting_); return window.frames_ }"


class Frames(NamedTuple):
    """Frames a second, and how many milliseconds a slow one takes."""

    rate: float
    slow: float


@dataclass(frozen=True)
class Stage:
    """One of the two pages: how a workflow is opened in it, and where its things are."""

    name: str
    page: Page
    opened: str  # opens a workflow's text; resolves once it was drawn
    scale: str  # how large nodes are drawn
    void: str  # a point without a node
    header: str  # a point in the title of a node in sight, as far in the middle as may be

    def open(self, text: str) -> float:
        """Open a workflow; the milliseconds until it is drawn."""
        return float(self.page.evaluate(self.opened, text))

    def come_near(self) -> None:
        """Turn the wheel in the middle until nodes can be read."""
        self.page.mouse.move(WIDTH / 2, HEIGHT / 2)
        for _ in range(200):
            if self.page.evaluate(self.scale) >= NEAR:
                return
            self.page.mouse.wheel(0, -60)
            self.page.wait_for_timeout(30)
        raise RuntimeError(f"{self.name} does not come near")

    def pan(self, seconds: float) -> Frames:
        """Drag the canvas around."""
        return self._dragged(self.page.evaluate(self.void), seconds, 150)

    def drag(self, seconds: float) -> Frames:
        """Drag a node around."""
        return self._dragged(self.page.evaluate(self.header), seconds, 60)

    def zoom(self, seconds: float) -> Frames:
        """Turn the wheel to and fro."""
        self.page.mouse.move(WIDTH / 2, HEIGHT / 2)
        return self._watched(seconds, lambda at: self.page.mouse.wheel(0, 40 if int(at * 2) % 2 else -40))

    def _dragged(self, start: Point, seconds: float, reach: float) -> Frames:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        x, y = start
        turn = 2 * math.pi
        frames = self._watched(
            seconds,
            lambda at: self.page.mouse.move(x + reach * math.sin(turn * at), y + reach * math.sin(turn * at / 2)),
        )
        self.page.mouse.move(*start)
        self.page.mouse.up()
        return frames

    def _watched(self, seconds: float, move: Callable[[float], None]) -> Frames:
        self.page.evaluate(_COUNT)
        began = time.monotonic()
        while (at := time.monotonic() - began) < seconds:
            move(at)
        times: list[float] = self.page.evaluate(_COUNTED)
        gaps = sorted(b - a for a, b in zip(times, times[1:], strict=False))
        return Frames(1000 * len(gaps) / sum(gaps), gaps[len(gaps) * 19 // 20])


_HEDDLE_OPEN = """async text => {
    const carried = new DataTransfer()
    carried.items.add(new File([text], "large.json", {type: "application/json"}))
    const began = performance.now()
    for (const each of ["dragover", "drop"]) {
        const event = new DragEvent(each, {dataTransfer: carried, bubbles: true, cancelable: true})
        document.querySelector(".canvas").dispatchEvent(event)
    }
    const frame = () => new Promise(requestAnimationFrame)
    const isThere = () => document.title.includes("large") || document.querySelector('[aria-label="Close large"]')
    while (!isThere() || document.querySelector(".node") === null) await frame()
    await frame()
    await frame()
    return performance.now() - began
}"""
_HEDDLE_SCALE = """() => new DOMMatrix(getComputedStyle(document.querySelector(".react-flow__viewport")).transform).a"""
_HEDDLE_VOID = """() => {
    for (let y = 250; y < 850; y += 7) for (let x = 300; x < 1300; x += 7)
        if (document.elementFromPoint(x, y)?.classList.contains("react-flow__pane")) return [x, y]
}"""
_HEDDLE_HEADER = """() => {
    const far = ({x, y}) => Math.hypot(x - 800, y - 450)
    const boxes = [...document.querySelectorAll(".node")].map(each => each.getBoundingClientRect())
    const {x, y, width, height} = boxes.sort((a, b) => far(a) - far(b))[0]
    const scale = new DOMMatrix(getComputedStyle(document.querySelector(".react-flow__viewport")).transform).a
    return [x + width / 2, y + 15 * scale]
}"""
_STOCK_OPEN = """async text => {
    const began = performance.now()
    await window.app.loadGraphData(JSON.parse(text))
    const frame = () => new Promise(requestAnimationFrame)
    await frame()
    await frame()
    return performance.now() - began
}"""
_STOCK_VOID = """() => {
    const {ds, graph} = {ds: window.app.canvas.ds, graph: window.app.graph}
    for (let y = 250; y < 850; y += 7) for (let x = 300; x < 1300; x += 7) {
        const [gx, gy] = [x / ds.scale - ds.offset[0], y / ds.scale - ds.offset[1]]
        const isNear = ({pos, size}) => gx > pos[0] - 40 && gx < pos[0] + size[0] + 40
            && gy > pos[1] - 70 && gy < pos[1] + size[1] + 40
        if (!graph._nodes.some(isNear)) return [x, y]
    }
}"""
_STOCK_HEADER = """() => {
    const {ds, graph} = {ds: window.app.canvas.ds, graph: window.app.graph}
    const inWindow = ([x, y]) => [(x + ds.offset[0]) * ds.scale, (y + ds.offset[1]) * ds.scale]
    const at = ({pos, size}) => inWindow([pos[0] + size[0] / 2, pos[1] - 15])
    const far = node => { const [x, y] = at(node); return Math.hypot(x - 800, y - 450) }
    return at([...graph._nodes].sort((a, b) => far(a) - far(b))[0])
}"""
_STOCK_FIT = """() => window.app.canvas.fitViewToSelectionAnimated()"""


@contextmanager
def heddle(address: str) -> Generator[Stage]:
    """The canvas, with its example open."""
    with _page() as page:
        page.goto(address)
        page.locator(".node header").first.wait_for()
        yield Stage("Heddle", page, _HEDDLE_OPEN, _HEDDLE_SCALE, _HEDDLE_VOID, _HEDDLE_HEADER)


@contextmanager
def stock(address: str, version: str) -> Generator[Stage]:
    """The stock frontend, with its first workflow open."""
    with _page() as page:
        page.goto(address)
        page.wait_for_function("() => window.app?.graph?._nodes?.length > 0", polling=50)
        scale = "() => window.app.canvas.ds.scale"
        yield Stage(f"stock {version}", page, _STOCK_OPEN, scale, _STOCK_VOID, _STOCK_HEADER)


@contextmanager
def _page() -> Generator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.set_default_timeout(PATIENCE)
            yield page
        finally:
            browser.close()


def measure(stage: Stage, text: str, seconds: float) -> dict[str, Frames | float]:
    """Open the graph, and move over it from afar and near."""
    found: dict[str, Frames | float] = {"open": stage.open(text)}
    stage.page.wait_for_timeout(1500)
    if stage.name != "Heddle":
        stage.page.evaluate(_STOCK_FIT)
        stage.page.wait_for_timeout(1500)
    for place in ("afar", "near"):
        if place == "near":
            stage.come_near()
            stage.page.wait_for_timeout(1000)
        found[f"pan {place}"] = stage.pan(seconds)
        found[f"drag {place}"] = stage.drag(seconds)
        found[f"zoom {place}"] = stage.zoom(seconds)
    return found


@click.command()
@click.option("--chains", default=100, show_default=True, help="Five nodes and eight links each.")
@click.option("--seconds", default=3.0, show_default=True, help="How long each move is watched.")
@click.option("--rounds", default=2, show_default=True, help="How often each page is measured; they take turns.")
@click.option("--version", default="1.58.1", show_default=True, help="Of the stock frontend.")
def main(chains: int, seconds: float, rounds: int, version: str) -> None:
    """Measure both pages, and print frames a second and the ratio."""
    graph = large_graph(chains)
    text = json.dumps(graph)
    print(f"{len(graph['nodes'])} nodes, {len(graph['links'])} links")
    pages = pages_of(version)
    results: dict[str, list[dict[str, Frames | float]]] = {"Heddle": [], "stock": []}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        for _ in range(rounds):
            with serving(base / "heddle") as server, heddle(server.address) as stage:
                results["Heddle"].append(measure(stage, text, seconds))
            if pages.is_file():
                settings = base / "stock" / "user" / "default" / "comfy.settings.json"
                settings.parent.mkdir(parents=True, exist_ok=True)
                settings.write_text('{"Comfy.TutorialCompleted": true}')  # no tour of the templates first
                with (
                    serving(base / "stock", f"--frontend={pages.parent}") as server,
                    stock(server.address, version) as stage,
                ):
                    results["stock"].append(measure(stage, text, seconds))
    _print(results)


def _print(results: dict[str, list[dict[str, Frames | float]]]) -> None:
    ours, theirs = results["Heddle"], results["stock"]
    print(f"{'':12} {'Heddle':>8} {'slow':>8} {'stock':>8} {'slow':>8} {'ratio':>7}")
    for what in ours[0]:
        row = f"{what:12}"
        rates: list[float] = []
        for each in (ours, theirs):
            values = [found[what] for found in each]
            if not values:
                continue
            rate = statistics.median(value.rate if isinstance(value, Frames) else value for value in values)
            slow = statistics.median(value.slow if isinstance(value, Frames) else math.nan for value in values)
            rates.append(rate)
            row += f" {rate:8.1f} {slow:6.0f}ms" if not math.isnan(slow) else f" {rate:6.0f}ms {'':8}"
        print(row + (f" {rates[0] / rates[1]:7.2f}" if len(rates) == 2 else ""))


if __name__ == "__main__":
    main()
