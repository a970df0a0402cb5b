"""Nodes that wait for each other in a circle, named."""

from collections.abc import Iterator, Mapping

from engine.graph.declared import declared_inputs
from engine.graph.graph import Graph
from engine.graph.problem import Problem
from engine.node.deferred import deferred
from engine.node.spec import NodeType

with deferred():
    import networkx

MOST_NAMED = 50  # nodes of one circle: each of its nodes tells of it, so the words would grow with its square


def problems(graph: Graph, types: Mapping[str, NodeType]) -> Iterator[tuple[str, Problem]]:
    """For every node of a cycle, the cycle it is in. Only links into declared inputs count: others are not walked."""
    edges = {id: _declared_sources(graph, types, id) for id in graph}
    tangled = _not_sortable(edges)
    if not tangled:
        return
    whole = networkx.DiGraph()
    whole.add_edges_from((source, id) for id in tangled for source in edges[id] if source in tangled)
    for knot in networkx.strongly_connected_components(whole):
        part = whole.subgraph(knot)
        if part.number_of_edges() == 0:
            continue
        circle = [source for source, _ in networkx.find_cycle(part)]
        details = " -> ".join(f"{id} ({graph[id].type})" for id in circle[:MOST_NAMED])
        details += f" -> {circle[0]} ({graph[circle[0]].type})" if len(circle) <= MOST_NAMED else " -> …"
        named = circle[:MOST_NAMED]
        for id in sorted(knot):
            extra = {"node_id": id, "cycle_nodes": named}
            yield id, Problem("dependency_cycle", "Dependency cycle detected", details, extra)


def _declared_sources(graph: Graph, types: Mapping[str, NodeType], id: str) -> set[str]:
    links = [(name, link.source) for name, link in graph[id].links() if link.source in graph]
    if not links:
        return set()
    try:
        type_ = types[graph[id].type]
    except Exception:  # a pack's own code failed; the walk reports it where the node is needed
        return set()
    declared = {each.name for each in declared_inputs(graph[id], type_)}
    return {source for name, source in links if name in declared}


def _not_sortable(edges: Mapping[str, set[str]]) -> set[str]:
    """The nodes left over when sources are taken away again and again: those of cycles, and those behind them."""
    waits = {id: len(sources) for id, sources in edges.items()}
    feeds: dict[str, list[str]] = {id: [] for id in edges}
    for id, sources in edges.items():
        for source in sources:
            feeds[source].append(id)
    ready = [id for id, count in waits.items() if count == 0]
    while ready:
        for id in feeds[ready.pop()]:
            waits[id] -= 1
            if waits[id] == 0:
                ready.append(id)
    return {id for id, count in waits.items() if count > 0}
