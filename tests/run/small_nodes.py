"""Node types of a few lines, the caches they are tried with, and running a prompt of them to its end."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.graph.graph import Graph
from engine.graph.plan import make_plan
from engine.graph.prompt import graph_from_prompt
from engine.node.declare import as_result
from engine.node.spec import Input, NodeType, Output
from engine.run.cache import Cache
from engine.run.events import Event, Executed, NodeStarted, RunCached
from engine.run.policies import Budget, Classic, Nothing, Recent
from engine.run.run import alone, run

POLICIES: dict[str, Callable[[], Cache]] = {
    "classic": Classic,
    "lru-large": lambda: Recent(1000),
    "lru-small": lambda: Recent(1),
    "none": Nothing,
    "budget": lambda: Budget(2**30),
    "budget-of-nothing": lambda: Budget(0),
}


def kind(
    id: str,
    function: Callable[..., Any],
    inputs: Mapping[str, Any] | Iterable[str] = (),
    outputs: str = "*",
    **options: Any,
) -> NodeType:
    """A node type around a function. Inputs are names, or names with their options; `outputs` has `[]` for lists."""
    named = inputs if isinstance(inputs, Mapping) else dict.fromkeys(inputs, {})
    hidden = options.pop("hidden", {})
    is_async = options.get("is_async", False)

    def make() -> Callable[..., Any]:
        if is_async:

            async def promise(**given: Any) -> Any:
                return as_result(await function(**given))

            return promise
        return lambda **given: as_result(function(**given))

    return NodeType(
        id,
        options.pop("make", make),
        tuple(Input(name, "*", "required", extra) for name, extra in named.items())
        + tuple(Input(name, keyword, "hidden") for name, keyword in hidden.items()),
        tuple(Output(each.rstrip("[]"), each.rstrip("[]"), each.endswith("[]")) for each in outputs.split()),
        **options,
    )


def types_of(*types: NodeType) -> dict[str, NodeType]:
    return {each.id: each for each in types}


def graph(nodes: Mapping[str, tuple[str, Mapping[str, Any]]]) -> Graph:
    """A graph from `{id: (type, inputs)}`."""
    return graph_from_prompt({id: {"class_type": type_, "inputs": inputs} for id, (type_, inputs) in nodes.items()})


def go(
    types: Mapping[str, NodeType],
    nodes: Mapping[str, tuple[str, Mapping[str, Any]]],
    outputs: Iterable[str],
    cache: Cache | None = None,
    **options: Any,
) -> list[Event]:
    """Run a prompt to its end, alone."""
    plan = make_plan(graph(nodes), list(outputs))
    return list(alone(run(plan, types, cache if cache is not None else Classic(), prompt_id="p", **options)))


def started(events: Iterable[Event]) -> list[str]:
    return [each.node.id for each in events if isinstance(each, NodeStarted)]


def shown(events: Iterable[Event]) -> list[tuple[str, Any]]:
    return [(each.node.id, each.output) for each in events if isinstance(each, Executed)]


def cached(events: Iterable[Event]) -> list[str]:
    return [id for each in events if isinstance(each, RunCached) for id in each.nodes]


class Sink:
    """An output node that keeps what comes to it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.type = kind("Sink", self.take, ["value"], "", is_output=True)

    def take(self, value: Any = None) -> None:
        self.seen.append(value)
