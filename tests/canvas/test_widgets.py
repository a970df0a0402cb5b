"""Widgets of every kind: what they show is what a node gets, what it answers is shown, and links take their place."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.canvas.screen import BUILT, CHROMIUM, WHY_NOT, Screen
from tests.server.serving import Server

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)


@pytest.fixture
def page(server: Server, window: Screen) -> Page:
    """The canvas with a node of all kinds, and one that gives a text."""
    (server.base / "output" / "older.txt").write_text("made before")
    inputs = {"strength": 0.5, "tint": "#3a7bd5", "paper": 0xFFAA00, "tags": [], "seed": 7, "flavour": "sweet"}
    kinds = {"class_type": "Kinds", "inputs": {**inputs, "name": "", "caption": ["2", 0], "made": "", "secret": 1}}
    text = {"class_type": "PrimitiveString", "inputs": {"value": "by link"}}
    window.show({"1": kinds, "2": text}, "Kinds")
    return window.page


def kinds(page: Page) -> Locator:
    return page.locator('.node[aria-label="Kinds"]')


def test_what_each_kind_shows_is_what_the_node_gets(page: Page) -> None:
    node = kinds(page)
    node.get_by_role("slider", name="strength").press("ArrowRight")
    expect(node.get_by_role("spinbutton", name="strength")).to_have_value("0.55")
    node.get_by_role("textbox", name="tint", exact=True).fill("#f00")
    node.get_by_role("textbox", name="paper", exact=True).fill("0000ff")
    for tag in ("red", "blue", "green"):
        node.get_by_role("combobox", name="tags").click()
        node.get_by_role("option", name=tag).click()
    node.get_by_role("button", name="Take blue away from tags").click()
    expect(node.get_by_role("list", name="Chosen for tags").get_by_role("listitem")).to_have_text(["red×", "green×"])
    seed = node.get_by_role("spinbutton", name="seed")
    seed.fill("100")
    seed.blur()
    expect(seed).to_have_value("99")
    expect(node.locator("li", has=page.get_by_role("spinbutton", name="seed"))).to_have_attribute(
        "title", "What chance begins with"
    )
    assert node.get_by_role("textbox", name="name").get_attribute("placeholder") == "Call it"
    assert node.get_by_text("secret").count() == 0
    node.get_by_role("combobox", name="made").click()
    node.get_by_role("option", name="older.txt").click()
    node.get_by_role("combobox", name="After each run").last.select_option("The next")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(node.locator(".node-text")).to_have_text(
        "caption='by link', flavour='sweet', made='older.txt', name='', paper=255, secret=1, seed=99, strength=0.55,"
        " tags=['red', 'green'], tint='#ff0000'"
    )
    expect(node.get_by_role("combobox", name="flavour")).to_have_value("sour")
    page.wait_for_function("() => document.querySelector('.node audio')?.duration === 1")
    source = node.locator(".node-pictures img").get_attribute("src")
    assert source is not None
    assert "preview" not in source  # a smaller copy would stand still


def test_a_seed_is_drawn_by_its_button(page: Page) -> None:
    seed = kinds(page).get_by_role("spinbutton", name="seed")
    seen = set[str]()
    for _ in range(8):
        kinds(page).get_by_role("button", name="Draw another seed now").click()
        seen.add(seed.input_value())
    assert len(seen) > 1
    assert all(0 <= int(each) <= 99 for each in seen)


def test_a_widget_is_a_socket_while_a_link_feeds_it(page: Page) -> None:
    node = kinds(page)
    row = node.locator('[data-input="caption"]')
    field = node.get_by_role("textbox", name="caption")
    fed = row.locator(".node-fed")
    expect(fed).to_have_text("from String")
    expect(field).to_have_count(0)
    row.click(button="right")
    page.get_by_role("menuitem", name="Cut what feeds this").click()
    expect(field).to_be_visible()
    expect(fed).to_have_count(0)
    row.locator("span").click(button="right")
    page.get_by_role("menuitem", name="Feed this by a new node").click()
    page.get_by_placeholder("Search nodes").fill("string (multiline)")
    page.keyboard.press("Enter")
    expect(fed).to_have_text("from String (Multiline)")
    page.get_by_role("button", name="Undo").click()
    expect(field).to_be_visible()
    page.locator('.node[aria-label="String"] .react-flow__handle.source').hover()
    page.mouse.down()
    row.locator("span").hover()
    page.mouse.up()
    expect(fed).to_have_text("from String")
