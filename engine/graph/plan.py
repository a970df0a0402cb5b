"""Graph and wanted outputs -> Plan: what a run has to do, and nothing else."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from engine.graph.graph import Graph, Node


@dataclass(frozen=True)
class Plan:
    """What was asked (`graph`), whose results are wanted (`outputs`), and the nodes that lead there (`steps`).

    `steps` are in an order in which each comes after all that feed it. A run may do fewer: lazy inputs that nobody
    asked for, results that are cached.
    """

    graph: Graph
    outputs: tuple[str, ...]
    steps: tuple[Node, ...]


def make_plan(graph: Graph, outputs: Collection[str], done: Collection[str] = ()) -> Plan:
    """Plan how to get the wanted outputs, given the nodes whose results are there already.

    Outputs are taken in the order of the graph. Raises KeyError for one that the graph does not have. Links to absent
    nodes, and links that close a circle, are passed over: the checker and the run tell of them.
    """
    if absent := [id for id in outputs if id not in graph]:
        msg = f"wanted nodes are not in the graph: {', '.join(absent)}"
        raise KeyError(msg)
    asked = set(outputs)
    wanted = tuple(id for id in graph if id in asked)
    return Plan(graph, wanted, tuple(graph[id] for id in _sources_first(graph, wanted, set(done))))


def _sources_first(graph: Graph, wanted: tuple[str, ...], seen: set[str]) -> Iterator[str]:
    """Walk back from the wanted nodes, giving each node after its sources; those in `seen` are left out."""
    waiting = list(reversed(wanted))
    opened: set[str] = set()
    while waiting:
        id = waiting[-1]
        if id not in seen and id not in opened:
            opened.add(id)
            sources = [link.source for _, link in graph[id].links()]
            waiting += [each for each in reversed(sources) if each in graph and not (each in seen or each in opened)]
        else:
            waiting.pop()
            if id not in seen:
                seen.add(id)
                yield id
