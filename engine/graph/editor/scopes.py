"""The places of a workflow: the root, and each subgraph once for every host that uses it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.graph.editor.fit import FittedGraph, FittedWorkflow, Kind, Node
from engine.graph.editor.trouble import WorkflowError

Path = tuple[str, ...]  # ids of the hosts from the root down, then of the node

_MOST_NODES = 100_000  # subgraphs in subgraphs multiply: a small file can ask for more nodes than fit in memory


@dataclass(frozen=True, eq=False)
class Scope:
    """One graph in one place. `inner`: the insides of its hosts by their ids; muted and bypassed hosts have none."""

    graph: FittedGraph
    path: Path = ()
    host: Node | None = None
    parent: "Scope | None" = None
    inner: "dict[str, Scope]" = field(default_factory=dict)  # pyright: ignore[reportUnknownVariableType]

    def path_of(self, node: Node) -> Path:
        return (*self.path, node.id)

    def outwards(self) -> "Iterator[Scope]":
        """This scope and those around it, up to the root."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


def execution_id(path: Path) -> str:
    return ":".join(path)


def expand(workflow: FittedWorkflow) -> list[Scope]:
    """Every scope, outer ones first. Raises WorkflowError for a subgraph in itself, and for far too many nodes."""
    found: list[Scope] = []
    waiting = deque([Scope(workflow.root)])
    count = 0
    while waiting:
        scope = waiting.popleft()
        found.append(scope)
        count += len(scope.graph.nodes)
        if count > _MOST_NODES:
            raise WorkflowError(f"The subgraphs expand to more than {_MOST_NODES:,} nodes.")
        for node in scope.graph.nodes.values():
            if node.kind is Kind.HOST and not (node.saved.is_muted or node.saved.is_bypassed):
                inside = _inside(workflow, scope, node)
                scope.inner[node.id] = inside
                waiting.append(inside)
    return found


def _inside(workflow: FittedWorkflow, scope: Scope, host: Node) -> Scope:
    if any(around.graph.saved.id == host.type for around in scope.outwards()):
        name = workflow.subgraphs[host.type].saved.name
        where = execution_id(scope.path_of(host))
        raise WorkflowError(f"Circular reference: the subgraph {name!r} contains itself (node {where}).")
    return Scope(workflow.subgraphs[host.type], scope.path_of(host), host, scope)
