"""What is wrong with a workflow, in words: by node and input, with what would be right."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from engine.graph.check import Verdict
from engine.graph.combos import closest
from engine.graph.graph import BadLink, Graph, Link
from engine.graph.problem import Problem
from engine.node.spec import NodeType

_RAISED = ("exception_during_validation", "exception_during_inner_validation")


def complaints(verdict: Verdict, types: Mapping[str, NodeType]) -> Iterator[str]:
    """One line per problem, the request's own first."""
    if verdict.error is not None and verdict.error.type != "prompt_outputs_failed_validation":
        yield f"{verdict.error.message} {verdict.error.details}{_unknown_class(verdict, types)}".strip()
    told: set[str] = set()
    for id, problems in verdict.node_errors.items():
        for problem in problems.problems:
            if problem.type == "dependency_cycle":  # every node of a circle has it: once is enough
                if problem.details in told:
                    continue
                told.add(problem.details)
            astray = problem.type in _RAISED and _links_astray(verdict.graph, id, types)
            line = astray or f"{_line(problem)}{_choices(problem, verdict.graph, id, types)}"
            yield f"{_node(verdict.graph, id)}: {line}"


def _links_astray(graph: Graph, id: str, types: Mapping[str, NodeType]) -> str:
    """The links of a node that lead nowhere, where these are what its check stumbled over."""
    return "; ".join(
        f"{name}: links to {where}"
        for name, value in graph[id].inputs.items()
        if isinstance(value, (Link, BadLink)) and (where := _nowhere(value, graph, types))
    )


def _nowhere(link: Link | BadLink, graph: Graph, types: Mapping[str, NodeType]) -> str:
    source, slot, *_ = [*link.as_json(), None, None]
    if not isinstance(source, str) or source not in graph:
        return f"node {source!r}, which does not exist"
    outputs = types[graph[source].type].outputs
    if isinstance(slot, int) and slot < len(outputs):
        return ""
    return f"output {slot!r} of node {source} ({graph[source].type}), which has {len(outputs)}, counted from 0"


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
