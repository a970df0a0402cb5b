import asyncio
import threading
from collections.abc import Generator
from typing import Annotated, Any

import pytest
import torch
from torch import Tensor

from engine.api import Anything, node
from engine.diffusion.drive import Ask, Prediction
from engine.graph.plan import make_plan
from engine.node import context
from engine.node.declare import describe
from engine.run.cache import Cache
from engine.run.events import NodeFinished, NodeStarted, Progress, RunFailed, RunFinished, RunInterrupted
from engine.run.policies import Classic
from engine.run.run import alone, run
from tests.run.small_nodes import Sink, go, graph, kind, started, types_of

STEPS = 3
LIST = kind("List", lambda count: (list(range(count)),), ["count"], "INT[]")


def halve(x: Tensor, sigma: Tensor) -> Prediction:
    if not torch.is_inference_mode_enabled():
        raise AssertionError("answers are made under inference mode")
    return Prediction(x / 2)


def refuse(x: Tensor, sigma: Tensor) -> Prediction:
    raise ValueError("no answer")


@node("test")
def sample(start: float) -> Generator[Ask, Prediction, Anything]:
    """Halve a number at each step."""
    x, latest = torch.tensor(start), None
    for step in range(STEPS):
        assert torch.is_inference_mode_enabled()
        answer = yield Ask(halve, x, torch.tensor(1.0), step, STEPS, latest)
        x = latest = answer.x0
    return float(x)


def nodes(start: Any = 8.0) -> dict[str, Any]:
    return {"s": ("sample", {"start": start}), "end": ("Sink", {"value": ["s", 0]})}


def test_asks_go_up_and_answers_come_down() -> None:
    sink = Sink()
    going = run(make_plan(graph(nodes()), ["end"]), types_of(describe(sample), sink.type), Classic())
    asks: list[Ask] = []
    said = next(going)
    try:
        while True:
            assert not torch.is_inference_mode_enabled()
            if isinstance(said, Ask):
                asks.append(said)
                said = going.send(Prediction(said.x - 1))
            else:
                said = next(going)
    except StopIteration:
        pass
    assert [(float(ask.x), ask.step) for ask in asks] == [(8.0, 0), (7.0, 1), (6.0, 2)]
    assert sink.seen == [5.0]


def test_each_step_of_a_sampler_is_told_once_with_its_latest_latent(cache: Cache) -> None:
    sink = Sink()
    events = go(types_of(describe(sample), sink.type), nodes(), ["end"], cache)
    told = [(each.value, each.total, float(each.preview)) for each in events if isinstance(each, Progress)]
    assert told == [(1, 3, 4.0), (2, 3, 2.0), (3, 3, 1.0)]
    assert sink.seen == [1.0]


def test_sampling_nodes_are_mapped_over_lists(cache: Cache) -> None:
    sink = Sink()
    go(types_of(describe(sample), LIST, sink.type), nodes(["l", 0]) | {"l": ("List", {"count": 3})}, ["end"], cache)
    assert sink.seen == [0, 0.125, 0.25]


def test_error_of_an_answer_is_the_asking_nodes(cache: Cache) -> None:
    seen: list[str] = []

    @node("test", is_output=True)
    def fragile() -> Generator[Ask, Prediction, None]:
        """Ask once."""
        try:
            yield Ask(refuse, torch.zeros(1), torch.tensor(1.0), 0, 1)
        except ValueError as error:
            seen.append(str(error))
            raise

    last = go(types_of(describe(fragile)), {"f": ("fragile", {})}, ["f"], cache)[-1]
    assert isinstance(last, RunFailed)
    assert (last.node_id, last.exception_type, last.message) == ("f", "ValueError", "no answer\n")
    assert seen == ["no answer"]


def test_generator_that_yields_no_ask_fails() -> None:
    @node("test", is_output=True)
    def wrong() -> Generator[Any, Any, None]:
        """Yield a number."""
        yield 5

    last = go(types_of(describe(wrong)), {"w": ("wrong", {})}, ["w"])[-1]
    assert isinstance(last, RunFailed)
    assert "yields asks for denoised latents, not a int" in last.message


def test_cancelled_sampling_stops_at_the_next_step_and_tidies_up() -> None:
    stop = threading.Event()
    ended: list[int] = []

    def answer(x: Tensor, sigma: Tensor) -> Prediction:
        stop.set()
        return Prediction(x)

    @node("test", is_output=True)
    def long() -> Generator[Ask, Prediction, None]:
        """Sample for long."""
        step = 0
        try:
            while True:
                yield Ask(answer, torch.zeros(1), torch.tensor(1.0), step, 1000)
                step += 1
        finally:
            ended.append(step)

    last = go(types_of(describe(long)), {"l": ("long", {})}, ["l"], cancelled=stop.is_set)[-1]
    assert last == RunInterrupted("l", "long", ())
    assert ended == [0]


def test_closing_a_run_closes_its_sampler() -> None:
    ended: list[bool] = []

    @node("test", is_output=True)
    def endless() -> Generator[Ask, Prediction, None]:
        """Sample for ever."""
        try:
            while True:
                yield Ask(halve, torch.zeros(1), torch.tensor(1.0), 0, 1)
        finally:
            ended.append(True)

    going = run(make_plan(graph({"e": ("endless", {})}), ["e"]), types_of(describe(endless)), Classic())
    while not isinstance(next(going), Ask):
        pass
    going.close()
    assert ended == [True]


def test_next_node_after_a_cancel_is_the_interrupted_one(cache: Cache) -> None:
    stop = threading.Event()
    types = types_of(kind("Stop", stop.set), Sink().type)
    prompt = {"s": ("Stop", {}), "end": ("Sink", {"value": ["s", 0]})}
    events = go(types, prompt, ["end"], cache, cancelled=stop.is_set)
    assert started(events) == ["s", "end"]
    assert events[-1] == RunInterrupted("end", "Sink", ("s",))


def test_cancel_reaches_a_node_at_its_report_of_progress(cache: Cache) -> None:
    stop = threading.Event()

    def slow() -> None:
        stop.set()
        context.report(1, 5)
        raise AssertionError("went on")

    last = go(
        types_of(kind("Slow", slow, [], "", is_output=True)), {"s": ("Slow", {})}, ["s"], cache, cancelled=stop.is_set
    )[-1]
    assert last == RunInterrupted("s", "Slow", ())


def test_cancel_reaches_a_run_that_only_waits() -> None:
    stop = threading.Event()

    async def wait() -> None:
        stop.set()
        await asyncio.Event().wait()

    last = go(
        types_of(kind("Wait", wait, [], "", is_output=True, is_async=True)),
        {"w": ("Wait", {})},
        ["w"],
        cancelled=stop.is_set,
    )[-1]
    assert last == RunInterrupted("w", "Wait", ())


def work() -> None:
    context.report(1, 2, "picture")
    context.report(2, 2)


WORK = kind("Work", work, [], "", is_output=True)


def test_reported_progress_comes_in_order_within_its_node(cache: Cache) -> None:
    events = go(types_of(WORK), {"w": ("Work", {})}, ["w"], cache)
    assert [type(each) for each in events[2:-1]] == [NodeStarted, Progress, Progress, NodeFinished]
    assert [(each.value, each.preview) for each in events if isinstance(each, Progress)] == [(1, "picture"), (2, None)]


def test_live_progress_is_told_while_the_node_runs() -> None:
    told: list[Progress] = []
    going = run(make_plan(graph({"w": ("Work", {})}), ["w"]), types_of(WORK), Classic(), live=told.append)
    events = list(alone(going))
    assert [each.value for each in told] == [1, 2]
    assert not any(isinstance(each, Progress) for each in events)
    assert isinstance(events[-1], RunFinished)


@pytest.mark.parametrize("count", [2])
def test_calls_know_their_run_and_their_place_in_it(count: int, cache: Cache) -> None:
    seen: list[tuple[str, str, int | None]] = []

    def look(value: Annotated[int, "any"]) -> None:
        call = context.executing()
        assert call is not None
        seen.append((call.prompt_id, call.node_id, call.list_index))

    prompt = {"l": ("List", {"count": count}), "k": ("Look", {"value": ["l", 0]})}
    go(types_of(LIST, kind("Look", look, ["value"], "", is_output=True)), prompt, ["k"], cache)
    assert seen == [("p", "k", 0), ("p", "k", 1)]
    assert context.executing() is None
