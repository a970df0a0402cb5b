"""`--set NODE.INPUT=VALUE`."""

import pytest

from engine.cli.overrides import OverrideError, with_overrides
from engine.graph.graph import Graph
from engine.graph.prompt import graph_from_prompt
from nodes import built_in_registry

TYPES = built_in_registry().snapshot()


def graph() -> Graph:
    return graph_from_prompt(
        {
            "1": {"class_type": "CLIPTextEncode", "inputs": {"text": "a"}, "_meta": {"title": "Prompt v1.5"}},
            "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "b"}},
            "3:4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
            "5": {"class_type": "BatchImagesNode", "inputs": {"images.image0": ["1", 0]}},
        }
    )


@pytest.mark.parametrize(
    ("text", "id", "name", "value"),
    [
        ("1.text=a = b, 1e3", "1", "text", "a = b, 1e3"),
        ("2.text=12", "2", "text", "12"),
        ("Prompt v1.5.text=x", "1", "text", "x"),
        ("3:4.width=128", "3:4", "width", 128),
        ("EmptyLatentImage.batch_size=4", "3:4", "batch_size", 4),
        ("3:4.height=wide", "3:4", "height", "wide"),
        ("5.images.image0=null", "5", "images.image0", None),
    ],
)
def test_a_constant_is_set_by_id_title_or_class(text: str, id: str, name: str, value: object) -> None:
    before = graph()
    after = with_overrides(before, [text], TYPES)
    assert after[id].inputs[name] == value
    assert before.nodes == graph().nodes


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1.text", "write NODE.INPUT=VALUE"),
        ("text=x", "write NODE.INPUT=VALUE"),
        ("9.text=x", "no node is called '9'"),
        ("Promt v1.5.text=x", "close: 'Prompt v1.5'"),
        ("1.txt=x", "close: 'text'"),
        ("CLIPTextEncode.text=x", "any of the nodes 1, 2"),
    ],
)
def test_what_fits_nothing_is_told_with_what_is_close(text: str, told: str) -> None:
    with pytest.raises(OverrideError, match=told):
        with_overrides(graph(), [text], TYPES)
