"""A saved workflow joined with the definitions: what each node is, its slots as they are now, and its values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from engine.graph.editor.layout import Definition, Widget
from engine.graph.editor.saved import INPUTS, SavedGraph, SavedNode, SavedWorkflow, Slot, Source
from engine.graph.editor.values import lay_out_saved

PRIMITIVE = "PrimitiveNode"
SETTER, GETTER = "SetNode", "GetNode"

_OF_THE_EDITOR = frozenset({"Note", "MarkdownNote", "Reroute", PRIMITIVE})
_OF_PACKS = frozenset(
    {SETTER, GETTER, "Reroute (rgthree)", "Label (rgthree)", "Bookmark (rgthree)", "Fast Muter (rgthree)",
     "Fast Bypasser (rgthree)", "Fast Groups Muter (rgthree)", "Fast Groups Bypasser (rgthree)"}
)  # fmt: skip


class Kind(Enum):
    """What a node is to the conversion."""

    STEP = auto()  # it is executed
    HOST = auto()  # it stands for a subgraph
    EDITOR_ONLY = auto()  # it decorates, or passes on what it is fed
    UNKNOWN = auto()  # its type is not installed


@dataclass(frozen=True)
class Node:
    """A node ready for conversion. The inputs of a host are those of its subgraph, in the subgraph's order."""

    saved: SavedNode
    kind: Kind
    title: str
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]
    widgets: tuple[tuple[Widget, Any], ...] = ()

    @property
    def id(self) -> str:
        return self.saved.id

    @property
    def type(self) -> str:
        return self.saved.type

    def input_of_widget(self, name: str) -> Slot | None:
        return next((slot for slot in self.inputs if slot.widget == name), None)


@dataclass(frozen=True)
class FittedGraph:
    """A graph of such nodes. `targets`: where the edges from a source end, as node and index of the input."""

    saved: SavedGraph
    nodes: Mapping[str, Node]
    targets: Mapping[Source, tuple[tuple[Node, int], ...]]

    def fed_by(self, node: str) -> list[tuple[Node, int]]:
        """The inputs that any output of a node feeds."""
        return [target for source, targets in self.targets.items() if source.node == node for target in targets]


@dataclass(frozen=True)
class FittedWorkflow:
    """`promoted`: the inputs of subgraphs, by id and index, that end on a widget: their hosts have a widget too."""

    root: FittedGraph
    subgraphs: Mapping[str, FittedGraph]
    promoted: frozenset[tuple[str, int]]


def fit(workflow: SavedWorkflow, definitions: Mapping[str, Definition]) -> FittedWorkflow:
    """Join a workflow with the definitions of its types."""
    subgraphs = {id: _fit_graph(graph, workflow, definitions) for id, graph in workflow.subgraphs.items()}
    root = _fit_graph(workflow.root, workflow, definitions)
    return FittedWorkflow(root, subgraphs, _promoted(subgraphs))


def _fit_graph(graph: SavedGraph, workflow: SavedWorkflow, definitions: Mapping[str, Definition]) -> FittedGraph:
    nodes = {id: _fit_node(node, workflow, definitions) for id, node in graph.nodes.items()}
    targets: dict[Source, list[tuple[Node, int]]] = {}
    for node in nodes.values():
        for index, slot in enumerate(node.inputs):
            if slot.source is not None:
                targets.setdefault(slot.source, []).append((node, index))
    return FittedGraph(graph, nodes, {source: tuple(found) for source, found in targets.items()})


def _fit_node(node: SavedNode, workflow: SavedWorkflow, definitions: Mapping[str, Definition]) -> Node:
    subgraph, definition = workflow.subgraphs.get(node.type), definitions.get(node.type)
    if subgraph is not None:
        outputs = subgraph.outputs
        return Node(node, Kind.HOST, node.title or subgraph.name, _host_inputs(node, subgraph), outputs)
    if node.type in _OF_THE_EDITOR or (node.type in _OF_PACKS and definition is None):
        return Node(node, Kind.EDITOR_ONLY, node.title or node.type, node.inputs, node.outputs)
    if definition is None:
        return Node(node, Kind.UNKNOWN, node.title or node.type, node.inputs, node.outputs)
    layout = lay_out_saved(node, {"name": node.type, **definition})
    title = node.title or str(definition.get("display_name") or node.type)
    inputs, outputs = _inputs(node, layout.slots), _outputs(node, definition)
    return Node(node, Kind.STEP, title, inputs, outputs, layout.widgets)


def _inputs(node: SavedNode, fresh: Iterable[Slot]) -> tuple[Slot, ...]:
    """The definition's slots with the file's links, then the slots that only the file has.

    Names join the two, never positions. A slot of a widget that the definition no longer has is dropped.
    """
    saved = {slot.name: slot for slot in reversed(node.inputs)}
    joined = [replace(slot, source=saved[slot.name].source) if slot.name in saved else slot for slot in fresh]
    known = {slot.name for slot in joined}
    return (*joined, *(slot for slot in node.inputs if slot.name not in known and slot.widget is None))


def _outputs(node: SavedNode, definition: Definition) -> tuple[Slot, ...]:
    """The definition's outputs; where they take their type from what is connected, the file knows it."""
    types: Any = definition.get("output") or ()
    fresh = [Slot(str(type), str(type) if isinstance(type, str) else "COMBO") for type in types]
    joined = [
        node.outputs[index] if slot.type == "COMFY_MATCHTYPE_V3" and index < len(node.outputs) else slot
        for index, slot in enumerate(fresh)
    ]
    return (*joined, *node.outputs[len(fresh) :])


def _host_inputs(node: SavedNode, subgraph: SavedGraph) -> tuple[Slot, ...]:
    """The subgraph's inputs with the host's links, matched by name and type, then by name."""
    exact = {(slot.name, slot.type): slot for slot in reversed(node.inputs)}
    by_name = {slot.name: slot for slot in reversed(node.inputs)}
    joined: list[Slot] = []
    for slot in subgraph.inputs:
        saved = exact.get((slot.name, slot.type)) or by_name.get(slot.name)
        joined.append(replace(slot, source=saved.source if saved else None))
    return tuple(joined)


def _promoted(subgraphs: Mapping[str, FittedGraph]) -> frozenset[tuple[str, int]]:
    """Inputs that end on a widget, and inputs that end on such an input of a host inside."""
    ending: list[tuple[str, int]] = []
    before: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for id, graph in subgraphs.items():
        for source, targets in graph.targets.items():
            for node, index in targets if source.node == INPUTS else ():
                if node.kind is Kind.HOST:
                    before.setdefault((node.type, index), []).append((id, source.slot))
                elif node.inputs[index].widget is not None:
                    ending.append((id, source.slot))
    promoted: set[tuple[str, int]] = set()
    while ending:
        found = ending.pop()
        if found not in promoted:
            promoted.add(found)
            ending.extend(before.get(found, ()))
    return frozenset(promoted)
