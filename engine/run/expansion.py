"""Nodes that put a graph in their place: entering it into the live graph, and reading the results out of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.graph.live import DynamicPrompt, NodeNotFoundError
from engine.graph.prompt import is_link
from engine.node.spec import ExecutionBlocker, NodeType, Result
from engine.run.cache import Entry
from engine.run.inputs import slot_of
from engine.run.spread import Forwarded


@dataclass(frozen=True)
class Expansion:
    """What the calls of an expanding node gave, and the nodes whose results are to take the place of their links."""

    results: Sequence[Result]
    added: tuple[str, ...]
    sources: tuple[str, ...]


def enter(results: Sequence[Result], id: str, live: DynamicPrompt, types: Mapping[str, NodeType]) -> Expansion:
    """Put the graphs of all calls of a node into the live graph.

    Raises KeyError for an unknown node type, DuplicateNodeError for an id that is taken, NodeNotFoundError where a
    result links to a node that is not there.
    """
    added: list[str] = []
    for result in results:
        for child, raw in (result.expand or {}).items():
            display = raw.get("override_display_id") if isinstance(raw, Mapping) else None
            live.add_ephemeral_node(child, raw, id, display)
            if (type_id := live.node(child).type) not in types:
                msg = f"node {id} ({live.node(id).type}) expands to node {child} of the unknown type {type_id!r}"
                raise KeyError(msg)
            added.append(child)
    sources = dict.fromkeys(link[0] for result in results for link in _links(result))
    if absent := [source for source in sources if not live.has_node(source)]:
        msg = f"node {id} ({live.node(id).type}) returned a link to node {absent[0]}, which does not exist"
        raise NodeNotFoundError(msg)
    return Expansion(results, tuple(added), tuple(sources))


def read_out(
    expansion: Expansion, find: Callable[[str], Entry | None], live: DynamicPrompt, types: Mapping[str, NodeType]
) -> list[Result]:
    """The results with values in place of their links."""

    def value_of(value: Any) -> Any:
        if not is_link(value):
            return value
        outputs = types[live.node(value[0]).type].outputs
        slot = int(value[1])
        is_list = -len(outputs) <= slot < len(outputs) and outputs[slot].is_list
        return Forwarded(slot_of(find(value[0]), slot), is_list)

    read: list[Result] = []
    for result in expansion.results:
        if result.expand is None or isinstance(result.values, ExecutionBlocker):
            read.append(result)
        else:
            read.append(replace(result, values=tuple(value_of(value) for value in result.values)))
    return read


def _links(result: Result) -> list[Any]:
    if result.expand is None or isinstance(result.values, ExecutionBlocker):
        return []
    return [value for value in result.values if is_link(value)]
