from collections.abc import Mapping
from typing import Any

import pytest

from engine.api import Anything, Lazy, node
from engine.node.declare import describe
from engine.node.spec import NodeType
from engine.run.cache import Cache
from engine.run.events import RunFailed
from tests.run.small_nodes import Sink, go, kind, started, types_of

NUMBER = kind("Number", lambda value: value, ["value"])
LIST = kind("List", lambda values: (values,), ["values"], "INT[]")


def unmet(made: Any, inputs: Mapping[str, Any]) -> list[str]:
    """A mask of 0 needs the first picture alone, 1 the second; anything between needs both."""
    wanted = {0: ["one"], 1: ["two"]}.get(inputs["mask"], ["one", "two"])
    return [name for name in wanted if inputs[name] is None]


def mix(one: Any, two: Any, mask: float) -> Any:
    return ((one, two),)


MIX = kind("Mix", mix, {"one": {"lazy": True}, "two": {"lazy": True}, "mask": {}}, unmet=unmet)


def nodes(mask: Any) -> dict[str, Any]:
    return {
        "1": ("Number", {"value": 10}),
        "2": ("Number", {"value": 20}),
        "m": ("Mix", {"one": ["1", 0], "two": ["2", 0], "mask": mask}),
        "end": ("Sink", {"value": ["m", 0]}),
    }


@pytest.mark.parametrize(
    ("mask", "order", "result"),
    [
        (0, ["m", "1", "m", "end"], (10, None)),
        (1, ["m", "2", "m", "end"], (None, 20)),
        (0.5, ["m", "1", "2", "m", "end"], (10, 20)),
    ],
)
def test_only_what_is_asked_for_is_evaluated(mask: float, order: list[str], result: Any, cache: Cache) -> None:
    sink = Sink()
    events = go(types_of(NUMBER, MIX, sink.type), nodes(mask), ["end"], cache)
    assert sorted(started(events)) == sorted(order)
    assert started(events)[0] == "m"
    assert started(events)[-2:] == ["m", "end"]
    assert sink.seen == [result]


def test_input_asked_for_by_one_call_is_evaluated_for_all(cache: Cache) -> None:
    sink = Sink()
    prompt = nodes(["l", 0]) | {"l": ("List", {"values": {"__value__": [0, 1]}})}
    go(types_of(NUMBER, MIX, LIST, sink.type), prompt, ["end"], cache)
    assert sink.seen == [(10, 20), (10, 20)]


def test_lazy_value_that_is_there_anyway_is_given(cache: Cache) -> None:
    sink = Sink()
    prompt = nodes(0) | {"first": ("Sink", {"value": ["2", 0]})}
    go(types_of(NUMBER, MIX, sink.type), prompt, ["first", "end"], cache)
    assert sink.seen[-1] == (10, 20)


def test_lazy_input_that_nobody_asks_for_stays_none(cache: Cache) -> None:
    sink = Sink()
    careless = kind("Mix", mix, {"one": {"lazy": True}, "two": {"lazy": True}, "mask": {}})
    events = go(types_of(NUMBER, careless, sink.type), nodes(0), ["end"], cache)
    assert started(events) == ["m", "end"]
    assert sink.seen == [(None, None)]


def test_lazy_question_may_be_a_promise_and_is_asked_at_every_start(cache: Cache) -> None:
    asked: list[dict[str, Any]] = []

    async def promise(made: Any, inputs: Mapping[str, Any]) -> list[str]:
        asked.append(dict(inputs))
        return unmet(made, inputs)

    sink = Sink()
    type_ = kind("Mix", mix, {"one": {"lazy": True}, "two": {"lazy": True}, "mask": {}}, unmet=promise)
    go(types_of(NUMBER, type_, sink.type), nodes(0), ["end"], cache)
    assert asked == [{"one": None, "two": None, "mask": 0}, {"one": 10, "two": None, "mask": 0}]
    assert sink.seen == [(10, None)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "Node m says it needs input nothing, but there is no input to that node at all"),
        ("free", "Node m says it needs input free, but that value is a constant"),
    ],
)
def test_asking_for_what_no_link_can_give_fails(name: str, words: str, cache: Cache) -> None:
    type_: NodeType = kind(
        "Mix", mix, {"one": {"lazy": True}, "two": {"lazy": True}, "mask": {}}, unmet=lambda *_: [name]
    )
    prompt = nodes(0)
    prompt["m"][1]["free"] = 3
    last = go(types_of(NUMBER, type_, Sink().type), prompt, ["end"], cache)[-1]
    assert isinstance(last, RunFailed)
    assert last.exception_type == "comfy_execution.graph.NodeInputError"
    assert (last.node_id, last.message) == ("m", words + "\n")


def test_answers_that_are_no_lists_are_ignored(cache: Cache) -> None:
    sink = Sink()
    type_ = kind("Mix", mix, {"one": {"lazy": True}, "two": {"lazy": True}, "mask": {}}, unmet=lambda *_: "one")
    go(types_of(NUMBER, type_, sink.type), nodes(0), ["end"], cache)
    assert sink.seen == [(None, None)]


def test_declared_function_may_have_lazy_inputs(cache: Cache) -> None:
    from typing import Annotated

    sink = Sink()

    @node("test", lazy=lambda first, second, use_first: ["first"] if use_first else ["second"])
    def choose(
        first: Annotated[Anything | None, Lazy()], second: Annotated[Anything | None, Lazy()], use_first: bool = True
    ) -> Anything:
        """Hand on one of two."""
        return first if use_first else second

    prompt = {
        "1": ("Number", {"value": 10}),
        "2": ("Number", {"value": 20}),
        "c": ("choose", {"first": ["1", 0], "second": ["2", 0], "use_first": False}),
        "end": ("Sink", {"value": ["c", 0]}),
    }
    events = go(types_of(NUMBER, describe(choose), sink.type), prompt, ["end"], cache)
    assert started(events) == ["c", "2", "c", "end"]
    assert sink.seen == [20]
