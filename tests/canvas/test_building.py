"""Building by hand: palette, library and links, from an empty canvas to a workflow that the server takes."""

import re

import pytest
from playwright.sync_api import Page, Position, expect

from tests.canvas.gestures import (
    centre,
    choose,
    drag,
    empty,
    hold,
    must_hold,
    node,
    output,
    press_until_it_cannot,
    rest,
    taken,
)
from tests.canvas.screen import BUILT, CHROMIUM, WHY_NOT, Screen

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)


@pytest.fixture
def page(window: Screen) -> Page:
    """The canvas with the example, at rest."""
    rest(window.page)
    return window.page


def test_a_workflow_is_built_by_palette_and_drag_alone_undone_and_done_again(page: Page) -> None:
    empty(page)
    page.mouse.dblclick(150, 250)
    choose(page, "load checkpoint")
    loader = node(page, "Load Checkpoint")
    drag(page, output(loader, "MODEL"), (950, 250))
    choose(page, "ksampler")
    sampler = node(page, "KSampler")
    drag(page, output(loader, "CLIP"), (480, 160))
    choose(page, "text encode (prompt)")
    positive = page.locator('.node[aria-label^="CLIP Text Encode"]')
    drag(page, output(positive, "CONDITIONING"), taken(sampler, "positive"))
    drag(page, taken(sampler, "negative"), (800, 520))
    choose(page, "text encode (prompt)")
    expect(positive).to_have_count(2)
    drag(page, output(loader, "CLIP"), taken(positive.last, "clip"))
    drag(page, output(sampler, "LATENT"), (1300, 200))
    choose(page, "vae decode")
    decoder = node(page, "VAE Decode")
    drag(page, output(loader, "VAE"), taken(decoder, "vae"))
    drag(page, output(decoder, "IMAGE"), (1300, 500))
    choose(page, "save image")
    page.get_by_role("button", name="Node library").click()
    page.get_by_role("searchbox", name="Search nodes").fill("empty latent image")
    entry = page.locator(".panel-library").get_by_role("button", name="Empty Latent Image", exact=True)
    entry.drag_to(page.locator(".canvas"), target_position={"x": 300, "y": 600})
    drag(page, output(node(page, "Empty Latent Image"), "LATENT"), taken(sampler, "latent_image"))
    page.get_by_role("button", name="Node library").click()
    must_hold(page, nodes=7, links=9)

    press_until_it_cannot(page, "Undo")
    expect(node(page, "Negative prompt")).to_be_visible()
    press_until_it_cannot(page, "Redo")
    must_hold(page, nodes=7, links=9)
    with page.expect_response(re.compile("/prompt$")) as answer:
        page.get_by_role("button", name="Run", exact=True).click()
    assert answer.value.status == 200


def test_a_picture_is_made_from_an_empty_canvas_by_drag_and_drop_alone(page: Page) -> None:
    page.get_by_role("button", name="Close the hint").click()  # it lies over some of the canvas
    empty(page)
    page.get_by_role("button", name="Node library").click()
    bring(page, "Load Checkpoint", 20, 120)
    bring(page, "Empty Latent Image", 20, 420)
    bring(page, "CLIP Text Encode (Prompt)", 300, 60)
    bring(page, "CLIP Text Encode (Prompt)", 300, 380)
    bring(page, "KSampler", 650, 100)
    bring(page, "VAE Decode", 1000, 60)
    bring(page, "Save Image", 1000, 250)
    page.get_by_role("button", name="Node library").click()
    texts = page.locator('.node[aria-label^="CLIP Text Encode"]')
    loader, sampler, decoder = node(page, "Load Checkpoint"), node(page, "KSampler"), node(page, "VAE Decode")
    latent, saved = node(page, "Empty Latent Image"), node(page, "Save Image")
    drag(page, output(loader, "MODEL"), taken(sampler, "model"))
    drag(page, output(loader, "CLIP"), taken(texts.first, "clip"))
    drag(page, output(loader, "CLIP"), taken(texts.last, "clip"))
    drag(page, output(texts.first, "CONDITIONING"), taken(sampler, "positive"))
    drag(page, output(texts.last, "CONDITIONING"), taken(sampler, "negative"))
    drag(page, output(latent, "LATENT"), taken(sampler, "latent_image"))
    drag(page, output(sampler, "LATENT"), taken(decoder, "samples"))
    drag(page, output(loader, "VAE"), taken(decoder, "vae"))
    drag(page, output(decoder, "IMAGE"), taken(saved, "images"))
    must_hold(page, nodes=7, links=9)
    texts.first.locator("textarea").fill("a blue boat on the sea at dawn")
    for side in ("width", "height"):
        latent.get_by_role("spinbutton", name=side, exact=True).fill("128")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(sampler.get_by_alt_text("Where the picture stands")).to_be_visible()
    expect(saved.locator('img[src*="filename="]')).to_be_visible()


def bring(page: Page, title: str, x: int, y: int) -> None:
    """Drag a node out of the library, to a place on the canvas."""
    page.get_by_role("searchbox", name="Search nodes").fill(title)
    entry = page.locator(".panel-library").get_by_role("button", name=title, exact=True)
    entry.drag_to(page.locator(".canvas"), target_position={"x": x, "y": y})


def test_a_link_that_does_not_fit_is_refused_with_the_reason(page: Page) -> None:
    start, end = output(node(page, "Load Checkpoint"), "VAE"), taken(node(page, "KSampler"), "positive")
    hold(page, start, end)
    expect(page.locator(".refusal")).to_have_text("VAE does not fit: this takes CONDITIONING.")
    page.mouse.up()
    expect(page.locator(".refusal")).to_have_count(0)
    must_hold(page, nodes=7, links=9)
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_parts_are_copied_grouped_folded_and_made_a_subgraph_by_keys(page: Page) -> None:
    node(page, "Prompt").locator("header").click()
    page.keyboard.press("Control+C")
    page.mouse.move(800, 800)
    page.keyboard.press("Control+V")
    expect(node(page, "Prompt")).to_have_count(2)
    page.keyboard.press("Control+Z")
    expect(node(page, "Prompt")).to_have_count(1)
    node(page, "Prompt").locator("header").click()
    node(page, "Negative prompt").locator("header").click(modifiers=["Shift"])
    page.keyboard.press("Control+G")
    page.keyboard.type("Texts")
    page.keyboard.press("Enter")
    expect(page.locator(".group .title")).to_have_text("Texts")
    node(page, "Prompt").locator("header").click()
    page.keyboard.press("Alt+C")
    expect(node(page, "Prompt")).to_have_class(re.compile("folded"))
    page.keyboard.press("Control+Shift+E")
    page.keyboard.press("Enter")
    expect(node(page, "Subgraph")).to_be_visible()
    page.keyboard.press("Alt+Enter")
    expect(node(page, "Inputs")).to_be_visible()
    expect(node(page, "KSampler")).to_have_count(0)
    page.keyboard.press("Alt+Backspace")
    expect(node(page, "KSampler")).to_be_visible()
    press_until_it_cannot(page, "Undo")
    expect(page.locator(".group")).to_have_count(0)
    must_hold(page, nodes=7, links=9)


def test_a_node_is_dropped_into_a_link(page: Page) -> None:
    page.get_by_role("button", name="Node library").click()
    page.get_by_role("searchbox", name="Search nodes").fill("invert image")
    entry = page.locator(".panel-library").get_by_role("button", name="Invert Image", exact=True)
    start, end = centre(output(node(page, "VAE Decode"), "IMAGE")), centre(taken(node(page, "Save Image"), "images"))
    canvas = page.locator(".canvas").bounding_box()
    assert canvas is not None
    middle = Position(x=(start[0] + end[0]) / 2 - canvas["x"], y=(start[1] + end[1]) / 2 - canvas["y"])
    entry.drag_to(page.locator(".canvas"), target_position=middle)
    must_hold(page, nodes=8, links=10)
