"""Widgets of every kind: what they show is what a node gets, what it answers is shown, and links take their place."""

from collections.abc import Generator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.canvas.screen import BUILT, CHROMIUM, PATIENCE, WHY_NOT, screen
from tests.server.serving import serving

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)

_PACK = """
import os, wave
import folder_paths
from PIL import Image

class Kinds:
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "go", True, "test"
    DESCRIPTION = "One widget of each kind."
    INPUT_TYPES = classmethod(lambda cls: {"required": {
        "strength": ("FLOAT", {"default": 0.5, "min": 0.0, "max": 2.0, "step": 0.05, "display": "slider"}),
        "tint": ("COLOR", {"default": "#3a7bd5"}),
        "paper": ("INT", {"default": 0xFFAA00, "min": 0, "max": 0xFFFFFF, "display": "color"}),
        "tags": ("COMBO", {"options": ["red", "green", "blue"], "multiselect": True, "multi_select": True}),
        "seed": ("INT", {"default": 7, "min": 0, "max": 99, "tooltip": "What chance begins with"}),
        "flavour": (["sweet", "sour", "salt"], {"control_after_generate": True}),
        "name": ("STRING", {"default": "", "placeholder": "Call it"}),
        "caption": ("STRING", {"default": ""}),
        "made": ("COMBO", {"remote": {"route": "/internal/files/output"}}),
        "secret": ("INT", {"default": 1, "hidden": True}),
    }})

    def go(self, **inputs):
        folder = folder_paths.get_output_directory()
        with wave.open(os.path.join(folder, "beep.wav"), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(8000)
            sound.writeframes(bytes(16000))
        frames = [Image.new("RGB", (20, 10), (each * 50, 0, 0)) for each in range(4)]
        frames[0].save(os.path.join(folder, "moves.gif"), save_all=True, append_images=frames[1:], duration=100)
        told = ", ".join(f"{name}={value!r}" for name, value in sorted(inputs.items()))
        place = {"subfolder": "", "type": "output"}
        return {"ui": {
            "text": [told],
            "audio": [{"filename": "beep.wav", **place}],
            "images": [{"filename": "moves.gif", **place}],
            "animated": (True,),
        }}

NODE_CLASS_MAPPINGS = {"Kinds": Kinds}
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Generator[Page]:
    """The canvas with a node of all kinds, and one that gives a text."""
    expect.set_options(timeout=PATIENCE)
    base = tmp_path_factory.mktemp("widgets")
    (base / "custom_nodes" / "kinds").mkdir(parents=True)
    (base / "custom_nodes" / "kinds" / "__init__.py").write_text(_PACK)
    (base / "output").mkdir()
    (base / "output" / "older.txt").write_text("made before")
    inputs = {"strength": 0.5, "tint": "#3a7bd5", "paper": 0xFFAA00, "tags": [], "seed": 7, "flavour": "sweet"}
    kinds = {"class_type": "Kinds", "inputs": {**inputs, "name": "", "caption": ["2", 0], "made": "", "secret": 1}}
    text = {"class_type": "PrimitiveString", "inputs": {"value": "by link"}}
    with serving(base) as server, screen(server.address) as window:
        window.open()
        window.show({"1": kinds, "2": text}, "Kinds")
        yield window.page
        window.must_be_clean()


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
