"""Events as JSON and back: a `type` in small words, and the event's own fields."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args

from engine.run.events import Event, Where

_SEEN = ("preview", "form")  # what pictures are made of
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def type_of(event: Any) -> str:
    """`NodeStarted` is `node_started`."""
    return _WORDS.sub("_", type(event).__name__).lower()


_EVENTS: dict[str, Any] = {_WORDS.sub("_", each.__name__).lower(): each for each in get_args(Event)}


def to_json(event: Any) -> dict[str, Any]:
    """An event, or another value, as JSON. A preview's picture is left out: it does not travel as text."""
    return {"type": type_of(event), **_fields(event)}


def from_json(shown: Mapping[str, Any]) -> Event:
    """The event that was shown so. Raises KeyError for an unknown type and TypeError for wrong fields."""
    values = {name: _value(value) for name, value in shown.items() if name != "type"}
    return _EVENTS[shown["type"]](**values)


def _fields(value: Any) -> dict[str, Any]:
    shown = {each.name: getattr(value, each.name) for each in fields(value) if each.name not in _SEEN}
    return {name: _fields(each) if _is_value(each) else each for name, each in shown.items()}


def _is_value(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, Mapping) and set(value) == {"id", "display", "parent", "real"}:
        return Where(**value)
    return value
