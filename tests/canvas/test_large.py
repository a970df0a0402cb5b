"""A graph of 500 nodes: drawn from afar as boxes, and near as ever."""

import json

import pytest

from tests.canvas.large_graph import large_graph
from tests.canvas.screen import BUILT, CHROMIUM, WHY_NOT, Screen

pytestmark = pytest.mark.skipif(not (BUILT and CHROMIUM.is_file()), reason=WHY_NOT)
_ZOOM = "() => new DOMMatrix(getComputedStyle(document.querySelector('.react-flow__viewport')).transform).a"
# How far the beginnings of links in sight lie from the nearest socket, in pixels.
_LOOSE_ENDS = """() => {
    const scale = new DOMMatrix(getComputedStyle(document.querySelector(".react-flow__viewport")).transform)
    const {x, y, width, height} = document.querySelector(".react-flow").getBoundingClientRect()
    const sockets = [...document.querySelectorAll(".react-flow__handle.source")].map(each => {
        const box = each.getBoundingClientRect()
        return [box.right - x, box.y + box.height / 2 - y]
    })
    return [...document.querySelectorAll(".react-flow__edge-path")].flatMap(path => {
        const start = path.getPointAtLength(0)
        const at = new DOMPoint(start.x, start.y).matrixTransform(scale)
        if (at.x < 0 || at.x > width || at.y < 0 || at.y > height) return []
        return [Math.min(...sockets.map(([sx, sy]) => Math.hypot(sx - at.x, sy - at.y)))]
    })
}"""


def test_a_large_graph_is_seen_whole_moved_from_afar_and_read_near(window: Screen) -> None:
    text = json.dumps(large_graph(100)).encode()
    window.drop("large.json", "application/json", text)
    window.page.wait_for_function("() => document.querySelectorAll('.node.afar').length === 501")
    node = window.page.locator(".node.afar", has_text="KSampler").nth(30)
    before = node.bounding_box()
    assert before is not None
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
    window.page.mouse.move(x, y)
    window.page.mouse.down()
    window.page.mouse.move(x + 40, y + 30, steps=5)
    window.page.mouse.up()
    after = node.bounding_box()
    assert after is not None
    assert 30 <= after["x"] - before["x"] <= 41  # the first step but begins the drag
    assert 22 <= after["y"] - before["y"] <= 31

    window.page.mouse.move(800, 450)
    while window.page.locator(".node.afar").count() > 0:
        window.page.mouse.wheel(0, -100)
        window.page.wait_for_timeout(50)
    window.page.locator(".node textarea").first.wait_for()
    window.page.wait_for_timeout(500)
    loose = window.page.evaluate(_LOOSE_ENDS)
    assert len(loose) > 20
    assert max(loose) < 3

    window.page.locator(".node textarea").first.hover()
    zoom = window.page.evaluate(_ZOOM)
    window.page.mouse.wheel(0, -60)  # over a text that nobody edits
    window.page.wait_for_function(f"before => ({_ZOOM})() > before", arg=zoom)
