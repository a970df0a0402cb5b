"""`--set NODE.INPUT=VALUE`: constants of a graph, changed from the command line."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from engine.graph.graph import Graph, Node
from engine.node.spec import NodeType


class OverrideError(ValueError):
    """A `--set` that fits nothing; the text says what it could have meant."""


def with_overrides(graph: Graph, sets: Iterable[str], types: Mapping[str, NodeType]) -> Graph:
    """The graph with each `NODE.INPUT=VALUE` applied. NODE is an id, a title, or a class that only one node has."""
    nodes = dict(graph.nodes)
    for text in sets:
        target, equals, value = text.partition("=")
        if not equals or "." not in target:
            raise OverrideError(f"--set {text!r}: write NODE.INPUT=VALUE, such as 5.seed=42")
        node, name = _addressed(graph, target, types)
        constant = _constant(value, name, types.get(node.type))
        nodes[node.id] = replace(nodes[node.id], inputs={**nodes[node.id].inputs, name: constant})
    return Graph(nodes)


def _addressed(graph: Graph, target: str, types: Mapping[str, NodeType]) -> tuple[Node, str]:
    """The node and input that `NODE.INPUT` means. Titles and input names may hold dots: every split is tried."""
    for key, name in _splits(target):
        found = _nodes_called(graph, key)
        if len(found) > 1:
            ids = ", ".join(node.id for node in found)
            raise OverrideError(f"--set {target}: {key!r} could be any of the nodes {ids}; give the id")
        if found:
            (node,) = found
            known = _input_names(node, types.get(node.type))
            if name not in known:
                hint = _hint(name, known)
                raise OverrideError(f"--set {target}: node {node.id} ({node.type}) has no input {name!r}{hint}")
            return node, name
    names = [*graph, *(node.title for node in graph.nodes.values() if node.title)]
    key = target.rpartition(".")[0]
    raise OverrideError(f"--set {target}: no node is called {key!r}{_hint(key, names)}")


def _splits(target: str) -> Iterator[tuple[str, str]]:
    parts = target.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        yield ".".join(parts[:cut]), ".".join(parts[cut:])


def _nodes_called(graph: Graph, key: str) -> list[Node]:
    if key in graph:
        return [graph[key]]
    titled = [node for node in graph.nodes.values() if node.title == key]
    return titled or [node for node in graph.nodes.values() if node.type == key]


def _input_names(node: Node, type_: NodeType | None) -> list[str]:
    declared = [each.name for each in type_.inputs if each.section != "hidden"] if type_ else []
    return list(dict.fromkeys([*declared, *node.inputs]))


def _constant(value: str, name: str, type_: NodeType | None) -> Any:
    """Text inputs take the value as it is written; the others take it as JSON, or as text if it is none."""
    declared = type_.input(name) if type_ else None
    if declared is not None and declared.type == "STRING":
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _hint(wrong: str, names: Iterable[str]) -> str:
    names = list(names)
    close = get_close_matches(wrong, names, n=3, cutoff=0.5)
    if close:
        return f"; close: {', '.join(map(repr, close))}"
    return f"; there are {', '.join(map(repr, names[:12]))}" if names else ""
