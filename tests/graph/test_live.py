import pytest

from engine.graph.graph import Link
from engine.graph.live import DuplicateNodeError, DynamicPrompt, NodeNotFoundError
from engine.graph.prompt import graph_from_prompt

PROMPT = {
    "1": {"class_type": "A", "inputs": {"x": 1}},
    "2": {"class_type": "B", "inputs": {"y": ["1", 0], "z": {"__value__": [1, 2]}}},
}


def live() -> DynamicPrompt:
    return DynamicPrompt(graph_from_prompt(PROMPT))


def test_nodes_are_dicts_in_api_format() -> None:
    prompt = live()
    assert prompt.get_node("2") == PROMPT["2"]
    assert prompt.get_original_prompt() == PROMPT
    assert prompt.all_node_ids() == {"1", "2"}
    with pytest.raises(NodeNotFoundError, match="Node 3 not found"):
        prompt.get_node("3")


def test_added_nodes_are_found_but_are_no_part_of_the_prompt() -> None:
    prompt = live()
    raw = {"class_type": "C", "inputs": {"link": ["1", 0.0], "list": [1, 2, 3], "bad": ["1", 0.5]}}
    prompt.add_ephemeral_node("2.0.0.1", raw, "2", None)
    assert prompt.has_node("2.0.0.1")
    assert prompt.get_node("2.0.0.1") is raw
    assert dict(prompt.node("2.0.0.1").inputs) == {"link": Link("1", 0), "list": [1, 2, 3], "bad": ["1", 0.5]}
    assert "2.0.0.1" not in prompt.get_original_prompt()
    with pytest.raises(DuplicateNodeError, match=r"Attempt to add duplicate node 2\.0\.0\.1"):
        prompt.add_ephemeral_node("2.0.0.1", raw, "2", None)


def test_parents_lead_to_the_real_node_and_displays_to_the_shown_one() -> None:
    prompt = live()
    raw = {"class_type": "C", "inputs": {}}
    prompt.add_ephemeral_node("a", raw, "2", None)
    prompt.add_ephemeral_node("b", raw, "a", None)
    prompt.add_ephemeral_node("c", raw, "b", "1")
    prompt.add_ephemeral_node("self", raw, "2", "self")
    assert [prompt.get_parent_node_id(id) for id in ("2", "a", "b")] == [None, "2", "a"]
    assert [prompt.get_real_node_id(id) for id in ("2", "a", "c")] == ["2", "2", "2"]
    assert [prompt.get_display_node_id(id) for id in ("2", "b", "c", "self")] == ["2", "2", "1", "self"]


def test_deep_nesting_needs_no_recursion() -> None:
    prompt = live()
    raw = {"class_type": "C", "inputs": {}}
    for index in range(20_000):
        prompt.add_ephemeral_node(f"n{index}", raw, f"n{index - 1}" if index else "2", None)
    assert prompt.get_real_node_id("n19999") == prompt.get_display_node_id("n19999") == "2"
