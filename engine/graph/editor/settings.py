"""The values that widgets hold in each place: their own, those of the hosts around them, and those of primitives."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.graph.editor.fit import PRIMITIVE, FittedWorkflow, Kind, Node
from engine.graph.editor.layout import UNSET, Widget
from engine.graph.editor.saved import INPUTS, Source
from engine.graph.editor.scopes import Path, Scope

_PREFIX = re.compile(r"^(\d+): (.*)$", re.DOTALL)


class Settings:
    """What widgets hold, place by place. Filled by `settle`; read by the conversion."""

    def __init__(self, workflow: FittedWorkflow) -> None:
        self._workflow = workflow
        self._of_nodes: dict[tuple[Path, str], Any] = {}
        self._of_hosts: dict[tuple[Path, int], Any] = {}

    def of_node(self, scope: Scope, node: Node) -> Iterator[tuple[Widget, Any]]:
        """Each widget of a node with the value it holds in this place."""
        path = scope.path_of(node)
        for widget, value in node.widgets:
            yield widget, self._of_nodes.get((path, widget.name), value)

    def of_host(self, scope: Scope, index: int) -> Any:
        """What the host of a scope holds for an input: its own value, else that of the first widget inside.

        UNSET for an input that ends on no widget.
        """
        while (scope.path, index) not in self._of_hosts:
            target = self._first_target(scope, index)
            if target is None:
                return UNSET
            node, slot = target
            if node.kind is not Kind.HOST:
                name = node.inputs[slot].widget
                return next((value for widget, value in self.of_node(scope, node) if widget.name == name), UNSET)
            if node.id not in scope.inner:
                return UNSET
            scope, index = scope.inner[node.id], slot
        return self._of_hosts[scope.path, index]

    def _first_target(self, scope: Scope, index: int) -> tuple[Node, int] | None:
        for node, slot in scope.graph.targets.get(Source(INPUTS, index), ()):
            if self.is_promoted(node.type, slot) if node.kind is Kind.HOST else node.inputs[slot].widget:
                return node, slot
        return None

    def is_promoted(self, subgraph: str, index: int) -> bool:
        return (subgraph, index) in self._workflow.promoted

    def set_node(self, path: Path, name: str, value: Any) -> None:
        self._of_nodes[path, name] = value

    def get_node(self, path: Path, name: str, default: Any) -> Any:
        return self._of_nodes.get((path, name), default)

    def set_host(self, scope: Scope, index: int, value: Any) -> None:
        self._of_hosts[scope.path, index] = value


def settle(workflow: FittedWorkflow, scopes: Sequence[Scope]) -> Settings:
    """Collect what the hosts hold. Inner hosts come first, so that the outermost has the last word."""
    settings = Settings(workflow)
    for scope in reversed(scopes):
        if scope.host is not None:
            for entry, value in _host_values(settings, scope, scope.host):
                _apply(settings, scope, entry, value)
    return settings


def write_primitives(settings: Settings, scopes: Sequence[Scope], replaced: Callable[[Any], Any]) -> None:
    """Write the value of each primitive into every widget it is linked to, muted or not.

    `replaced` puts values into the placeholders of a text; primitives ask for it by a property.
    """
    for scope in scopes:
        for node in scope.graph.nodes.values():
            held = node.saved.values
            if node.type != PRIMITIVE or not isinstance(held, list) or not held:
                continue
            value = settings.get_node(scope.path_of(node), "value", held[0])
            if node.saved.properties.get("Run widget replace on values"):
                value = replaced(value)
            for target, index in scope.graph.fed_by(node.id):
                _write(settings, scope, target, index, value)


def _write(settings: Settings, scope: Scope, node: Node, index: int, value: Any) -> None:
    if node.kind is Kind.HOST:
        if node.id in scope.inner:
            settings.set_host(scope.inner[node.id], index, value)
        return
    name = node.inputs[index].widget
    widget = next((widget for widget, _ in node.widgets if widget.name == name), None)
    if widget is not None:
        settings.set_node(scope.path_of(node), widget.name, _rounded(widget, value))


def _rounded(widget: Widget, value: Any) -> Any:
    """A float with no more decimals than the widget shows: those of `round`, else those of `step`."""
    grain = widget.options.get("round") or widget.options.get("step")
    if widget.type != "FLOAT" or not isinstance(value, float) or not grain or widget.options.get("round") is False:
        return value
    try:
        exponent = Decimal(str(grain)).normalize().as_tuple().exponent
    except InvalidOperation:
        return value
    return round(value, max(0, -exponent)) if isinstance(exponent, int) else value


def _host_values(settings: Settings, scope: Scope, host: Node) -> Iterator[tuple[Sequence[Any], Any]]:
    """What a host holds, as pairs of an entry [id of an inner node, widget, ...] and a value.

    The id -1 means the host itself. Entries come from `proxyWidgets` where older editors left them; otherwise the
    values are those of the promoted inputs, in their order.
    """
    values = host.saved.values
    proxies = _entries(host.saved.properties.get("proxyWidgets"))
    promoted = [slot.name for index, slot in enumerate(host.inputs) if settings.is_promoted(host.type, index)]
    named = host.saved.named_values
    if proxies:
        pairs = zip(proxies, values if isinstance(values, list) else (), strict=False)
    elif isinstance(values, Mapping) or (named and (not isinstance(values, list) or len(values) != len(promoted))):
        held = values if isinstance(values, Mapping) else named
        pairs = ((("-1", name), held.get(name)) for name in promoted)
    else:
        pairs = (
            (("-1", name), value)
            for name, value in zip(promoted, values if isinstance(values, list) else (), strict=False)
        )
    yield from ((entry, value) for entry, value in pairs if value is not None)
    for each in _mappings(host.saved.properties.get("proxyWidgetErrorQuarantine")):
        entry = each.get("originalEntry")
        if "hostValue" in each and isinstance(entry, list) and len(entry) >= 2 and str(entry[0]) == "-1":
            yield entry, each["hostValue"]


def _entries(raw: Any) -> list[Sequence[Any]]:
    return [each for each in raw if isinstance(each, list) and len(each) >= 2] if isinstance(raw, list) else []


def _mappings(raw: Any) -> list[Mapping[str, Any]]:
    return [each for each in raw if isinstance(each, Mapping)] if isinstance(raw, list) else []


def _apply(settings: Settings, scope: Scope, entry: Sequence[Any], value: Any) -> None:
    """Set the widget that an entry of a host's values names, if it is still there."""
    ids, name = _address(entry)
    place = scope
    while ids:
        id = ids.pop(0)
        if id == "-1":
            _set_input(settings, scope, place, name, value)
            return
        node = place.graph.nodes.get(id)
        if node is None:
            return
        if node.kind is not Kind.HOST:
            _set_widget(settings, scope, place, node, name, value)
            return
        if node.id not in place.inner:
            return
        place = place.inner[node.id]
        if ids:
            continue
        if any(slot.name == name for slot in node.inputs):
            ids.append("-1")
        else:  # the widget of a host inside may itself be one that the host holds for a node of its own
            proxies = _entries(node.saved.properties.get("proxyWidgets"))
            ids, name = next((_address(each) for each in proxies if each[1] == name), ([], name))


def _address(entry: Sequence[Any]) -> tuple[list[str], str]:
    """The ids that lead to a widget, and its name. Deeper ids are written as prefixes of the name, or at the end."""
    ids, name = [str(entry[0])], str(entry[1])
    while match := _PREFIX.match(name):
        ids.append(match[1])
        name = match[2]
    return [*ids, *(str(each) for each in entry[2:] if each is not None)], name


def _set_widget(settings: Settings, scope: Scope, place: Scope, node: Node, name: str, value: Any) -> None:
    slot = node.input_of_widget(name)
    if slot is not None and slot.source is not None and slot.source.node == INPUTS:
        _set_input(settings, scope, place, place.graph.saved.inputs[slot.source.slot].name, value)
    else:
        name = "value" if node.type == PRIMITIVE else name
        settings.set_node(place.path_of(node), name, value)


def _set_input(settings: Settings, scope: Scope, place: Scope, name: str, value: Any) -> None:
    """Set an input of the host of `place`, or that of the outer host which feeds it, up to the host of `scope`."""
    host = place.host
    index = next((index for index, slot in enumerate(host.inputs if host else ()) if slot.name == name), None)
    while index is not None:
        source = place.host.inputs[index].source if place.host else None
        if place is scope or place.parent is None or source is None or source.node != INPUTS:
            settings.set_host(place, index, value)
            return
        place, index = place.parent, source.slot
