"""What a hand does on the canvas: finding nodes and sockets, dragging, and counting what came of it."""

from playwright.sync_api import Locator, Page, expect

_AT_REST = """() => {
    const now = document.querySelector(".react-flow__viewport").style.transform
    const [before, times] = window.seen ?? ["", 0]
    window.seen = [now, now === before ? times + 1 : 0]
    return times > 8
}"""


def rest(page: Page) -> None:
    """Wait until the canvas no longer moves."""
    page.evaluate("() => delete window.seen")
    page.wait_for_function(_AT_REST)


def empty(page: Page) -> None:
    """Delete all that is on the canvas."""
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.locator(".beginning").wait_for()


def choose(page: Page, text: str, dialog: str = "Add a node") -> None:
    """Take the first that the palette finds."""
    palette = page.get_by_role("dialog", name=dialog)
    palette.get_by_role("combobox").fill(text)
    page.keyboard.press("Enter")
    palette.wait_for(state="detached")


def node(page: Page, title: str) -> Locator:
    return page.locator(f'.node[aria-label="{title}"]')


def output(of: Locator, name: str) -> Locator:
    return of.locator(f'[aria-label^="Output {name},"]')


def taken(by: Locator, name: str) -> Locator:
    return by.locator(f'[aria-label^="Input {name},"]')


def drag(page: Page, start: Locator, end: "Locator | tuple[float, float]") -> None:
    hold(page, start, end)
    page.mouse.up()


def hold(page: Page, start: Locator, end: "Locator | tuple[float, float]") -> None:
    """Drag a link somewhere, and keep it in hand."""
    page.mouse.move(*centre(start))
    page.mouse.down()
    page.mouse.move(*(end if isinstance(end, tuple) else centre(end)), steps=6)


def centre(of: Locator) -> tuple[float, float]:
    of.wait_for()
    box = of.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def press_until_it_cannot(page: Page, button: str) -> None:
    """Press Undo or Redo until nothing is left of it."""
    found = page.get_by_role("button", name=button, exact=True)
    for _ in range(100):
        if found.is_disabled():
            return
        found.click()
    raise AssertionError(f"{button} never ends")


def must_hold(page: Page, nodes: int, links: int) -> None:
    """Bring everything into view, and count."""
    page.locator(".canvas").focus()
    page.keyboard.press(".")
    expect(page.locator(".node")).to_have_count(nodes)
    expect(page.locator(".react-flow__edge")).to_have_count(links)


def place_of(page: Page, title: str) -> str:
    """Where a node lies in the graph, however that is moved and zoomed."""
    wrapper = page.locator(".react-flow__node").filter(has=node(page, title))
    return wrapper.evaluate("each => each.style.transform")
