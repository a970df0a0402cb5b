import asyncio
import math
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch

from engine.api import Anything, node
from engine.graph.graph import Graph, Node
from engine.graph.plan import make_plan
from engine.node.declare import describe
from engine.node.spec import ExecutionBlocker, Question, Result
from engine.run.cache import Cache
from engine.run.events import (
    Blocked,
    Executed,
    NodeFinished,
    NodeStarted,
    RunCached,
    RunFailed,
    RunFinished,
    RunStarted,
    Where,
)
from engine.run.policies import Classic, Nothing, Recent
from engine.run.run import alone, run
from tests.run.small_nodes import Sink, cached, go, graph, kind, shown, started, types_of

NUMBER = kind("Number", lambda value: value, ["value"])
ADD = kind("Add", lambda a, b: a + b, ["a", "b"])
SHOW = kind("Show", lambda value: Result(ui={"text": [str(value)]}), ["value"], "", is_output=True)
LIST = kind("List", lambda count: (list(range(count)),), ["count"], "INT[]")


def at(id: str) -> Where:
    return Where(id, id, None, id)


def test_plain_run_tells_everything_in_order(cache: Cache) -> None:
    events = go(
        types_of(NUMBER, SHOW), {"n": ("Number", {"value": 7}), "s": ("Show", {"value": ["n", 0]})}, ["s"], cache
    )
    assert events == [
        RunStarted("p"),
        RunCached(()),
        NodeStarted(at("n")),
        NodeFinished(at("n")),
        NodeStarted(at("s")),
        Executed(at("s"), {"text": ["7"]}),
        NodeFinished(at("s")),
        RunFinished(("n", "s")),
    ]


def test_declared_function_runs_as_a_node(cache: Cache) -> None:
    sink = Sink()

    @node("test")
    def twice(value: int) -> Anything:
        """Double it."""
        return value * 2

    types = types_of(describe(twice), sink.type)
    go(types, {"1": ("twice", {"value": 4}), "2": ("Sink", {"value": ["1", 0]})}, ["2"], cache)
    assert sink.seen == [8]


def test_lists_are_zipped_and_mapped(cache: Cache) -> None:
    sink = Sink()
    nodes = {
        "three": ("List", {"count": 3}),
        "two": ("List", {"count": 2}),
        "sum": ("Add", {"a": ["three", 0], "b": ["two", 0]}),
        "end": ("Sink", {"value": ["sum", 0]}),
    }
    go(types_of(LIST, ADD, sink.type), nodes, ["end"], cache)
    assert sink.seen == [0, 2, 3]


def test_node_that_takes_lists_gets_constants_as_lists(cache: Cache) -> None:
    sink = Sink()
    both = kind("Both", lambda a, b: ((a, b),), ["a", "b"], takes_lists=True)
    nodes = {
        "l": ("List", {"count": 2}),
        "b": ("Both", {"a": ["l", 0], "b": 7}),
        "end": ("Sink", {"value": ["b", 0]}),
    }
    go(types_of(LIST, both, sink.type), nodes, ["end"], cache)
    assert sink.seen == [([0, 1], [7])]


def test_undeclared_links_are_given_and_undeclared_constants_are_not(cache: Cache) -> None:
    got: list[dict[str, Any]] = []
    free = kind("Free", lambda **inputs: got.append(inputs), [], "", is_output=True)
    go(types_of(NUMBER, free), {"n": ("Number", {"value": 1}), "f": ("Free", {"x": ["n", 0], "y": 5})}, ["f"], cache)
    assert got == [{"x": 1}]


def test_slot_without_a_value_is_none_and_raw_links_stay_links(cache: Cache) -> None:
    got: list[dict[str, Any]] = []
    free = kind(
        "Free", lambda **inputs: got.append(inputs), {"a": {}, "b": {"rawLink": True}, "c": {}}, "", is_output=True
    )
    nodes = {"n": ("Number", {"value": 1}), "f": ("Free", {"a": ["n", 3], "b": ["n", 0], "c": ["n", -1]})}
    events = go(types_of(NUMBER, free), nodes, ["f"], cache)
    assert got == [{"a": None, "b": ["n", 0], "c": 1}]
    assert started(events) == ["n", "f"]


def test_hidden_inputs_are_filled_in(cache: Cache) -> None:
    got: list[dict[str, Any]] = []
    hidden = {"id": "UNIQUE_ID", "prompt": "PROMPT", "png": "EXTRA_PNGINFO", "live": "DYNPROMPT", "other": "UNKNOWN"}
    curious = kind("Curious", lambda **inputs: got.append(inputs), ["value"], "", is_output=True, hidden=hidden)
    nodes = {"c": ("Curious", {"value": 1, "other": 3, "id": "mine"})}
    go(types_of(curious), nodes, ["c"], cache, extra_data={"extra_pnginfo": {"workflow": {}}})
    (given,) = got
    assert given["id"] == "c"
    assert given["png"] == {"workflow": {}}
    assert given["other"] == 3
    assert given["prompt"]["c"] == {"class_type": "Curious", "inputs": {"value": 1, "other": 3, "id": "mine"}}
    assert given["live"].get_node("c")["class_type"] == "Curious"


def test_second_run_calls_nothing_and_shows_again() -> None:
    cache = Classic()
    nodes = {"n": ("Number", {"value": 7}), "s": ("Show", {"value": ["n", 0]})}
    go(types_of(NUMBER, SHOW), nodes, ["s"], cache)
    events = go(types_of(NUMBER, SHOW), nodes, ["s"], cache)
    assert events == [
        RunStarted("p"),
        RunCached(("n", "s")),
        Executed(at("s"), {"text": ["7"]}),
        NodeFinished(at("s")),
        RunFinished(()),
    ]


def test_changed_constant_runs_only_what_follows_from_it() -> None:
    cache = Classic()

    def nodes(b: int) -> dict[str, Any]:
        return {
            "a": ("Number", {"value": 1}),
            "b": ("Number", {"value": b}),
            "sum": ("Add", {"a": ["a", 0], "b": ["b", 0]}),
            "s": ("Show", {"value": ["sum", 0]}),
        }

    go(types_of(NUMBER, ADD, SHOW), nodes(2), ["s"], cache)
    events = go(types_of(NUMBER, ADD, SHOW), nodes(3), ["s"], cache)
    assert cached(events) == ["a"]
    assert started(events) == ["b", "sum", "s"]


def test_other_ids_hit_all_the_same() -> None:
    cache = Classic()
    types = types_of(NUMBER, SHOW)
    go(types, {"1": ("Number", {"value": 7}), "2": ("Show", {"value": ["1", 0]})}, ["2"], cache)
    events = go(types, {"x": ("Number", {"value": 7.0}), "y": ("Show", {"value": ["x", 0]})}, ["y"], cache)
    assert started(events) == []
    assert shown(events) == [("y", {"text": ["7"]})]


def test_equal_nodes_are_called_once_and_both_show(cache: Cache) -> None:
    nodes = {"n": ("Number", {"value": 7}), "s": ("Show", {"value": ["n", 0]}), "t": ("Show", {"value": ["n", 0]})}
    events = go(types_of(NUMBER, SHOW), nodes, ["s", "t"], cache)
    assert started(events) == ["n", "s"]
    assert shown(events) == [("s", {"text": ["7"]}), ("t", {"text": ["7"]})]


@pytest.mark.parametrize(
    "options", [{"idempotent": False}, {"hidden": {"id": "UNIQUE_ID"}}], ids=["says so", "sees its id"]
)
def test_nodes_of_their_own_are_called_each(options: dict[str, Any], cache: Cache) -> None:
    own = kind("Own", lambda value, **_: Result(ui={"text": [str(value)]}), ["value"], "", is_output=True, **options)
    events = go(types_of(own), {"s": ("Own", {"value": 1}), "t": ("Own", {"value": 1})}, ["s", "t"], cache)
    assert started(events) == ["s", "t"]


@pytest.mark.parametrize(
    ("answer", "runs_again"),
    [
        (lambda: "same", False),
        (lambda: float("nan"), True),
        (lambda: math.nan, True),
        (lambda: 1 / 0, True),
        (lambda: [object()], True),
    ],
    ids=["constant", "nan", "shared nan", "raising", "opaque"],
)
def test_fingerprint_decides_what_runs_again(answer: Callable[[], Any], runs_again: bool) -> None:
    cache = Classic()
    asked = kind(
        "Asked",
        lambda value: value,
        ["value"],
        is_output=True,
        fingerprint=Question(lambda **_: answer(), frozenset(), True),
    )
    _, events = [go(types_of(asked), {"a": ("Asked", {"value": 1})}, ["a"], cache) for _ in range(2)]
    assert started(events) == (["a"] if runs_again else [])


def test_fingerprint_is_asked_of_every_node_with_links_as_none() -> None:
    asked: list[dict[str, Any]] = []

    def ask(**inputs: Any) -> int:
        asked.append(inputs)
        return 1

    type_ = kind(
        "Asked",
        lambda **_: 1,
        ["value", "link"],
        hidden={"id": "UNIQUE_ID"},
        fingerprint=Question(ask, frozenset(), True),
    )
    nodes = {
        "n": ("Number", {"value": 1}),
        "far": ("Asked", {"value": 1, "link": ["n", 0], "undeclared": 3}),
        "s": ("Show", {"value": ["n", 0]}),
    }
    go(types_of(NUMBER, SHOW, type_), nodes, ["s"])
    assert asked == [{"value": 1, "link": None, "id": "far"}]


def test_fingerprint_that_came_with_the_prompt_is_not_asked_again() -> None:
    asked: list[int] = []
    type_ = kind(
        "Asked",
        lambda value: value,
        ["value"],
        is_output=True,
        fingerprint=Question(lambda **_: asked.append(1), frozenset(), True),
    )
    plan = make_plan(Graph({"a": Node("a", "Asked", {"value": 1}, is_changed=["then"])}), ["a"])
    cache = Classic()
    _, events = [list(alone(run(plan, types_of(type_), cache))) for _ in range(2)]
    assert asked == []
    assert started(events) == []


def test_instances_live_as_long_as_their_node_is_in_the_prompt() -> None:
    class Counting:
        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, value: int) -> Result:
            self.calls += 1
            return Result((self.calls,))

    sink = Sink()
    types = types_of(kind("Counting", print, ["value"], make=Counting), sink.type)
    cache = Classic()

    def nodes(value: int, id: str = "c") -> dict[str, Any]:
        return {id: ("Counting", {"value": value}), "end": ("Sink", {"value": [id, 0]})}

    for value in (1, 2):
        go(types, nodes(value), ["end"], cache)
    go(types, nodes(3, "other"), ["end"], cache)
    go(types, nodes(4), ["end"], cache)
    assert sink.seen == [1, 2, 1, 1]


def test_blocked_element_is_left_out_and_the_others_go_on(cache: Cache) -> None:
    sink = Sink()
    gate = kind("Gate", lambda value: ExecutionBlocker(None) if value == 1 else value, ["value"])
    nodes = {"l": ("List", {"count": 3}), "g": ("Gate", {"value": ["l", 0]}), "end": ("Sink", {"value": ["g", 0]})}
    events = go(types_of(LIST, gate, sink.type), nodes, ["end"], cache)
    assert sink.seen == [0, 2]
    assert isinstance(events[-1], RunFinished)


def test_every_direct_consumer_reports_a_blocker_and_passes_on_a_silent_one(cache: Cache) -> None:
    sink = Sink()
    gate = kind("Gate", lambda: ExecutionBlocker("closed"))
    nodes = {
        "g": ("Gate", {}),
        "a": ("Number", {"value": ["g", 0]}),
        "b": ("Sink", {"value": ["g", 0]}),
        "c": ("Sink", {"value": ["a", 0], "other": 1}),
    }
    events = go(types_of(gate, NUMBER, sink.type), nodes, ["b", "c"], cache)
    told = [(each.node.id, each.node_type, each.message) for each in events if isinstance(each, Blocked)]
    assert sorted(told) == [("a", "Number", "Execution Blocked: closed"), ("b", "Sink", "Execution Blocked: closed")]
    assert sink.seen == []
    assert isinstance(events[-1], RunFinished)


def test_failure_ends_the_run_and_says_where_and_with_what() -> None:
    cache = Classic()

    def fail(value: int, thing: Any) -> None:
        raise ValueError("too odd")

    failing = kind("Fail", fail, ["value", "thing"], is_output=True)
    nodes = {"l": ("List", {"count": 2}), "f": ("Fail", {"value": ["l", 0], "thing": {"k": 1}})}
    failure = go(types_of(LIST, failing), nodes, ["f"], cache)[-1]
    assert isinstance(failure, RunFailed)
    assert (failure.node_id, failure.node_type, failure.exception_type) == ("f", "Fail", "ValueError")
    assert failure.message == "too odd\n"
    assert failure.inputs == {"value": [0, 1], "thing": ["{'k': 1}"]}
    assert (failure.executed, failure.outputs) == (("l",), ("l",))
    assert "raise ValueError" in failure.traceback[-1]
    assert cached(go(types_of(LIST, failing), nodes, ["f"], cache)) == ["l"]


@pytest.mark.parametrize("error", [SystemExit(3), StopIteration(), RecursionError("deep")], ids=repr)
def test_no_error_of_a_node_leaves_the_run(error: BaseException, cache: Cache) -> None:
    def fail() -> None:
        raise error

    last = go(types_of(kind("Fail", fail, [], "", is_output=True)), {"f": ("Fail", {})}, ["f"], cache)[-1]
    assert isinstance(last, RunFailed)
    assert last.node_id == "f"


def test_keyboard_interrupt_is_not_swallowed() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(types_of(kind("Stop", stop, [], "", is_output=True)), {"f": ("Stop", {})}, ["f"])


def test_link_to_nowhere_fails_the_run_with_the_node(cache: Cache) -> None:
    last = go(types_of(SHOW), {"s": ("Show", {"value": 1, "stray": ["gone", 0]})}, ["s"], cache)[-1]
    assert isinstance(last, RunFailed)
    assert (last.node_id, last.node_type) == ("s", "Show")
    assert "input stray links to node gone, which does not exist" in last.message


def test_unknown_type_behind_an_undeclared_link_fails_the_run_with_the_node(cache: Cache) -> None:
    nodes = {"x": ("Nothing known", {}), "s": ("Show", {"value": 1, "stray": ["x", 0]})}
    last = go(types_of(SHOW), nodes, ["s"], cache)[-1]
    assert isinstance(last, RunFailed)
    assert (last.node_id, last.node_type, last.exception_type) == ("x", "Nothing known", "KeyError")


def test_circle_fails_the_run(cache: Cache) -> None:
    nodes = {
        "a": ("Number", {"value": ["b", 0]}),
        "b": ("Number", {"value": ["a", 0]}),
        "s": ("Show", {"value": ["a", 0]}),
    }
    last = go(types_of(NUMBER, SHOW), nodes, ["s"], cache)[-1]
    assert isinstance(last, RunFailed)
    assert (last.exception_type, last.node_id) == ("graph.DependencyCycleError", "a")
    assert (last.message, last.traceback, last.inputs) == ("Dependency cycle detected\n", (), {})


@pytest.mark.parametrize("error", [MemoryError("no room"), torch.OutOfMemoryError("CUDA out of memory")], ids=repr)
def test_run_after_one_out_of_memory_works_and_keeps_what_was_done(error: Exception) -> None:
    errors = [error]
    cache = Classic()

    def heavy(value: int) -> Result:
        if errors:
            raise errors.pop()
        return Result(ui={"text": [str(value)]})

    types = types_of(NUMBER, kind("Heavy", heavy, ["value"], "", is_output=True))
    nodes = {"n": ("Number", {"value": 1}), "h": ("Heavy", {"value": ["n", 0]})}
    failure = go(types, nodes, ["h"], cache)[-1]
    assert isinstance(failure, RunFailed)
    assert failure.out_of_memory
    assert failure.message.startswith(f"{error}\n")
    assert "Make the picture, the batch or the model smaller" in failure.message
    assert started(go(types, nodes, ["h"], cache)) == ["h"]


def test_memory_of_a_call_that_ran_out_of_it_is_free_when_the_run_says_so() -> None:
    class Big:
        pass

    alive: list[weakref.ref[Big]] = []

    def heavy(value: Any) -> None:
        big = Big()
        alive.extend([weakref.ref(big), weakref.ref(value)])
        raise MemoryError("no room")

    types = types_of(kind("Make", lambda: Big()), kind("Heavy", heavy, ["value"], "", is_output=True))
    plan = make_plan(graph({"m": ("Make", {}), "h": ("Heavy", {"value": ["m", 0]})}), ["h"])
    for event in alone(run(plan, types, Nothing())):
        if isinstance(event, RunFailed):
            assert [each() for each in alive] == [None, None]


def test_only_wanted_outputs_and_their_sources_run(cache: Cache) -> None:
    nodes = {
        "n": ("Number", {"value": 7}),
        "s": ("Show", {"value": ["n", 0]}),
        "t": ("Show", {"value": 8}),
    }
    assert started(go(types_of(NUMBER, SHOW), nodes, ["s"], cache)) == ["n", "s"]


def test_node_code_runs_in_a_loop_and_without_gradients(cache: Cache) -> None:
    seen: list[bool] = []

    def look() -> None:
        seen.append(asyncio.get_running_loop().is_running() and torch.is_inference_mode_enabled())

    go(types_of(kind("Look", look, [], "", is_output=True)), {"l": ("Look", {})}, ["l"], cache)
    assert seen == [True]
    assert not torch.is_inference_mode_enabled()


def test_small_lru_keeps_the_prompt_at_hand() -> None:
    cache = Recent(1)
    nodes = {"n": ("Number", {"value": 7}), "s": ("Show", {"value": ["n", 0]})}
    go(types_of(NUMBER, SHOW), nodes, ["s"], cache)
    assert started(go(types_of(NUMBER, SHOW), nodes, ["s"], cache)) == []
