"""Saved workflows become prompts: what the pairs of workflows and prompts do not show."""

from datetime import datetime
from typing import Any

import pytest

from engine.graph.editor.trouble import MissingTypes, WorkflowError
from engine.graph.editor_file import prompt_from_workflow

DEFINITIONS: dict[str, Any] = {
    "Load": {"input": {"required": {"file": ["STRING", {}]}}, "output": ["IMAGE"], "display_name": "Load it"},
    "Blur": {
        "input": {"required": {"image": ["IMAGE"], "radius": ["FLOAT", {"default": 1.0, "step": 0.1}]}},
        "output": ["IMAGE"],
    },
    "SaveImage": {
        "input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING", {}]}},
        "output": [],
        "output_node": True,
    },
}


def node(id: int | str, type: str, links: dict[str, int] | None = None, **more: Any) -> dict[str, Any]:
    """A node whose inputs are linked by name; of a name `x!` the input belongs to the widget x."""
    inputs: list[dict[str, Any]] = []
    for name, link in (links or {}).items():
        widget = {"widget": {"name": name[:-1]}} if name.endswith("!") else {}
        inputs.append({"name": name.rstrip("!"), "type": "*", "link": link, **widget})
    return {"id": id, "type": type, "inputs": inputs, **more}


def workflow(nodes: list[dict[str, Any]], links: list[list[Any]], subgraphs: list[Any] | None = None) -> dict[str, Any]:
    return {"nodes": nodes, "links": links, "version": 0.4, "definitions": {"subgraphs": subgraphs or []}}


def link(id: int, origin: int, slot: int, target: int, target_slot: int = 0) -> dict[str, Any]:
    return {"id": id, "origin_id": origin, "origin_slot": slot, "target_id": target, "target_slot": target_slot}


def inputs_of(prompt: dict[str, Any]) -> dict[str, Any]:
    return {id: entry["inputs"] for id, entry in prompt.items()}


def blur_inside(**more: Any) -> dict[str, Any]:
    """A subgraph: an image and a radius go in, a blurred image comes out."""
    return {
        "id": "blurring",
        "name": "Blurring",
        "inputs": [{"name": "picture", "type": "IMAGE"}, {"name": "amount", "type": "FLOAT"}],
        "outputs": [{"name": "IMAGE", "type": "IMAGE", "linkIds": [3]}],
        "nodes": [node(7, "Blur", {"image": 1, "radius!": 2}, widgets_values=[2.5])],
        "links": [link(1, -10, 0, 7), link(2, -10, 1, 7, 1), link(3, 7, 0, -20)],
        **more,
    }


def test_titles_are_the_saved_ones_or_those_of_the_type() -> None:
    prompt = prompt_from_workflow(workflow([node(1, "Load"), node(2, "Load", title="Mine")], []), DEFINITIONS)
    assert [entry["_meta"]["title"] for entry in prompt.values()] == ["Load it", "Mine"]


def test_a_host_gives_its_values_to_the_inside_of_its_subgraph() -> None:
    hosts = [node(2, "blurring", {"picture": 9}, widgets_values=[4.0]), node(3, "blurring", {"picture": 9})]
    prompt = prompt_from_workflow(
        workflow([node(1, "Load"), *hosts], [[9, 1, 0, 2, 0, "IMAGE"]], [blur_inside()]), DEFINITIONS
    )
    assert inputs_of(prompt) == {
        "1": {"file": ""},
        "2:7": {"radius": 4.0, "image": ["1", 0]},
        "3:7": {"radius": 2.5, "image": ["1", 0]},
    }


def test_a_primitive_writes_into_the_widget_of_a_host() -> None:
    nodes = [node(1, "PrimitiveNode", widgets_values=[3.14159, "fixed"]), node(2, "blurring", {"amount": 9})]
    prompt = prompt_from_workflow(workflow(nodes, [[9, 1, 0, 2, 1, "FLOAT"]], [blur_inside()]), DEFINITIONS)
    assert inputs_of(prompt) == {"2:7": {"radius": 3.14159}}


def test_a_primitive_writes_floats_with_the_decimals_of_the_widget() -> None:
    nodes = [node(1, "PrimitiveNode", widgets_values=[3.14159, "fixed"]), node(2, "Blur", {"radius!": 9})]
    prompt = prompt_from_workflow(workflow(nodes, [[9, 1, 0, 2, 1, "FLOAT"]]), DEFINITIONS)
    assert inputs_of(prompt) == {"2": {"radius": 3.1}}


def test_set_and_get_nodes_are_one_wire_also_into_subgraphs() -> None:
    inside = blur_inside(nodes=[node(6, "GetNode", widgets_values=["x"]), node(7, "Blur", {"image": 1})])
    inside["links"] = [link(1, 6, 0, 7)]
    nodes = [
        node(1, "Load"),
        node(2, "SetNode", {"IMAGE": 8}, widgets_values=["x"]),
        node(3, "GetNode", widgets_values=["x"]),
        node(4, "SaveImage", {"images": 9}),
        node(5, "blurring"),
    ]
    links = [[8, 1, 0, 2, 0, "IMAGE"], [9, 3, 0, 4, 0, "IMAGE"]]
    prompt = prompt_from_workflow(workflow(nodes, links, [inside]), DEFINITIONS)
    assert prompt["4"]["inputs"]["images"] == ["1", 0]
    assert prompt["5:7"]["inputs"]["image"] == ["1", 0]


def test_lists_are_wrapped_lest_they_read_as_links() -> None:
    definitions = {"Pick": {"input": {"required": {"some": ["COMBO", {"options": ["a"], "multi_select": True}]}}}}
    prompt = prompt_from_workflow(workflow([node(1, "Pick", widgets_values=[["a", "b"]])], []), definitions)
    assert inputs_of(prompt) == {"1": {"some": {"__value__": ["a", "b"]}}}


def test_dates_and_values_of_widgets_go_into_file_names() -> None:
    text = "%date:yyyy-MM-dd%/%Mine.file%_%Load.nothing%_%width%"
    nodes = [node(1, "Load", title="Mine", widgets_values=["a/b:c"]), node(2, "SaveImage", widgets_values=[text])]
    prompt = prompt_from_workflow(workflow(nodes, []), DEFINITIONS, now=datetime(2025, 1, 2))
    assert prompt["2"]["inputs"]["filename_prefix"] == "2025-01-02/a_b_c_%Load.nothing%_%width%"


def test_seeds_beyond_doubles_stay_exact() -> None:
    definitions = {"Seed": {"input": {"required": {"seed": ["INT", {}]}}}}
    prompt = prompt_from_workflow(workflow([node(1, "Seed", widgets_values=[2**64 - 1, "fixed"])], []), definitions)
    assert prompt["1"]["inputs"]["seed"] == 2**64 - 1


def test_a_file_may_lack_whatever_it_can_do_without() -> None:
    prompt = prompt_from_workflow({"nodes": [{"id": "a", "type": "Load"}]}, DEFINITIONS)
    assert inputs_of(prompt) == {"a": {"file": ""}}


def test_missing_types_are_named_with_their_packs_unless_muted_bypassed_or_unused() -> None:
    lost = node(1, "Lost", properties={"cnr_id": "some-pack", "ver": "1.2.0"})
    save = node(2, "SaveImage", {"images": 9})
    links = [[9, 1, 0, 2, 0, "IMAGE"]]
    with pytest.raises(MissingTypes, match=r"Lost of some-pack 1\.2\.0 \(node 1\)"):
        prompt_from_workflow(workflow([lost, save], links), DEFINITIONS)
    for mode in (2, 4):
        assert set(prompt_from_workflow(workflow([{**lost, "mode": mode}, save], links), DEFINITIONS)) == {"2"}
    assert set(prompt_from_workflow(workflow([lost, node(2, "SaveImage")], []), DEFINITIONS)) == {"2"}


def test_an_unknown_type_that_may_be_an_output_is_missing_too() -> None:
    nodes = [node(1, "Load"), node(2, "SaveSomewhere", {"images": 9})]
    with pytest.raises(MissingTypes, match="SaveSomewhere"):
        prompt_from_workflow(workflow(nodes, [[9, 1, 0, 2, 0, "IMAGE"]]), DEFINITIONS)


def test_a_chain_of_ten_thousand_bypassed_nodes_and_reroutes_is_followed() -> None:
    count = 10_000
    nodes = [node(0, "Load")]
    nodes += [node(i, "Reroute", {"": i}) if i % 2 else node(i, "Blur", {"image": i}, mode=4) for i in range(1, count)]
    nodes.append(node(count, "SaveImage", {"images": count}))
    links = [[i, i - 1, 0, i, 0, "IMAGE"] for i in range(1, count + 1)]
    prompt = prompt_from_workflow(workflow(nodes, links), DEFINITIONS)
    assert prompt[str(count)]["inputs"]["images"] == ["0", 0]


def test_subgraphs_nest_as_deeply_as_they_like() -> None:
    depth = 1_500
    subgraphs = [blur_inside()]
    for level in range(depth):
        inner = f"level {level - 1}" if level else "blurring"
        shell = {"id": f"level {level}", "nodes": [node(7, inner, {"picture": 1, "amount": 2})]}
        subgraphs.append(blur_inside(**shell))
    top = node(1, f"level {depth - 1}", widgets_values=[0.5])
    prompt = prompt_from_workflow(workflow([top], [], subgraphs), DEFINITIONS)
    assert inputs_of(prompt) == {":".join(["1", *["7"] * (depth + 1)]): {"radius": 0.5}}


def test_reroutes_in_a_circle_are_an_error() -> None:
    nodes = [node(1, "Reroute", {"": 2}), node(2, "Reroute", {"": 1}), node(3, "SaveImage", {"images": 3})]
    links = [[1, 1, 0, 2, 0, "*"], [2, 2, 0, 1, 0, "*"], [3, 2, 0, 3, 0, "*"]]
    with pytest.raises(WorkflowError, match="Circular reference: what feeds 'images' of node 3"):
        prompt_from_workflow(workflow(nodes, links), DEFINITIONS)


def test_a_subgraph_in_itself_is_an_error() -> None:
    inside = blur_inside(nodes=[node(7, "blurring")])
    with pytest.raises(
        WorkflowError, match=r"Circular reference: the subgraph 'Blurring' contains itself \(node 1:7\)"
    ):
        prompt_from_workflow(workflow([node(1, "blurring")], [], [inside]), DEFINITIONS)


def test_a_group_node_in_itself_is_an_error() -> None:
    group = {"nodes": [node(0, "workflow>G")]}
    with pytest.raises(WorkflowError, match="Circular reference: the group node 'G' contains itself"):
        prompt_from_workflow(
            {**workflow([node(1, "workflow>G")], []), "extra": {"groupNodes": {"G": group}}}, DEFINITIONS
        )


def test_subgraphs_that_multiply_without_end_are_an_error() -> None:
    doubling = [
        {"id": str(level), "nodes": [node(i, str(level + 1) if level < 40 else "Load") for i in range(2)]}
        for level in range(41)
    ]
    with pytest.raises(WorkflowError, match=r"more than 100,000 nodes"):
        prompt_from_workflow(workflow([node(1, "0")], [], doubling), DEFINITIONS)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ([], "a workflow is an object with a list called nodes"),
        ({"nodes": {}}, "a workflow is an object with a list called nodes"),
        ({"nodes": [{"id": 1}]}, "A node of the workflow has no id or no type"),
        ({"nodes": [], "links": [[1, 1, "x", 2, 0, "*"]]}, "Link 1 has a slot that is no number"),
        (
            {"nodes": [node(1, "workflow>G")], "extra": {"groupNodes": {"G": {"links": [3]}}}},
            "The group node 'G' cannot be read",
        ),
    ],
)
def test_what_is_no_workflow_is_an_error(broken: Any, said: str) -> None:
    with pytest.raises(WorkflowError, match=said):
        prompt_from_workflow(broken, DEFINITIONS)
