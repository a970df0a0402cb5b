"""A saved workflow as frozen data: both versions of the file in one form, and nothing but what the file says."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.graph.editor.group_nodes import with_group_nodes_opened
from engine.graph.editor.trouble import WorkflowError

ANY = "*"
INPUTS = "-10"  # the column of a subgraph's own inputs, written like a node that feeds others
OUTPUTS = "-20"  # the column of its outputs
MUTED, BYPASSED = 2, 4

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """Where an edge begins: an output of a node, or of the column `INPUTS`."""

    node: str
    slot: int


@dataclass(frozen=True)
class Slot:
    """An input or output of a node or of a subgraph. Outputs of nodes have no source."""

    name: str
    type: str = ANY
    source: Source | None = None
    widget: str | None = None


@dataclass(frozen=True)
class SavedNode:
    """A node as the file has it, not yet compared with any definition."""

    id: str
    type: str
    mode: int = 0
    title: str | None = None
    inputs: tuple[Slot, ...] = ()
    outputs: tuple[Slot, ...] = ()
    properties: Raw = field(default_factory=dict[str, Any])
    values: Any = None  # widgets_values: a list, an object or nothing
    named_values: Raw = field(default_factory=dict[str, Any])

    @property
    def is_muted(self) -> bool:
        return self.mode == MUTED

    @property
    def is_bypassed(self) -> bool:
        return self.mode == BYPASSED


@dataclass(frozen=True)
class SavedGraph:
    """The root, whose id is empty, or the inside of a subgraph with its own inputs and outputs."""

    id: str
    name: str
    nodes: Mapping[str, SavedNode]
    inputs: tuple[Slot, ...] = ()
    outputs: tuple[Slot, ...] = ()


@dataclass(frozen=True)
class SavedWorkflow:
    root: SavedGraph
    subgraphs: Mapping[str, SavedGraph]


def read_workflow(raw: Any) -> SavedWorkflow:
    """Read a workflow of version 0.4 or 1. Raises WorkflowError where the file cannot be a workflow."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("nodes"), list):
        raise WorkflowError("This is no workflow: a workflow is an object with a list called nodes.")
    root, *subgraphs = with_group_nodes_opened(raw, list(_flattened(raw)))
    return SavedWorkflow(
        _graph(root, "", "the workflow"),
        {str(each["id"]): _graph(each, str(each["id"]), str(each.get("name") or each["id"])) for each in subgraphs},
    )


def _flattened(workflow: Raw) -> Iterator[Raw]:
    """Every subgraph, however deep older files keep it; the first with an id wins."""
    seen: set[str] = set()
    waiting = deque([workflow])
    while waiting:
        definitions = waiting.popleft().get("definitions")
        inner = definitions.get("subgraphs") if isinstance(definitions, Mapping) else None
        for each in _objects(inner):
            if "id" in each and str(each["id"]) not in seen:
                seen.add(str(each["id"]))
                waiting.append(each)
                yield each


def _graph(raw: Raw, id: str, name: str) -> SavedGraph:
    raw_nodes = _first_of_each_id(raw.get("nodes"), name)
    edges = _Edges(raw, set(raw_nodes))
    return SavedGraph(
        id,
        name,
        {key: _node(key, each, edges, name) for key, each in raw_nodes.items()},
        tuple(Slot(str(each.get("name", "")), _type(each.get("type"))) for each in _objects(raw.get("inputs"))),
        tuple(
            Slot(str(each.get("name", "")), _type(each.get("type")), edges.into_output(index, each))
            for index, each in enumerate(_objects(raw.get("outputs")))
        ),
    )


def _first_of_each_id(raw: Any, graph: str) -> dict[str, Raw]:
    nodes: dict[str, Raw] = {}
    for each in raw if isinstance(raw, list) else []:
        if not isinstance(each, Mapping) or each.get("id") is None or not isinstance(each.get("type"), str):
            raise WorkflowError(f"A node of {graph} has no id or no type: {str(each)[:120]}")
        nodes.setdefault(str(each["id"]), each)
    return nodes


def _node(id: str, raw: Raw, edges: "_Edges", graph: str) -> SavedNode:
    title, mode = raw.get("title"), raw.get("mode")
    properties, named = raw.get("properties"), raw.get("widgets_values_named")
    return SavedNode(
        id,
        raw["type"],
        mode if isinstance(mode, int) else 0,
        title if isinstance(title, str) else None,
        tuple(_input(id, index, each, edges) for index, each in enumerate(_objects(raw.get("inputs")))),
        tuple(Slot(str(each.get("name", "")), _type(each.get("type"))) for each in _objects(raw.get("outputs"))),
        properties if isinstance(properties, Mapping) else {},
        raw.get("widgets_values"),
        named if isinstance(named, Mapping) else {},
    )


def _input(node: str, index: int, raw: Raw, edges: "_Edges") -> Slot:
    widget = raw.get("widget")
    return Slot(
        str(raw.get("name", "")),
        _type(raw.get("type")),
        edges.into_input(node, index, raw.get("link")),
        str(widget["name"]) if isinstance(widget, Mapping) and "name" in widget else None,
    )


class _Edges:
    """The links of one graph: which source a slot's link id means.

    An input names its link, and the link names the source. A link that no input names still counts for the slot it
    aims at. Links from what is not there are dropped.
    """

    def __init__(self, raw: Raw, nodes: set[str]) -> None:
        self._sources: dict[str, Source] = {}
        self._aims: dict[tuple[str, int], Source] = {}
        named = {str(slot.get("link")) for node in _objects(raw.get("nodes")) for slot in _objects(node.get("inputs"))}
        inputs = range(len(_objects(raw.get("inputs"))))
        for id, source, target in _links(raw.get("links")):
            if source.slot in inputs if source.node == INPUTS else source.node in nodes and source.slot >= 0:
                self._sources.setdefault(id, source)
                if id not in named:
                    self._aims.setdefault(target, source)

    def into_input(self, node: str, index: int, link: Any) -> Source | None:
        return self._sources.get(str(link)) or self._aims.get((node, index))

    def into_output(self, index: int, raw: Raw) -> Source | None:
        links = raw.get("linkIds")
        named = (self._sources.get(str(link)) for link in (links if isinstance(links, list) else []))
        return next(filter(None, named), None) or self._aims.get((OUTPUTS, index))


def _links(raw: Any) -> Iterator[tuple[str, Source, tuple[str, int]]]:
    """Each link as its id, source and target, from the arrays of version 0.4 or the objects of version 1."""
    for each in raw if isinstance(raw, list) else []:
        if isinstance(each, Mapping):
            keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
            fields: Sequence[Any] = [each.get(key) for key in keys]
        elif isinstance(each, list) and len(each) >= 5:
            fields = each[:5]
        else:
            continue
        try:
            id, origin, target = str(fields[0]), str(fields[1]), str(fields[3])
            yield id, Source(origin, int(fields[2])), (target, int(fields[4]))
        except (TypeError, ValueError, OverflowError) as error:
            raise WorkflowError(f"Link {fields[0]} has a slot that is no number: {str(each)[:120]}") from error


def _objects(raw: Any) -> list[Raw]:
    return [each for each in raw if isinstance(each, Mapping)] if isinstance(raw, list) else []


def _type(raw: Any) -> str:
    """The type of a slot as text: a list means one of several, and nothing means any."""
    if isinstance(raw, list):
        return ",".join(map(str, raw)) or ANY
    return str(raw) if raw not in (None, "", 0) else ANY
