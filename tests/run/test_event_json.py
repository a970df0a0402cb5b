"""Events survive the way through JSON, but for previews."""

import json

import pytest

from engine.run.event_json import from_json, to_json
from engine.run.events import (
    Blocked,
    Event,
    Executed,
    NodeStarted,
    Progress,
    RunCached,
    RunFailed,
    RunFinished,
    RunInterrupted,
    Where,
)

INNER = Where("5.0.0.1", "5", "5", "5")
EVENTS = [
    RunCached(("1", "2")),
    NodeStarted(INNER),
    Progress(INNER, 1, 20),
    Executed(INNER, {"images": [{"filename": "a.png"}]}),
    Executed(INNER, None),
    Blocked(INNER, "Save", "no", ("1",)),
    RunFailed("1", "Save", "boom", "ValueError", ("line",), {"x": [1]}, ("2",), ("3",), True, False),
    RunInterrupted("1", "Save", ()),
    RunFinished(("1",)),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_a_preview_does_not_travel_as_text() -> None:
    assert to_json(Progress(INNER, 1, 2, preview=object())) == to_json(Progress(INNER, 1, 2))
