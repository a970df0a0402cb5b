"""What is wrong with a workflow, in words: by node and input, with what would be right."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from engine.graph.check import Verdict
from engine.graph.combos import closest
from engine.graph.graph import Graph
from engine.graph.problem import Problem
from engine.node.spec import NodeType


def complaints(verdict: Verdict, types: Mapping[str, NodeType]) -> Iterator[str]:
    """One line per problem, the request's own first."""
    if verdict.error is not None and verdict.error.type != "prompt_outputs_failed_validation":
        yield f"{verdict.error.message} {verdict.error.details}{_unknown_class(verdict, types)}".strip()
    for id, problems in verdict.node_errors.items():
        for problem in problems.problems:
            yield f"{_node(verdict.graph, id)}: {_line(problem)}{_choices(problem, verdict.graph, id, types)}"


def _node(graph: Graph, id: str) -> str:
    node = graph[id]
    named = f"{node.type}, {node.title!r}" if node.title and node.title != node.type else node.type
    return f"node {id} ({named})"


def _line(problem: Problem) -> str:
    name = problem.extra_info.get("input_name")
    if problem.details == name:
        return f"{name}: {problem.message}"
    return f"{problem.message}: {problem.details}"


def _choices(problem: Problem, graph: Graph, id: str, types: Mapping[str, NodeType]) -> str:
    """For a value that is not offered: the closest that are."""
    if problem.type != "value_not_in_list":
        return ""
    declared = types[graph[id].type].input(problem.extra_info["input_name"])
    choices = (declared.choices if declared else None) or ()
    if not choices:
        return "; nothing is offered: the folder that holds these files is empty"
    close = closest(problem.extra_info["received_value"], choices)
    return f"; close: {', '.join(map(repr, close))}" if close else ""


def _unknown_class(verdict: Verdict, types: Mapping[str, NodeType]) -> str:
    unknown = [node.type for node in verdict.graph.nodes.values() if node.type not in types]
    close = get_close_matches(unknown[0], list(types), n=3, cutoff=0.6) if unknown else []
    return f"; close: {', '.join(close)}" if close else ""
