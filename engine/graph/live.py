"""The graph of a run while it runs: the prompt's nodes, and those that nodes put there by expanding.

Packs know this object as `DynamicPrompt` and walk it to build loops; to them nodes are dicts in API format. Each
question costs the same however deep expansions are nested.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from engine.graph.graph import BadLink, Graph, Link, Node
from engine.graph.prompt import is_link, node_as_json, node_from_json, prompt_from_graph


class NodeNotFoundError(Exception):
    """A node id that the live graph does not have."""

    known_as = "comfy_execution.graph.NodeNotFoundError"


class NodeInputError(Exception):
    """A node that asks for an input which cannot be evaluated for it."""

    known_as = "comfy_execution.graph.NodeInputError"


class DuplicateNodeError(Exception):
    """An expansion that uses a node id for the second time."""

    known_as = "execution.DuplicateNodeError"


class DependencyCycleError(Exception):
    """Nodes that wait for each other in a circle."""

    known_as = "graph.DependencyCycleError"


class DynamicPrompt:
    """The prompt's nodes and the ephemeral ones; nodes are added, never changed or removed."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._ephemeral: dict[str, Node] = {}
        self._json: dict[str, dict[str, Any]] = {}
        self._real: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        self.ephemeral_prompt: dict[str, Mapping[str, Any]] = {}
        self.ephemeral_parents: dict[str, str] = {}
        self.ephemeral_display: dict[str, str] = {}

    @cached_property
    def original_prompt(self) -> dict[str, Any]:
        """The submitted prompt in API format, with its constants as the checker left them."""
        return prompt_from_graph(self._graph)

    def get_original_prompt(self) -> dict[str, Any]:
        return self.original_prompt

    def find(self, id: str) -> Node | None:
        """The node of this id, or None."""
        return self._ephemeral.get(id) or self._graph.nodes.get(id)

    def node(self, id: str) -> Node:
        """The node of this id. Raises NodeNotFoundError."""
        if (found := self.find(id)) is None:
            msg = f"Node {id} not found"
            raise NodeNotFoundError(msg)
        return found

    def get_node(self, node_id: str) -> Mapping[str, Any]:
        """The node in API format. Raises NodeNotFoundError."""
        if node_id in self.ephemeral_prompt:
            return self.ephemeral_prompt[node_id]
        if node_id not in self._json:
            self._json[node_id] = node_as_json(self.node(node_id))
        return self._json[node_id]

    def has_node(self, node_id: str) -> bool:
        return node_id in self._ephemeral or node_id in self._graph

    def is_ephemeral(self, id: str) -> bool:
        return id in self._ephemeral

    def all_node_ids(self) -> set[str]:
        return {*self._graph, *self._ephemeral}

    def add_ephemeral_node(
        self, node_id: str, node_info: Mapping[str, Any], parent_id: str, display_id: str | None
    ) -> None:
        """Put a node there on behalf of `parent_id`, shown to clients as `display_id`.

        Nothing is checked but its shape. Raises DuplicateNodeError, or PromptError for what is no node.
        """
        if self.has_node(node_id):
            msg = f"Attempt to add duplicate node {node_id}. Give each node of an expansion an id of its own."
            raise DuplicateNodeError(msg)
        node = node_from_json(node_id, node_info)
        self._ephemeral[node_id] = Node(
            node.id, node.type, {k: _unchecked(v) for k, v in node.inputs.items()}, node.title, node.is_changed
        )
        self.ephemeral_prompt[node_id] = node_info
        self.ephemeral_parents[node_id] = parent_id
        self.ephemeral_display[node_id] = parent_id if display_id is None else display_id
        self._real[node_id] = self._real.get(parent_id, parent_id)

    def get_parent_node_id(self, node_id: str) -> str | None:
        """The node whose expansion put this one there; None for the prompt's own."""
        return self.ephemeral_parents.get(node_id)

    def get_real_node_id(self, node_id: str) -> str:
        """The prompt's node that this one works for, through all expansions."""
        return self._real.get(node_id, node_id)

    def get_display_node_id(self, node_id: str) -> str:
        """The node that clients show instead of this one."""
        path: list[str] = []
        seen: set[str] = set()
        shown = node_id
        while shown in self.ephemeral_display and shown not in self._shown and shown not in seen:
            path.append(shown)
            seen.add(shown)
            shown = self.ephemeral_display[shown]
        shown = self._shown.get(shown, shown)
        self._shown.update(dict.fromkeys(path, shown))
        return shown


def _unchecked(value: Any) -> Any:
    """Inputs of expansions pass no checker: a list that is no link is a constant here."""
    if not isinstance(value, BadLink):
        return value
    raw = list(value.raw)
    return Link(raw[0], int(raw[1])) if is_link(raw) and float(raw[1]).is_integer() else raw
