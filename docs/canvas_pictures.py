"""Takes the pictures of the canvas: `python docs/canvas_pictures.py [NAME …]` drives a real browser."""

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from PIL import Image  # noqa: E402 - the clone is used as it lies there

from tests.canvas.screen import Screen, chromium, screen  # noqa: E402
from tests.canvas.test_masks import begin, inpainting, paint  # noqa: E402
from tests.canvas.test_masks import picture as scene  # noqa: E402
from tests.server.serving import serving  # noqa: E402

PICTURES = DOCS / "pictures" / "canvas"
WIDTH, HEIGHT = 1440, 810


def first_picture(window: Screen) -> None:
    """The example, once it was run."""
    window.press("Run")
    window.wait_for_picture("Save Image")


def palette(window: Screen) -> None:
    """A link that was dragged into the void, and the nodes that would take it."""
    handle = window.page.locator(f"{window.node('KSampler')} .react-flow__handle.source").first
    box = handle.bounding_box()
    assert box is not None
    window.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    window.page.mouse.down()
    window.page.mouse.move(WIDTH * 0.62, HEIGHT * 0.68, steps=8)
    window.page.mouse.up()
    window.page.get_by_role("listbox").wait_for()


def queue(window: Screen) -> None:
    """A run on its way, with others that wait for their turn."""
    window.page.locator(f"{window.node('KSampler')} li", has_text="steps").locator("input").fill("120")
    window.page.keyboard.press("Enter")
    window.page.get_by_label("How many times").fill("3")
    window.show_panel("Queue")
    window.press("Run")
    window.press("Draw a new seed for each")
    window.page.get_by_alt_text("Where the picture stands").first.wait_for()


def mask(window: Screen) -> None:
    """A mask, painted on a picture."""
    window.show(inpainting(), "Load Image")
    begin(window)
    paint(window, (50, 60), (82, 60), (82, 90), (50, 90), (50, 75), (82, 75))


SCENES: dict[str, tuple[str, Callable[[Screen], None]]] = {
    "first_picture": ("light", first_picture),
    "queue": ("dark", queue),
    "palette": ("dark", palette),
    "mask": ("light", mask),
}


def main() -> None:
    """Take the pictures that are named, or all."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server, chromium() as browser:
        scene().save(server.base / "input" / "scene.png")
        for name in sys.argv[1:] or SCENES:
            scheme, act = SCENES[name]
            with screen(browser, server.address) as window:
                window.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
                window.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
                window.open()
                if act is not first_picture:
                    window.press("Close the hint")
                act(window)
                window.page.wait_for_timeout(300)  # until nothing fades any more
                shot = Image.open(io.BytesIO(window.page.screenshot())).convert("RGB")
                shot.save(PICTURES / f"{name}.webp", quality=85, method=6)


if __name__ == "__main__":
    main()
