"""By fingers alone: the canvas is moved and zoomed, nodes are moved, linked and added, and links are cut."""

import re
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.canvas.gestures import centre, choose, node, output, rest, taken
from tests.canvas.screen import BUILT, CHROMIUM, WHY_NOT, Screen, screen
from tests.server.serving import Server

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)

Spot = tuple[float, float]


class Fingers:
    """Touches of a page, as its browser hears them."""

    def __init__(self, page: Page) -> None:
        self._line = page.context.new_cdp_session(page)

    def _tell(self, kind: str, *spots: Spot) -> None:
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(spots)]
        self._line.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def put(self, *spots: Spot) -> None:
        for count in range(len(spots)):
            self._tell("touchStart", *spots[: count + 1])

    def move(self, *ways: tuple[Spot, Spot]) -> None:
        """Put fingers down, move each from one spot to another, and lift them."""
        self.put(*(start for start, _ in ways))
        for part in (0.25, 0.5, 0.75, 1):
            self._tell("touchMove", *((x + (to_x - x) * part, y + (to_y - y) * part) for (x, y), (to_x, to_y) in ways))
        self.lift()

    def lift(self) -> None:
        self._tell("touchEnd")


@pytest.fixture
def window(server: Server, browser: Browser) -> Generator[Screen]:
    with screen(browser, server.address, has_touch=True) as opened:
        opened.open()
        rest(opened.page)
        yield opened
        opened.must_be_clean()


def test_the_canvas_is_moved_and_zoomed_and_nodes_are_moved_linked_added_and_cut(window: Screen) -> None:
    page = window.page
    fingers = Fingers(page)
    x, y, zoom = where(page)
    fingers.move(((700, 700), (780, 660)))
    assert where(page) == pytest.approx((x + 80, y - 40, zoom), abs=0.01)
    fingers.move(((600, 700), (500, 700)), ((800, 700), (900, 700)))
    assert where(page)[2] == pytest.approx(2 * zoom, rel=0.05)
    page.locator(".canvas").focus()
    page.keyboard.press(".")
    rest(page)
    before = centre(node(page, "VAE Decode"))
    title = centre(node(page, "VAE Decode").locator("header .title"))
    fingers.move((title, (title[0], title[1] + 160)))
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    assert centre(node(page, "VAE Decode"))[1] > before[1] + 100
    link = page.locator(".react-flow__edge").filter(has=page.locator(".react-flow__edge-interaction")).last
    count = page.locator(".react-flow__edge").count()
    fingers.put(middle_of(page, link.get_attribute("data-id") or ""))
    tap(page, "Delete")
    fingers.lift()
    expect(page.locator(".react-flow__edge")).to_have_count(count - 1)
    images = taken(node(page, "Save Image"), "images")
    fingers.move((centre(output(node(page, "VAE Decode"), "IMAGE")), centre(images)))
    expect(page.locator(".react-flow__edge")).to_have_count(count)
    fingers.put((700, 750))
    tap(page, "Add a node")
    fingers.lift()
    choose(page, "note")
    expect(node(page, "Note")).to_be_visible()
    left, top = centre(node(page, "Note").locator("header .fold"))
    assert (left, top) == (pytest.approx(715, abs=25), pytest.approx(738, abs=25))


def where(page: Page) -> tuple[float, float, float]:
    """How far the canvas is moved and zoomed."""
    style = page.locator(".react-flow__viewport").get_attribute("style") or ""
    x, y, zoom = (float(each) for each in re.findall(r"-?[\d.]+(?=px|\))", style)[:3])
    return x, y, zoom


def middle_of(page: Page, link: str) -> Spot:
    """A spot on a link."""
    x, y = page.evaluate(
        """id => {
            const path = document.querySelector(`.react-flow__edge[data-id="${id}"] .react-flow__edge-path`)
            const spot = path.getPointAtLength(path.getTotalLength() / 2)
            const {x, y} = new DOMPoint(spot.x, spot.y).matrixTransform(path.getScreenCTM())
            return [x, y]
        }""",
        link,
    )
    return x, y


def tap(page: Page, item: str) -> None:
    """Choose from the menu that a finger asked for by staying."""
    page.get_by_role("menuitem", name=item, exact=False).first.click()
