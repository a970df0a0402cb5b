"""Saved values find their widgets."""

from typing import Any

import pytest

from engine.graph.editor.saved import SavedNode
from engine.graph.editor.values import lay_out_saved

DEFINITION = {
    "input": {
        "required": {"seed": ["INT", {"control_after_generate": True}], "name": [["a", "b"], {}], "model": ["MODEL"]},
        "optional": {"text": ["STRING", {"default": "none"}], "size": ["INT", {"default": 8, "forceInput": True}]},
    },
    "input_order": {"required": ["model", "name", "seed"], "optional": ["text", "size"]},
}


def held(values: Any, named: dict[str, Any] | None = None) -> dict[str, Any]:
    node = SavedNode("1", "T", values=values, named_values=named or {})
    return {widget.name: value for widget, value in lay_out_saved(node, DEFINITION).widgets if widget.is_sent}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["b", 7, "fixed", "hi"], {"name": "b", "seed": 7, "text": "hi"}),
        (["b", 7], {"name": "b", "seed": 7, "text": "none"}),
        (["b", 7, True, "hi", "surplus", 1, 2], {"name": "b", "seed": 7, "text": "hi"}),
        (["gone.safetensors", "7", "fixed", None], {"name": "gone.safetensors", "seed": "7", "text": ""}),
        ([None, 2**64 - 1, "fixed", "hi"], {"name": "a", "seed": 2**64 - 1, "text": "hi"}),
        ({"text": "hi", "name": "b", "preview": {}}, {"name": "b", "seed": 0, "text": "hi"}),
        ({"0": "b", "1": 7, "length": 2}, {"name": "b", "seed": 7, "text": "none"}),
        (None, {"name": "a", "seed": 0, "text": "none"}),
    ],
)
def test_values_go_to_widgets_by_position_or_by_the_names_of_an_object(values: Any, expected: dict[str, Any]) -> None:
    assert held(values) == expected


def test_names_count_only_where_positions_do_not_fit() -> None:
    named = {"text": "by name", "name": "b"}
    assert held(["a", 1, "fixed", "by position"], named)["text"] == "by position"
    assert held(["a", 1], named) == {"name": "b", "seed": 0, "text": "by name"}


def test_dummies_that_old_editors_saved_for_forced_sockets_are_dropped() -> None:
    definition = {"input": {"required": {"width": ["INT", {"forceInput": True}], "text": ["STRING", {}]}}}
    layout = lay_out_saved(SavedNode("1", "T", values=[512, "hi"]), definition)
    assert [value for _, value in layout.widgets] == ["hi"]


def test_samplers_lose_the_prefix_that_old_files_give_them() -> None:
    definition = {"input": {"required": {"sampler_name": [["euler"], {}]}}}
    layout = lay_out_saved(SavedNode("1", "KSampler", values=["sample_euler"]), definition)
    assert [value for _, value in layout.widgets] == ["euler"]
