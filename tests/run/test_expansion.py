from collections.abc import Callable
from typing import Any

import pytest

from engine.graph.live import DynamicPrompt
from engine.node.context import executing
from engine.node.spec import ExecutionBlocker, NodeType, Question, Result
from engine.run.cache import Cache
from engine.run.events import Executed, NodeFinished, NodeStarted, RunFailed, RunFinished
from engine.run.policies import Classic, Nothing
from tests.run.small_nodes import Sink, go, kind, shown, started, types_of

NUMBER = kind("Number", lambda value: value, ["value"])
ADD = kind("Add", lambda a, b: a + b, ["a", "b"])
LIST = kind("List", lambda count: (list(range(count)),), ["count"], "INT[]")
SHOW = kind("Show", lambda value: Result(ui={"text": [str(value)]}), ["value"], "", is_output=True)


def place(name: str) -> str:
    """An id for a new node, as packs make them: the expanding node, the call, the graph of that call, a name."""
    call = executing()
    assert call is not None
    return f"{call.node_id}.{call.list_index or 0}.0.{name}"


def expanding(id: str, function: Callable[..., Any], *names: str, **options: Any) -> NodeType:
    return kind(id, function, names, **options)


def increase(value: Any) -> Result:
    one = place("1")
    return Result([[one, 0]], expand={one: {"class_type": "Add", "inputs": {"a": value, "b": 1}}})


INCREASE = expanding("Increase", increase, "value")


def test_graph_takes_the_place_of_its_node(cache: Cache) -> None:
    sink = Sink()
    nodes = {"e": ("Increase", {"value": 4}), "end": ("Sink", {"value": ["e", 0]})}
    events = go(types_of(INCREASE, ADD, sink.type), nodes, ["end"], cache)
    assert sink.seen == [5]
    told = [(type(each), each.node.id) for each in events if isinstance(each, (NodeStarted, NodeFinished))]
    assert told[:4] == [(NodeStarted, "e"), (NodeStarted, "e.0.0.1"), (NodeFinished, "e.0.0.1"), (NodeFinished, "e")]
    inner = next(each.node for each in events if isinstance(each, NodeStarted) and each.node.id == "e.0.0.1")
    assert (inner.display, inner.parent, inner.real) == ("e", "e", "e")


def test_expanding_nodes_nest(cache: Cache) -> None:
    def twice(value: int) -> Result:
        a, b = place("a"), place("b")
        expand = {
            a: {"class_type": "Increase", "inputs": {"value": value}},
            b: {"class_type": "Increase", "inputs": {"value": [a, 0]}, "override_display_id": "end"},
        }
        return Result([[b, 0]], expand=expand)

    sink = Sink()
    nodes = {"e": ("Twice", {"value": 4}), "end": ("Sink", {"value": ["e", 0]})}
    events = go(types_of(expanding("Twice", twice, "value"), INCREASE, ADD, sink.type), nodes, ["end"], cache)
    assert sink.seen == [6]
    inner = {each.node.id: each.node for each in events if isinstance(each, NodeStarted)}
    deepest = inner["e.0.0.b.0.0.1"]
    assert (deepest.display, deepest.parent, deepest.real) == ("end", "e.0.0.b", "e")


def test_mapped_node_expands_once_per_call_and_may_mix_in_plain_results(cache: Cache) -> None:
    def odd_only(value: int) -> Any:
        return increase(value) if value % 2 else (value,)

    sink = Sink()
    nodes = {"l": ("List", {"count": 4}), "e": ("Odd", {"value": ["l", 0]}), "end": ("Sink", {"value": ["e", 0]})}
    events = go(types_of(expanding("Odd", odd_only, "value"), LIST, ADD, sink.type), nodes, ["end"], cache)
    assert sink.seen == [0, 2, 2, 4]
    assert {"e.1.0.1", "e.3.0.1"} <= set(started(events))


def test_list_of_a_graph_stays_in_its_slot(cache: Cache) -> None:
    def lists() -> Result:
        id = place("l")
        return Result([[id, 0], "x"], expand={id: {"class_type": "List", "inputs": {"count": 3}}})

    sink = Sink()
    both = kind("Both", lambda a, b: ((a, b),), ["a", "b"])
    nodes = {
        "e": ("Lists", {}),
        "b": ("Both", {"a": ["e", 0], "b": ["e", 1]}),
        "end": ("Sink", {"value": ["b", 0]}),
    }
    types = types_of(kind("Lists", lists, [], "INT[] STRING"), LIST, both, sink.type)
    go(types, nodes, ["end"], cache)
    assert sink.seen == [(0, "x"), (1, "x"), (2, "x")]


def test_output_nodes_of_a_graph_run_though_nobody_waits_for_them(cache: Cache) -> None:
    def showing(value: int) -> Result:
        shows, unused = place("s"), place("u")
        expand = {
            shows: {"class_type": "Show", "inputs": {"value": value}},
            unused: {"class_type": "Number", "inputs": {"value": 1}},
        }
        return Result([value], {"text": ["at once"]}, expand)

    nodes = {"e": ("Showing", {"value": 3}), "end": ("Show", {"value": ["e", 0]})}
    events = go(types_of(expanding("Showing", showing, "value"), SHOW, NUMBER), nodes, ["end"], cache)
    assert sorted(id for id, _ in shown(events)) == ["e", "e.0.0.s", "end"]
    assert [each.output for each in events if isinstance(each, Executed)][0] == {"text": ["at once"]}
    assert "e.0.0.s" in started(events)
    assert "e.0.0.u" not in started(events)


def test_links_into_the_prompt_are_followed(cache: Cache) -> None:
    def far() -> Result:
        return Result([["n", 0]], expand={})

    sink = Sink()
    nodes = {"n": ("Number", {"value": 8}), "e": ("Far", {}), "end": ("Sink", {"value": ["e", 0]})}
    go(types_of(kind("Far", far), NUMBER, sink.type), nodes, ["end"], cache)
    assert sink.seen == [8]


def test_blocker_with_an_expansion_blocks_all_slots(cache: Cache) -> None:
    sink = Sink()
    closed = kind("Closed", lambda: Result(ExecutionBlocker(), expand={}))
    last = go(types_of(closed, sink.type), {"e": ("Closed", {}), "end": ("Sink", {"value": ["e", 0]})}, ["end"], cache)[
        -1
    ]
    assert isinstance(last, RunFinished)
    assert sink.seen == []


@pytest.mark.parametrize(
    ("expand", "result", "exception", "words"),
    [
        (
            {"n": {"class_type": "Number", "inputs": {}}},
            [1],
            "execution.DuplicateNodeError",
            "Attempt to add duplicate node n.",
        ),
        ({"x": {"class_type": "Unknown", "inputs": {}}}, [1], "KeyError", "unknown type 'Unknown'"),
        ({"x": {"inputs": {}}}, [1], "engine.graph.prompt.PromptError", "class_type"),
        ({}, [["gone", 0]], "comfy_execution.graph.NodeNotFoundError", "link to node gone, which does not exist"),
        (
            {"x": {"class_type": "Number", "inputs": {"value": ["gone", 0]}}},
            [["x", 0]],
            "comfy_execution.graph.NodeNotFoundError",
            "input value links to node gone",
        ),
        ({"x": {"class_type": "Add", "inputs": {"a": 1, "b": "one"}}}, [["x", 0]], "TypeError", "unsupported operand"),
    ],
    ids=["duplicate id", "unknown type", "no node", "link to nowhere", "input from nowhere", "error inside"],
)
def test_bad_expansion_is_the_failure_of_the_real_node(
    expand: Any, result: Any, exception: str, words: str, cache: Cache
) -> None:
    sink = Sink()
    bad = kind("Bad", lambda: Result(result, expand=expand))
    nodes = {"n": ("Number", {"value": 1}), "e": ("Bad", {}), "end": ("Sink", {"value": ["e", 0]})}
    last = go(types_of(bad, NUMBER, ADD, sink.type), nodes, ["end"], cache)[-1]
    assert isinstance(last, RunFailed)
    assert (last.node_id, last.node_type, last.exception_type) == ("e", "Bad", exception)
    assert words in last.message


def test_circle_inside_an_expansion_is_told_of_the_expanding_node(cache: Cache) -> None:
    def circular() -> Result:
        id = place("1")
        return Result([[id, 0]], expand={id: {"class_type": "Number", "inputs": {"value": ["e", 0]}}})

    sink = Sink()
    nodes = {"e": ("Circular", {}), "end": ("Sink", {"value": ["e", 0]})}
    last = go(types_of(kind("Circular", circular), NUMBER, sink.type), nodes, ["end"], cache)[-1]
    assert isinstance(last, RunFailed)
    assert (last.node_id, last.exception_type) == ("e", "graph.DependencyCycleError")


def test_expanding_again_calls_only_what_is_new() -> None:
    calls: list[int] = []

    def heavy(value: int) -> int:
        calls.append(value)
        return value * 10

    def spread(value: int) -> Result:
        fixed, varying, total = place("f"), place("v"), place("t")
        expand = {
            fixed: {"class_type": "Heavy", "inputs": {"value": 1}},
            varying: {"class_type": "Heavy", "inputs": {"value": value}},
            total: {"class_type": "Add", "inputs": {"a": [fixed, 0], "b": [varying, 0]}},
        }
        return Result([[total, 0]], expand=expand)

    sink, cache = Sink(), Classic()
    types = types_of(kind("Heavy", heavy, ["value"]), expanding("Spread", spread, "value"), ADD, sink.type)
    for value in (2, 3, 2):
        go(types, {"e": ("Spread", {"value": value}), "end": ("Sink", {"value": ["e", 0]})}, ["end"], cache)
    assert sink.seen == [30, 40, 30]
    assert sorted(calls) == [1, 2, 2, 3]


def loop_types(sink: Sink, **options: Any) -> dict[str, NodeType]:
    """A loop by expansion: `Close` clones what lies between it and `Open`, itself included, until enough is counted."""

    def close(flow: list[Any], count: int, state: int, live: DynamicPrompt, id: str) -> Any:
        if count <= 1:
            return (state,)
        opened, body = live.get_node(flow[0]), live.get_node(id)["inputs"]["state"][0]
        root = live.get_real_node_id(id)
        names = {kind: f"{root}.{count}.{kind}" for kind in ("open", "body", "close")}
        between = dict(live.get_node(body)["inputs"]) | {"a": [names["open"], 0]}
        expand = {
            names["open"]: {"class_type": opened["class_type"], "inputs": {"state": state}},
            names["body"]: {
                "class_type": live.get_node(body)["class_type"],
                "inputs": between,
                "override_display_id": body,
            },
            names["close"]: {
                "class_type": "Close",
                "inputs": {"flow": [names["open"], 0], "count": count - 1, "state": [names["body"], 0]},
            },
        }
        return Result([[names["close"], 0]], expand=expand)

    closing = kind(
        "Close",
        close,
        {"flow": {"rawLink": True}, "count": {}, "state": {}},
        hidden={"live": "DYNPROMPT", "id": "UNIQUE_ID"},
    )
    opening = kind("Open", lambda state: state, ["state"], **options)
    return types_of(opening, closing, ADD, NUMBER, sink.type)


def loop(count: int) -> dict[str, Any]:
    return {
        "step": ("Number", {"value": 3}),
        "open": ("Open", {"state": 0}),
        "body": ("Add", {"a": ["open", 0], "b": ["step", 0]}),
        "close": ("Close", {"flow": ["open", 0], "count": count, "state": ["body", 0]}),
        "end": ("Sink", {"value": ["close", 0]}),
    }


def test_loop_gives_the_right_value_for_every_count_and_again(cache: Cache) -> None:
    sink = Sink()
    types = loop_types(sink)
    for count in (1, 2, 3, 4, 2, 4):
        assert isinstance(go(types, loop(count), ["end"], cache)[-1], RunFinished)
    assert set(sink.seen) == {3, 6, 9, 12}
    assert sink.seen[:4] == [3, 6, 9, 12]


def test_loop_fed_by_a_node_that_always_changes_runs_each_time(cache: Cache) -> None:
    sink = Sink()
    types = loop_types(sink, fingerprint=Question(lambda **_: float("nan"), frozenset(), True))
    for _ in range(2):
        go(types, loop(3), ["end"], cache)
    assert sink.seen == [9, 9]


@pytest.mark.parametrize(("kept", "turns"), [(Classic, 2000), (Nothing, 500)])
def test_loop_of_many_turns_does_each_step_once(kept: Callable[[], Cache], turns: int) -> None:
    sink = Sink()
    events = go(loop_types(sink), loop(turns), ["end"], kept())
    assert isinstance(events[-1], RunFinished)
    assert sink.seen == [3 * turns]
    assert len(started(events)) == 3 * turns + 2
