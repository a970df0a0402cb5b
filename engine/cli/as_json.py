"""Events as lines of JSON: a `type` and the event's own fields."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from engine.graph.check import Verdict
from engine.run.event_json import to_json


@dataclass(frozen=True)
class Refused:
    """In place of events: the workflow was found invalid, with the error objects that clients of the server get."""

    error: Mapping[str, Any] | None
    node_errors: Mapping[str, Any]

    @classmethod
    def of(cls, verdict: Verdict) -> "Refused":
        return cls(verdict.error.as_json() if verdict.error else None, verdict.node_errors_as_json())


class Lines:
    """Prints each event as it comes."""

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing was opened."""

    def show(self, event: Any) -> None:
        click.echo(as_line(event))


def as_line(event: Any) -> str:
    """One event as one line. What JSON has no word for, such as a preview's picture, is left out or named."""
    return json.dumps(to_json(event), default=_named)


def _named(value: Any) -> Any:
    return list(value) if isinstance(value, (tuple, set, frozenset)) else str(value)
