import pytest

from engine.graph.graph import Graph, Link, Node
from engine.graph.plan import make_plan
from engine.graph.prompt import graph_from_prompt


def blurred() -> Graph:
    return graph_from_prompt(
        {
            "1": {"class_type": "Load", "inputs": {}},
            "2": {"class_type": "Blur", "inputs": {"image": ["1", 0]}},
            "3": {"class_type": "Save", "inputs": {"image": ["2", 0]}},
            "9": {"class_type": "Load", "inputs": {}},
        }
    )


def test_plan_leaves_out_what_is_done_and_what_nobody_wants() -> None:
    assert [step.id for step in make_plan(blurred(), {"3"}).steps] == ["1", "2", "3"]
    assert [step.id for step in make_plan(blurred(), {"3"}, done={"2"}).steps] == ["3"]


def test_outputs_keep_the_order_of_the_graph() -> None:
    assert make_plan(blurred(), ["9", "3"]).outputs == ("3", "9")


def test_output_that_is_not_in_the_graph_is_named() -> None:
    with pytest.raises(KeyError, match="not in the graph: 7"):
        make_plan(blurred(), ["7"])


def test_links_to_nowhere_and_in_circles_are_passed_over() -> None:
    nodes = {
        "a": Node("a", "T", {"x": Link("b", 0), "y": Link("gone", 0)}),
        "b": Node("b", "T", {"x": Link("a", 0)}),
    }
    assert [step.id for step in make_plan(Graph(nodes), ["a"]).steps] == ["b", "a"]


def test_long_chains_need_no_recursion() -> None:
    nodes = {str(i): Node(str(i), "T", {"x": Link(str(i - 1), 0)} if i else {}) for i in range(20_000)}
    assert len(make_plan(Graph(nodes), ["19999"]).steps) == 20_000
