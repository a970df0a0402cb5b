"""Nodes have the widgets and slots that the editor gives them."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.graph.editor.layout import UNSET, lay_out

# The editor counts the buttons and previews of these as sent; no node reads them, so they stay out of our prompts.
SENT_FOR_NOTHING = {"Load3D", "LoadImageOutput", "Preview3D", "SaveGLB", "WebcamCapture", "ImageCompare"}


def test_every_type_has_the_widgets_and_slots_of_the_editor(spec_dir: Path) -> None:
    layouts: dict[str, Any] = json.loads((spec_dir / "widget-layout.json").read_text("utf-8"))["nodes"]
    definitions: dict[str, Any] = json.loads((spec_dir / "object_info.json").read_text("utf-8"))
    for file in (spec_dir / "workflows").glob("*.json"):
        definitions = json.loads(file.read_text("utf-8"))["object_info"] | definitions
    compared = (layouts.keys() & definitions.keys()) - SENT_FOR_NOTHING
    assert len(compared) > 380
    for type in sorted(compared):
        layout = lay_out({"name": type, **definitions[type]})
        widgets = [[each.name, each.is_saved, each.is_sent] for each, _ in layout.widgets]
        assert widgets == [[name, *flags] for name, _, *flags in layouts[type]["widgets"]], type
        slots = [[each.name, each.type, each.widget is not None] for each in layout.slots]
        assert slots == layouts[type]["inputs"], type


def test_a_dynamic_combo_brings_the_inputs_of_the_selected_option() -> None:
    options = [
        {"key": "size", "inputs": {"required": {"width": ["INT", {}], "like": ["IMAGE", {}]}}},
        {"key": "pixels", "inputs": {"optional": {"seed": ["INT", {}]}}},
    ]
    definition = {"input": {"required": {"by": ["COMFY_DYNAMICCOMBO_V3", {"options": options}]}}}
    assert [slot.name for slot in lay_out(definition).slots] == ["by.like", "by.width", "by"]
    chosen = lay_out(definition, lambda widget: "pixels" if widget.name == "by" else widget.default)
    assert [widget.name for widget, _ in chosen.widgets] == ["by", "by.seed"]  # no control: its name is not just seed


def test_a_dynamic_group_repeats_its_fields_in_rows() -> None:
    template = {"required": {"text": ["STRING", {}], "mask": ["MASK", {}]}}
    definition = {"input": {"required": {"rows": ["COMFY_DYNAMICGROUP_V3", {"template": template, "min": 1}]}}}
    layout = lay_out(definition, lambda widget: 2 if widget.name == "rows" else widget.default)
    sent = [(widget.name, widget.is_sent) for widget, _ in layout.widgets]
    assert sent == [("rows", False), ("rows.0.text", True), ("rows.1.text", True)]
    assert [slot.name for slot in layout.slots if slot.widget is None] == ["rows.0.mask", "rows.1.mask"]


@pytest.mark.parametrize(
    ("spec", "default"),
    [
        (["INT", {"default": 3}], 3),
        (["FLOAT", {}], 0.0),
        (["STRING"], ""),
        ([["a", "b"]], "a"),
        ([[]], UNSET),
        (["COMBO", {"options": ["a", "b"], "default": "b"}], "b"),
        (["COMBO", {"options": ["a"], "multi_select": True}], []),
        (["INT", {"forceInput": True}], None),
        (["MODEL", {"widgetType": "STRING"}], ""),
    ],
)
def test_a_widget_without_a_value_holds_its_default(spec: list[Any], default: Any) -> None:
    assert [value for _, value in lay_out({"input": {"required": {"x": spec}}}).widgets] == (
        [] if default is None else [default]
    )
