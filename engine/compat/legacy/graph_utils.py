"""The module that packs import as `comfy_execution.graph_utils`: building the graphs that nodes expand into."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from engine.graph.prompt import is_link as is_link
from engine.node.context import Executing, executing
from engine.node.spec import ExecutionBlocker as ExecutionBlocker


@dataclass(frozen=True)
class _Prefix:
    """The parts that ids begin with, and the node call for which they hold."""

    call: Executing | None
    root: str
    call_index: int
    graph_index: int = 0


# Local to the context: calls of other nodes, also of async ones in between, never see it.
_PREFIX: ContextVar[_Prefix | None] = ContextVar("prefix", default=None)


def _prefix() -> _Prefix:
    """The prefix of the node call that is running; each call starts its count of graphs anew, so ids are repeatable."""
    call, known = executing(), _PREFIX.get()
    if known is not None and known.call is call:
        return known
    return _Prefix(call, call.node_id if call else "", (call.list_index or 0) if call else 0)


class Node:
    """A node of a graph that is being built."""

    def __init__(self, id: str, class_type: str, inputs: dict[str, Any]) -> None:
        self.id = id
        self.class_type = class_type
        self.inputs = inputs
        self.override_display_id: str | None = None

    def out(self, index: int) -> list[Any]:
        """A link to an output slot of this node."""
        return [self.id, index]

    def set_input(self, key: str, value: Any) -> None:
        """Set an input; None takes it away."""
        if value is None:
            self.inputs.pop(key, None)
        else:
            self.inputs[key] = value

    def get_input(self, key: str) -> Any:
        return self.inputs.get(key)

    def set_override_display_id(self, override_display_id: str) -> None:
        """Have clients show this node as another one."""
        self.override_display_id = override_display_id

    def serialize(self) -> dict[str, Any]:
        """The node in API format."""
        shown = {} if self.override_display_id is None else {"override_display_id": self.override_display_id}
        return {"class_type": self.class_type, "inputs": self.inputs, **shown}


class GraphBuilder:
    """Builds a graph in API format under ids that no other node has, and that are the same in every run."""

    def __init__(self, prefix: str | None = None) -> None:
        self.prefix = self.alloc_prefix() if prefix is None else prefix
        self.nodes: dict[str, Node] = {}
        self.id_gen = 1

    @classmethod
    def set_default_prefix(cls, prefix_root: str, call_index: int, graph_index: int = 0) -> None:
        """Choose the parts of the prefix for the rest of this node call."""
        _PREFIX.set(_Prefix(executing(), prefix_root, call_index, graph_index))

    @classmethod
    def alloc_prefix(
        cls, root: str | None = None, call_index: int | None = None, graph_index: int | None = None
    ) -> str:
        """A fresh prefix, from the given parts or else those of the running call."""
        mine = _prefix()
        _PREFIX.set(replace(mine, graph_index=mine.graph_index + 1))
        parts = (
            mine.root if root is None else root,
            mine.call_index if call_index is None else call_index,
            mine.graph_index if graph_index is None else graph_index,
        )
        return "".join(f"{part}." for part in parts)

    def node(self, class_type: str, id: str | None = None, **inputs: Any) -> Node:
        """Add a node; one whose id is there already is returned as it is."""
        if id is None:
            id = str(self.id_gen)
            self.id_gen += 1
        full = f"{self.prefix}{id}"
        return self.nodes.setdefault(full, Node(full, class_type, inputs))

    def lookup_node(self, id: str) -> Node | None:
        return self.nodes.get(f"{self.prefix}{id}")

    def remove_node(self, id: str) -> None:
        """Take a node away. Raises KeyError."""
        del self.nodes[f"{self.prefix}{id}"]

    def replace_node_output(self, node_id: str, index: int, new_value: Any) -> None:
        """Give another value to all inputs that use an output; None takes these inputs away."""
        link = [f"{self.prefix}{node_id}", index]
        for node in self.nodes.values():
            for key in [key for key, value in node.inputs.items() if is_link(value) and list(value) == link]:
                node.set_input(key, new_value)

    def finalize(self) -> dict[str, Any]:
        """The graph in API format."""
        return {id: node.serialize() for id, node in self.nodes.items()}


def add_graph_prefix(
    graph: Mapping[str, Mapping[str, Any]], outputs: Any, prefix: str
) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Put a prefix before all ids of a graph and its output links; only class_type and inputs are kept."""

    def moved(value: Any) -> Any:
        return [f"{prefix}{value[0]}", value[1]] if is_link(value) else value

    nodes = {
        f"{prefix}{id}": {
            "class_type": node["class_type"],
            "inputs": {name: moved(value) for name, value in node.get("inputs", {}).items()},
        }
        for id, node in graph.items()
    }
    return nodes, tuple(moved(output) for output in outputs)
