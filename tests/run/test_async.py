import asyncio
from collections.abc import Mapping
from typing import Any

from engine.node.context import executing
from engine.node.spec import Question
from engine.run.cache import Cache
from engine.run.events import Executed, NodeFinished, RunFailed, RunFinished
from tests.run.small_nodes import Sink, go, kind, started, types_of

LIST = kind("List", lambda count: (list(range(count)),), ["count"], "INT[]")


class Meeting:
    """An asynchronous node whose calls end only when so many of them wait at once."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.here: list[Any] = []
        self.together = asyncio.Event()
        self.type = kind("Meet", self.meet, ["value"], is_async=True)

    async def meet(self, value: Any) -> Any:
        self.here.append((value, executing()))
        if len(self.here) == self.size:
            self.together.set()
        await self.together.wait()
        return value * 10


def test_independent_asynchronous_nodes_overlap(cache: Cache) -> None:
    sink, meeting = Sink(), Meeting(3)
    nodes: dict[str, Any] = {str(i): ("Meet", {"value": i}) for i in range(3)}
    nodes |= {f"end{i}": ("Sink", {"value": [str(i), 0]}) for i in range(3)}
    events = go(types_of(meeting.type, sink.type), nodes, ["end0", "end1", "end2"], cache)
    assert isinstance(events[-1], RunFinished)
    assert sorted(sink.seen) == [0, 10, 20]
    assert sorted(started(events)) == ["0", "1", "2", "end0", "end1", "end2"]


def test_calls_for_the_elements_of_a_list_overlap_and_know_their_index(cache: Cache) -> None:
    sink, meeting = Sink(), Meeting(3)
    nodes = {"l": ("List", {"count": 3}), "m": ("Meet", {"value": ["l", 0]}), "end": ("Sink", {"value": ["m", 0]})}
    go(types_of(LIST, meeting.type, sink.type), nodes, ["end"], cache)
    assert sink.seen == [0, 10, 20]
    assert [(value, call.node_id, call.list_index) for value, call in meeting.here] == [(i, "m", i) for i in range(3)]


def test_plain_nodes_go_on_while_an_asynchronous_one_waits(cache: Cache) -> None:
    sink = Sink()
    opened = asyncio.Event()

    async def wait() -> str:
        await opened.wait()
        return "opened"

    types = types_of(kind("Wait", wait, is_async=True), kind("Open", opened.set, [], "", is_output=True), sink.type)
    nodes = {"w": ("Wait", {}), "end": ("Sink", {"value": ["w", 0]}), "o": ("Open", {})}
    events = go(types, nodes, ["end", "o"], cache)
    assert sink.seen == ["opened"]
    assert started(events) == ["w", "o", "end"]


def test_call_that_ends_at_once_takes_no_second_visit(cache: Cache) -> None:
    async def quick() -> int:
        return 1

    sink = Sink()
    nodes = {"q": ("Quick", {}), "end": ("Sink", {"value": ["q", 0]})}
    assert started(go(types_of(kind("Quick", quick, is_async=True), sink.type), nodes, ["end"], cache)) == ["q", "end"]
    assert sink.seen == [1]


def test_error_of_an_asynchronous_call_is_its_nodes(cache: Cache) -> None:
    async def fail(value: int) -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        raise ValueError("later")

    nodes = {"f": ("Fail", {"value": 1})}
    last = go(types_of(kind("Fail", fail, ["value"], "", is_output=True, is_async=True)), nodes, ["f"], cache)[-1]
    assert isinstance(last, RunFailed)
    assert (last.node_id, last.message, last.inputs) == ("f", "later\n", {})


def test_failure_elsewhere_cancels_what_waits(cache: Cache) -> None:
    cancelled: list[bool] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    def fail() -> None:
        raise ValueError("now")

    types = types_of(
        kind("Wait", forever, [], "", is_output=True, is_async=True), kind("Fail", fail, [], "", is_output=True)
    )
    last = go(types, {"w": ("Wait", {}), "f": ("Fail", {})}, ["w", "f"], cache)[-1]
    assert isinstance(last, RunFailed)
    assert last.node_id == "f"
    assert cancelled == [True]


def test_equal_asynchronous_nodes_share_one_result(cache: Cache) -> None:
    values = iter("ab")
    sink = Sink()

    async def slow() -> str:
        value = next(values)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return value

    both = kind("Both", lambda a, b: ((a, b),), ["a", "b"])
    nodes = {
        "1": ("Slow", {}),
        "2": ("Slow", {}),
        "b": ("Both", {"a": ["1", 0], "b": ["2", 0]}),
        "end": ("Sink", {"value": ["b", 0]}),
    }
    events = go(types_of(kind("Slow", slow, is_async=True), both, sink.type), nodes, ["end"], cache)
    assert len(set(sink.seen[0])) == 1
    assert sum(isinstance(each, Executed) for each in events) == 1
    assert sum(isinstance(each, NodeFinished) for each in events) == 4


def test_fingerprint_may_be_a_promise(cache: Cache) -> None:
    async def ask(value: int) -> int:
        await asyncio.sleep(0)
        return value

    sink = Sink()
    asked = kind("Asked", lambda value: value, ["value"], fingerprint=Question(ask, frozenset({"value"})))
    go(types_of(asked, sink.type), {"a": ("Asked", {"value": 5}), "end": ("Sink", {"value": ["a", 0]})}, ["end"], cache)
    assert sink.seen == [5]


def test_lazy_inputs_of_asynchronous_nodes_are_evaluated_first(cache: Cache) -> None:
    def unmet(made: Any, inputs: Mapping[str, Any]) -> list[str]:
        return ["value"]

    async def take(value: Any) -> Any:
        return value

    sink = Sink()
    lazy = kind("Take", take, {"value": {"lazy": True}}, is_async=True, unmet=unmet)
    number = kind("Number", lambda value: value, ["value"])
    nodes = {"n": ("Number", {"value": 2}), "t": ("Take", {"value": ["n", 0]}), "end": ("Sink", {"value": ["t", 0]})}
    assert started(go(types_of(lazy, number, sink.type), nodes, ["end"], cache)) == ["t", "n", "t", "end"]
    assert sink.seen == [2]
