"""API format (`{id: {class_type, inputs}}`) to Graph, and back."""

from collections.abc import Mapping
from typing import Any

from engine.graph.graph import BadLink, Graph, Link, Node

WRAP = "__value__"


class PromptError(Exception):
    """A prompt that is no graph: the error as clients get it, before any node is looked at."""

    def __init__(self, type: str, message: str, details: str, extra_info: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{message} {details}".strip())
        self.type = type
        self.message = message
        self.details = details
        self.extra_info = dict(extra_info or {})

    def as_json(self) -> dict[str, Any]:
        return {"type": self.type, "message": self.message, "details": self.details, "extra_info": self.extra_info}


def graph_from_prompt(prompt: Any) -> Graph:
    """Read a prompt. Raises PromptError for what cannot be a graph; values are checked later, against node types."""
    if not isinstance(prompt, Mapping):
        got = type(prompt).__name__
        raise PromptError("invalid_prompt", "A prompt is an object of nodes.", f"got {got}")
    return Graph({str(id): node_from_json(str(id), raw) for id, raw in prompt.items()})


def node_from_json(id: str, raw: Any) -> Node:
    """Read one node of a prompt."""
    if not isinstance(raw, Mapping):
        got = type(raw).__name__
        raise PromptError(
            "invalid_prompt", "A node is an object with class_type and inputs.", f"Node ID '#{id}': {got}"
        )
    if not isinstance(raw.get("class_type"), str):
        message = "Cannot execute because a node is missing the class_type property."
        raise PromptError("invalid_prompt", message, f"Node ID '#{id}'")
    inputs = raw.get("inputs", {})
    if not isinstance(inputs, Mapping):
        got = type(inputs).__name__
        raise PromptError("invalid_prompt", "The inputs of a node are an object.", f"Node ID '#{id}': {got}")
    meta = raw.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    values = {name: _value(value) for name, value in inputs.items()}
    return Node(id, raw["class_type"], values, title if isinstance(title, str) else None, raw.get("is_changed"))


def prompt_from_graph(graph: Graph) -> dict[str, Any]:
    """The API format of a graph, with its constants as they are now (coerced, if the graph was checked)."""
    return {id: node_as_json(node) for id, node in graph.nodes.items()}


def node_as_json(node: Node) -> dict[str, Any]:
    raw: dict[str, Any] = {"class_type": node.type, "inputs": {k: _json(v) for k, v in node.inputs.items()}}
    if node.title is not None:
        raw["_meta"] = {"title": node.title}
    if node.is_changed is not None:
        raw["is_changed"] = node.is_changed
    return raw


def is_link(value: Any) -> bool:
    """Whether a raw value is a link to the executor: a list of an id and a slot number."""
    return (
        isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], (int, float))
    )


def _value(raw: Any) -> Any:
    if isinstance(raw, list):
        is_exact = is_link(raw) and isinstance(raw[1], int)
        return Link(raw[0], int(raw[1])) if is_exact else BadLink(tuple(raw))
    if isinstance(raw, Mapping) and set(raw) == {WRAP}:
        return raw[WRAP]
    return raw


def _json(value: Any) -> Any:
    if isinstance(value, (Link, BadLink)):
        return value.as_json()
    return {WRAP: value} if isinstance(value, list) else value
