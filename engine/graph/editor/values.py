"""Which saved value belongs to which widget: by position, by name, and as older editors wrote them."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.graph.editor.layout import COMBO, Definition, Input, Layout, Widget, inputs_of, lay_out
from engine.graph.editor.saved import SavedNode

_SAMPLERS = ("KSampler", "KSamplerAdvanced")


def lay_out_saved(node: SavedNode, definition: Definition) -> Layout:
    """Lay out a saved node with its values. Values are neither checked nor clamped: a model's name stays.

    Positions count when the list is as long as the widgets ask for; otherwise names do, where the file has them.
    """
    values = node.values
    if isinstance(values, Mapping):
        named, values = values, _in_key_order(values)
        fresh = lay_out(definition, _Named(node, named))
        if any(widget.name in named for widget, _ in fresh.widgets):
            return fresh
    positions = _Positions(node, _without_forced(definition, values if isinstance(values, list) else []))
    layout = lay_out(definition, positions)
    if node.named_values and not positions.fit:
        return lay_out(definition, _Named(node, node.named_values))
    return layout


class _Positions:
    """Hands out a list of values, one to each widget that is saved; what is missing stays at its default."""

    def __init__(self, node: SavedNode, values: Sequence[Any]) -> None:
        self._node, self._values, self._next = node, values, 0

    @property
    def fit(self) -> bool:
        return self._next == len(self._values)

    def __call__(self, widget: Widget) -> Any:
        if not widget.is_saved:
            return widget.default
        self._next += 1
        if self._next > len(self._values):
            return widget.default
        return _read(self._node, widget, self._values[self._next - 1])


class _Named:
    """Hands out values by the names of the widgets."""

    def __init__(self, node: SavedNode, values: Mapping[str, Any]) -> None:
        self._node, self._values = node, values

    def __call__(self, widget: Widget) -> Any:
        if widget.name not in self._values:
            return widget.default
        return _read(self._node, widget, self._values[widget.name])


def _read(node: SavedNode, widget: Widget, value: Any) -> Any:
    if value is None and widget.type == "STRING":
        return ""
    if value is None and widget.type == COMBO:
        return widget.choices[0] if widget.choices else None
    if widget.name == "sampler_name" and node.type in _SAMPLERS and isinstance(value, str):
        return value.removeprefix("sample_")  # old files have the name of the function
    return value


def _in_key_order(values: Mapping[str, Any]) -> list[Any]:
    """An object's values as a list; array-like objects have numbers for keys, and a length."""
    if all(key.isdigit() or key == "length" for key in values):
        return [values[key] for key in sorted((key for key in values if key != "length"), key=int)]
    return list(values.values())


def _without_forced(definition: Definition, values: list[Any]) -> list[Any]:
    """Drop the dummies that files of old editors hold for inputs that are sockets by force."""
    inputs = inputs_of(definition)
    if any(each.type == "COMFY_DYNAMICGROUP_V3" for each in inputs):
        return values
    is_dummy = [flag for each in inputs for flag in _flags(each)]
    if not any(is_dummy) or len(is_dummy) != len(values):
        return values
    return [value for value, dummy in zip(values, is_dummy, strict=True) if not dummy]


def _flags(item: Input) -> list[bool]:
    """One entry for each value that an old editor saved for this input: whether it is a dummy."""
    forced = bool(item.options.get("forceInput"))
    if not forced and not item.has_widget:
        return []
    return [forced, False] if item.options.get("control_after_generate") else [forced]
