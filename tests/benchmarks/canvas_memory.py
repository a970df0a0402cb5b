"""What the canvas holds after many runs, against what it held after the first few: its page must not grow.

    python tests/benchmarks/canvas_memory.py [--runs 500] [--steps 2]

Goal: a ratio of 1 for the heap, the nodes of the document and the listeners. The built page in a real Chromium runs the
example against a real server, with previews, another seed each time, and the queue, the history and the gallery open in
turn. The heap is measured after a forced garbage collection.
"""

import json
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import click
from playwright.sync_api import CDPSession

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.canvas.screen import Screen, chromium, screen  # noqa: E402 - the clone is used as it lies there
from tests.server.serving import serving  # noqa: E402

BATCH = 50  # jobs of one press of Run
PANELS = ("Queue", "History", "Gallery")


@click.command()
@click.option("--runs", default=500, show_default=True)
@click.option("--steps", default=2, show_default=True)
def main(runs: int, steps: int) -> None:
    """Print what the page holds before and after, and the ratios."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), "--preview-method=latent2rgb") as server,
        chromium() as browser,
        screen(browser, server.address) as window,
    ):
        window.open()
        session = window.page.context.new_cdp_session(window.page)
        window.page.get_by_role("spinbutton", name="steps").fill(str(steps))
        window.page.get_by_role("spinbutton", name="How many times").fill(str(BATCH))
        window.press("Run")
        window.press("Draw a new seed for each")
        _wait(window, PANELS[0])
        window.press("Run")  # lists hold 64 jobs: they are as full before as after
        for panel in PANELS:
            _wait(window, panel)
        held, began = [_held(session)], time.monotonic()
        for count in range(0, runs, BATCH):
            window.press("Run")
            _wait(window, PANELS[count // BATCH % len(PANELS)])
            held.append(_held(session))
            _say(f"after {count + BATCH} more", held[-1])
        seconds = time.monotonic() - began
        _say("before", held[0])
        for name, after in held[-1].items():
            click.echo(f"{name}: {after / held[0][name]:.3f} times")
        click.echo(f"{seconds / runs:.2f} s for each run")
        window.must_be_clean()


def _wait(window: Screen, panel: str) -> None:
    """Look at a panel until nothing waits or runs."""
    window.show_panel(panel)
    while True:
        with urllib.request.urlopen(f"{window.address}/prompt", timeout=60) as answer:
            if json.load(answer)["exec_info"]["queue_remaining"] == 0:
                break
        time.sleep(0.2)
    window.page.locator(".run-stop:disabled").wait_for()
    window.page.locator(".tab-progress, .tab-mark.waits").wait_for(state="detached")
    window.hide_panel(panel)


def _held(session: CDPSession) -> dict[str, float]:
    session.send("HeapProfiler.enable")
    for _ in range(3):  # what one collection frees may free more
        session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"]
    session.send("Performance.enable")
    told = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return {"heap (MB)": heap / 1e6, "nodes": told["Nodes"], "listeners": told["JSEventListeners"]}


def _say(when: str, held: dict[str, float]) -> None:
    click.echo(f"{when}: " + ", ".join(f"{name} {value:,.1f}" for name, value in held.items()))


if __name__ == "__main__":
    main()
