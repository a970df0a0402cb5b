"""Where an input's value really comes from: through subgraphs, reroutes, set and get pairs and bypassed nodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.graph.editor.fit import GETTER, PRIMITIVE, SETTER, Kind, Node
from engine.graph.editor.layout import UNSET
from engine.graph.editor.saved import ANY, INPUTS, Slot, Source
from engine.graph.editor.scopes import Path, Scope, execution_id
from engine.graph.editor.settings import Settings
from engine.graph.editor.trouble import WorkflowError


@dataclass(frozen=True)
class Step:
    """An output of a node that is executed, or would be if its type were installed."""

    path: Path
    slot: int


@dataclass(frozen=True)
class Constant:
    """A value that a host holds for the inside of its subgraph."""

    value: Any


@dataclass(frozen=True)
class _Edge:
    """An edge on the way back: what feeds it, in which scope, and the type its consumer takes."""

    scope: Scope
    source: Source
    wanted: str


def resolve(scope: Scope, node: Node, slot: Slot, settings: Settings) -> Step | Constant | None:
    """Follow an input to what feeds it; None where nothing does. Raises WorkflowError for a loop."""
    found = _edge_into(scope, slot)
    seen: set[tuple[Path, Source]] = set()
    while isinstance(found, _Edge):
        place = (found.scope.path, found.source)
        if place in seen:
            where = execution_id(scope.path_of(node))
            raise WorkflowError(f"Circular reference: what feeds {slot.name!r} of node {where} leads back to itself.")
        seen.add(place)
        found = _step_back(found, settings)
    return found


def _step_back(edge: _Edge, settings: Settings) -> _Edge | Step | Constant | None:
    scope, source, wanted = edge.scope, edge.source, edge.wanted
    if source.node == INPUTS:
        return _out_of_subgraph(scope, source.slot, settings)
    origin = scope.graph.nodes[source.node]
    if origin.saved.is_muted:
        return None
    if origin.saved.is_bypassed:
        return _edge_into(scope, bypassed_input(origin, source.slot, wanted))
    if origin.kind is Kind.HOST:
        return _edge_into(scope.inner[origin.id], _at(origin.outputs, source.slot), wanted)
    if origin.kind is Kind.EDITOR_ONLY:
        if origin.type == GETTER:
            return _edge_to_setter(scope, origin, wanted)
        return _edge_into(scope, _at(origin.inputs, source.slot), wanted)
    return Step(scope.path_of(origin), source.slot)


def _edge_into(scope: Scope, slot: Slot | None, wanted: str | None = None) -> _Edge | None:
    """The edge that ends on a slot. The slot's own type is wanted, unless a consumer's is carried on through it."""
    return _Edge(scope, slot.source, wanted or slot.type) if slot is not None and slot.source is not None else None


def _at(slots: Sequence[Slot], index: int) -> Slot | None:
    return slots[index] if index < len(slots) else None


def _out_of_subgraph(scope: Scope, index: int, settings: Settings) -> _Edge | Constant | None:
    """From an input of a subgraph to what feeds its host, or to what the host holds where nothing is linked."""
    if scope.host is not None and scope.parent is not None:
        slot = scope.host.inputs[index]
        if slot.source is not None and not _is_primitive(scope.parent, slot.source):
            return _edge_into(scope.parent, slot)
    value = settings.of_host(scope, index)
    return None if value is UNSET else Constant(value)


def bypassed_input(node: Node, output: int, wanted: str) -> Slot | None:
    """The input that a bypassed node hands on as one of its outputs, linked or not.

    A consumer of any type gets the input of the same index, else the first. Others get the input of the same index
    if it suits both the output and the consumer, else the first of exactly the wanted type, else the first that suits.
    """
    inputs = node.inputs
    if not inputs:
        return None
    if wanted == ANY:
        return inputs[output] if output < len(inputs) else inputs[0]
    given = node.outputs[output].type if output < len(node.outputs) else ANY

    def suits(slot: Slot) -> bool:
        return are_compatible(slot.type, given) and are_compatible(slot.type, wanted)

    if output < len(inputs) and suits(inputs[output]):
        return inputs[output]
    exact = next((slot for slot in inputs if slot.type == wanted), None)
    return exact or next(filter(suits, inputs), None)


def are_compatible(a: str, b: str) -> bool:
    """Whether two slot types can be joined: any type, the same type, or one type in common."""
    if ANY in (a, b):
        return True
    return not {part.strip().lower() for part in a.split(",")}.isdisjoint(part.strip().lower() for part in b.split(","))


def _is_primitive(scope: Scope, source: Source) -> bool:
    """Primitives are no sources: they have written their value into the widgets they are linked to."""
    return source.node != INPUTS and scope.graph.nodes[source.node].type == PRIMITIVE


def _edge_to_setter(scope: Scope, getter: Node, wanted: str) -> _Edge | None:
    """To the node that set what a getter gets: in the same graph, else in the nearest graph around it."""
    name = _variable(getter)
    for around in scope.outwards():
        for node in around.graph.nodes.values():
            if node.type == SETTER and name is not None and _variable(node) == name:
                return _Edge(around, Source(node.id, 0), wanted)
    return None


def _variable(node: Node) -> Any:
    values = node.saved.values
    return values[0] if isinstance(values, list) and values else None
