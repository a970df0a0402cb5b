"""A saved workflow of the ecosystem's editor becomes a prompt in API format."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.graph.editor.dynamic_prompts import choose_alternatives
from engine.graph.editor.fit import Kind, Node, fit
from engine.graph.editor.layout import UNSET, Definition, Widget
from engine.graph.editor.missing import without_missing_types
from engine.graph.editor.placeholders import Placeholders, names_a_file
from engine.graph.editor.resolve import Constant, Step, resolve
from engine.graph.editor.saved import read_workflow
from engine.graph.editor.scopes import Scope, execution_id, expand
from engine.graph.editor.settings import Settings, settle, write_primitives

Choose = Callable[[Sequence[str]], str]


def prompt_from_workflow(
    workflow: Mapping[str, Any],
    definitions: Mapping[str, Definition],
    *,
    choose: Choose | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """The prompt `{execution id: {class_type, inputs, _meta}}` of a workflow.

    `definitions` are the entries of /object_info by type; `choose` picks among the alternatives of dynamic prompts,
    by chance if it is not given, and `now` is the time that `%date:...%` writes into file names.
    Raises MissingTypes where the result needs a type without a definition, and WorkflowError for a workflow that
    refers to itself in a circle or is no workflow.
    """
    fitted = fit(read_workflow(workflow), definitions)
    scopes = expand(fitted)
    settings = settle(fitted, scopes)
    placeholders = Placeholders(settings, scopes, now or datetime.now())
    write_primitives(settings, scopes, placeholders.fill)
    texts = _Texts(choose or random.Random().choice, placeholders)
    nodes = {execution_id(scope.path_of(node)): (scope, node) for scope, node in _executed(scopes)}
    prompt = {id: _entry(scope, node, settings, texts) for id, (scope, node) in nodes.items()}
    return without_missing_types(prompt, {id: node for id, (_, node) in nodes.items()}, definitions)


def _executed(scopes: Sequence[Scope]) -> Iterator[tuple[Scope, Node]]:
    for scope in scopes:
        for node in scope.graph.nodes.values():
            if node.kind in (Kind.STEP, Kind.UNKNOWN) and not (node.saved.is_muted or node.saved.is_bypassed):
                yield scope, node


def _entry(scope: Scope, node: Node, settings: Settings, texts: "_Texts") -> dict[str, Any]:
    """One node of the prompt: what its widgets hold, then what its slots are fed, which wins."""
    inputs: dict[str, Any] = {
        widget.name: _as_literal(texts.read(node, widget, value), widget.type)
        for widget, value in settings.of_node(scope, node)
        if widget.is_sent and value is not UNSET
    }
    for slot in node.inputs:
        match resolve(scope, node, slot, settings):
            case Step(path, output):
                inputs[slot.name] = [execution_id(path), output]
            case Constant(value):
                inputs[slot.name] = _as_literal(value, slot.type)
            case None:
                pass
    return {"class_type": node.type, "inputs": inputs, "_meta": {"title": node.title, **_pack(node)}}


def _as_literal(value: Any, type: str) -> Any:
    """A list is wrapped, as a bare one would read as a link."""
    if type == "CURVE" and not isinstance(value, Mapping):
        return {"__type__": "CURVE", "__value__": value}
    return {"__value__": value} if isinstance(value, list) else value


def _pack(node: Node) -> dict[str, str]:
    properties = node.saved.properties
    pairs = ((key, properties.get(key)) for key in ("cnr_id", "aux_id", "ver"))
    return {key: value for key, value in pairs if isinstance(value, str) and value}


class _Texts:
    """What becomes of the texts in widgets on their way into a prompt."""

    def __init__(self, choose: Choose, placeholders: Placeholders) -> None:
        self._choose, self._placeholders = choose, placeholders

    def read(self, node: Node, widget: Widget, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if widget.type == "STRING" and widget.options.get("dynamicPrompts"):
            value = choose_alternatives(value, self._choose)
        if names_a_file(node.type, widget.name):
            value = self._placeholders.fill(value)
        return value
