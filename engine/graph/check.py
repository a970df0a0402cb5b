"""What is wrong with a graph: every rule of validation, one function each, and the verdict they lead to.

`check` walks from the outputs to what feeds them, each node once, and never recurses: its cost grows linearly and a
chain of any length is fine. Errors have the type, message, details and extra_info that clients of the ecosystem know.
"""

import traceback
from collections.abc import Awaitable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from engine.graph import combos, cycles
from engine.graph.coerce import coerced
from engine.graph.declared import declared_inputs
from engine.graph.graph import BadLink, Graph, Link, Node
from engine.graph.problem import NodeProblems, Problem, input_config
from engine.graph.types import fits
from engine.node.deferred import deferred
from engine.node.spec import Input, NodeType

with deferred():
    import asyncio

Types = Mapping[str, NodeType]


@dataclass(frozen=True)
class Verdict:
    """What a check found. `graph` has its constants coerced; only `outputs` may run, and none if `error` is set."""

    graph: Graph
    outputs: tuple[str, ...] = ()
    error: Problem | None = None
    node_errors: Mapping[str, NodeProblems] = field(default_factory=dict[str, NodeProblems])

    def node_errors_as_json(self) -> dict[str, Any]:
        return {id: each.as_json() for id, each in self.node_errors.items()}


def check(graph: Graph, types: Types, targets: Collection[str] | None = None) -> Verdict:
    """Check all that the outputs need (or those among `targets`), and coerce constants to their declared types."""
    for node in graph.nodes.values():
        if node.type not in types:
            message = f"Cannot execute because node {node.type} does not exist."
            return Verdict(graph, error=Problem("invalid_prompt", message, f"Node ID '#{node.id}'"))
    inspection = _Inspection(graph, types)
    roots = [id for id in graph if _is_root(graph[id], types) and (targets is None or id in targets)]
    if not roots:
        return Verdict(graph, error=Problem("prompt_no_outputs", "Prompt has no outputs", ""))
    for root in roots:
        inspection.visit(root)
    return inspection.verdict(roots)


def _is_root(node: Node, types: Types) -> bool:
    try:
        return types[node.type].is_output
    except Exception:  # a pack's own code failed; if the node is needed, its visit reports it
        return False


@dataclass(frozen=True)
class _Via:
    """How the walk came to a node: which input of which node links to it."""

    node: Node
    input: Input
    link: Link


@dataclass
class _Visit:
    """One node on the walk's stack: what it still waits for, and what was found."""

    id: str
    via: _Via | None
    problems: list[Problem] = field(default_factory=list[Problem])
    received: dict[str, Any] = field(default_factory=dict[str, Any])
    sources: list[_Via] = field(default_factory=list[_Via])
    is_open: bool = False


class _Inspection:
    """The walk's memory: verdicts by node, coerced nodes, and the links that were followed."""

    def __init__(self, graph: Graph, types: Types) -> None:
        self.graph = graph
        self.types = types
        self.coerced: dict[str, Node] = {}
        self.problems: dict[str, list[Problem]] = {}
        self.valid: dict[str, bool] = {}
        self.followed: dict[str, tuple[str, ...]] = {}
        for id, problem in cycles.problems(graph, types):
            self.problems[id] = [problem]
            self.valid[id] = False

    def visit(self, root: str) -> None:
        stack = [_Visit(root, None)]
        while stack:
            visit = stack[-1]
            if visit.id in self.valid:
                stack.pop()
            elif not visit.is_open:
                visit.is_open = True
                self._guarded(visit, self._look_at_links)
                stack.extend(_Visit(via.link.source, via) for via in reversed(visit.sources))
            else:
                stack.pop()
                if visit.id not in self.valid:
                    self._guarded(visit, self._look_at_values)
                    self._close(visit)

    def _guarded(self, visit: _Visit, look: Any) -> None:
        """Run a part of a node's inspection; what its class or its validator raises is filed as the node's problem."""
        try:
            look(visit)
        except Exception as error:
            visit.problems = [_exception(error, visit.via)]
            visit.sources = []
            self._close(visit)

    def _close(self, visit: _Visit) -> None:
        sources = tuple(via.link.source for via in visit.sources)
        self.followed[visit.id] = sources
        self.valid[visit.id] = not visit.problems and all(self.valid[source] for source in sources)
        if visit.problems:
            self.problems[visit.id] = visit.problems

    def _look_at_links(self, visit: _Visit) -> None:
        node, type_ = self.graph[visit.id], self.types[self.graph[visit.id].type]
        for declared in declared_inputs(node, type_):
            value = node.inputs.get(declared.name)
            if isinstance(value, (Link, BadLink)):
                visit.problems.extend(self._link_problems(visit, node, type_, declared, value))

    def _link_problems(
        self, visit: _Visit, node: Node, type_: NodeType, declared: Input, value: Link | BadLink
    ) -> Iterator[Problem]:
        raw = value.as_json()
        if len(raw) != 2:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            yield Problem.of_input("bad_linked_input", message, declared, received_value=raw)
            return
        source, slot = raw
        received = self.types[self.graph.nodes[source].type].output_type(slot)
        visit.received[declared.name] = received
        judges_types = type_.validator is not None and "input_types" in type_.validator.names
        if not judges_types and not fits(received, declared.type):
            details = f"{declared.name}, received_type({received}) mismatch input_type({declared.type})"
            message = "Return type mismatch between linked nodes"
            extra = {"received_type": received, "linked_node": raw}
            yield Problem.of_input("return_type_mismatch", message, declared, details, **extra)
            return
        visit.sources.append(_Via(node, declared, Link(source, slot)))

    def _look_at_values(self, visit: _Visit) -> None:
        node, type_ = self.graph[visit.id], self.types[self.graph[visit.id].type]
        values = dict(node.inputs)
        for declared in declared_inputs(node, type_):
            if declared.name not in values:
                if declared.required:
                    visit.problems.append(
                        Problem.about_input("required_input_missing", "Required input is missing", declared.name)
                    )
            elif not isinstance(values[declared.name], (Link, BadLink)):
                value, problem = coerced(values[declared.name], declared)
                if problem is not None:
                    visit.problems.append(problem)
                    continue
                values[declared.name] = value
                if type_.validator is None or not type_.validator.wants(declared.name):
                    visit.problems.extend(_constant_problems(value, declared))
        self.coerced[node.id] = replace(node, inputs=MappingProxyType(values))
        visit.problems.extend(_validator_problems(self.coerced[node.id], type_, visit.received))

    def verdict(self, roots: list[str]) -> Verdict:
        graph = Graph({id: self.coerced.get(id, node) for id, node in self.graph.nodes.items()})
        outputs = tuple(root for root in roots if self.valid[root])
        node_errors = self._node_errors([root for root in roots if not self.valid[root]])
        if outputs:
            return Verdict(graph, outputs, node_errors=node_errors)
        lines = [f"{each.message}: {each.details}" for root in roots for each in self.problems.get(root, ())]
        message = "Prompt outputs failed validation"
        return Verdict(graph, (), Problem("prompt_outputs_failed_validation", message, "\n".join(lines)), node_errors)

    def _node_errors(self, failing_roots: list[str]) -> dict[str, NodeProblems]:
        dependents: dict[str, list[str]] = {id: [] for id in self.problems}
        for root in failing_roots:
            for id in self._needed_by(root):
                if id in dependents:
                    dependents[id].append(root)
        return {
            id: NodeProblems(tuple(self.problems[id]), tuple(outputs), self.graph[id].type)
            for id, outputs in dependents.items()
            if outputs
        }

    def _needed_by(self, root: str) -> set[str]:
        seen: set[str] = set()
        waiting = [root]
        while waiting:
            id = waiting.pop()
            if id not in seen:
                seen.add(id)
                waiting.extend(self._sources(id))
        return seen

    def _sources(self, id: str) -> Iterator[str]:
        if id in self.followed:
            yield from self.followed[id]
        else:  # a node of a cycle: it was not walked through
            yield from (link.source for _, link in self.graph[id].links() if link.source in self.graph)


def _constant_problems(value: Any, declared: Input) -> Iterator[Problem]:
    low, high = declared.options.get("min"), declared.options.get("max")
    if low is not None and value < low:
        message = f"Value {value} smaller than min of {low}"
        yield Problem.of_input("value_smaller_than_min", message, declared, received_value=value)
    if high is not None and value > high:
        message = f"Value {value} bigger than max of {high}"
        yield Problem.of_input("value_bigger_than_max", message, declared, received_value=value)
    yield from combos.problems(value, declared)


def _validator_problems(node: Node, type_: NodeType, received: Mapping[str, Any]) -> Iterator[Problem]:
    if type_.validator is None:
        return
    arguments = _validator_arguments(node, type_, received)
    verdict = _settled(type_.validator.ask(**_as_called(arguments, node, type_)))
    if verdict is True:
        return
    said = "" if verdict is False else f" - {verdict}"
    message = "Custom validation failed for node"
    if not arguments:
        yield Problem("custom_validation_failed", message, said.removeprefix(" - "))
    for name in arguments:
        yield Problem.about_input("custom_validation_failed", message, name, f"{name}{said}")


def _validator_arguments(node: Node, type_: NodeType, received: Mapping[str, Any]) -> dict[str, Any]:
    """What the validator is given: constants as they are, None for links, and what is known of hidden inputs."""
    validator = type_.validator
    assert validator is not None
    arguments: dict[str, Any] = {}
    for name, value in node.inputs.items():
        is_linked = isinstance(value, (Link, BadLink))
        if validator.wants(name) and (is_linked or type_.input(name) is not None):
            arguments[name] = None if is_linked else value
    hidden = {"UNIQUE_ID": node.id, "PROMPT": {}}
    for each in type_.hidden:
        if validator.wants(each.name):
            arguments[each.name] = hidden.get(each.type)
    if "input_types" in validator.names:
        arguments["input_types"] = dict(received)
    return arguments


def _as_called(arguments: Mapping[str, Any], node: Node, type_: NodeType) -> dict[str, Any]:
    if not type_.takes_lists:
        return dict(arguments)
    linked = {name for name, _ in node.links()}
    return {name: (None,) if name in linked else [value] for name, value in arguments.items()}


def _settled(answer: Any) -> Any:
    """The answer of a validator, which may be a promise."""
    if not isinstance(answer, Awaitable):
        return answer

    async def wait() -> Any:
        return await answer

    return asyncio.run(wait())


def _exception(error: Exception, via: _Via | None) -> Problem:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    raised = {"exception_type": name, "traceback": traceback.format_tb(error.__traceback__)}
    if via is None:
        return Problem("exception_during_validation", "Exception when validating node", str(error), raised)
    extra = {
        "input_name": via.input.name,
        "input_config": input_config(via.input),
        "exception_message": str(error),
        **raised,
        "linked_node": via.link.as_json(),
    }
    return Problem("exception_during_inner_validation", "Exception when validating inner node", str(error), extra)
