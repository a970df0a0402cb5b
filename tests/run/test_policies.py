from typing import Any

import torch

from engine.node.spec import Question
from engine.run.cache import Entry
from engine.run.policies import Budget, Classic, Nothing, Recent
from tests.run.small_nodes import Sink, cached, go, kind, started, types_of

NUMBER = kind("Number", lambda value: value, ["value"])
ADD = kind("Add", lambda a, b: a + b, ["a", "b"])


def prompt(value: int) -> dict[str, Any]:
    return {"n": ("Number", {"value": value}), "end": ("Sink", {"value": ["n", 0]})}


def floats(count: int) -> torch.Tensor:
    return torch.zeros(count)


def entry(value: Any, seconds: float = 1.0) -> Entry:
    return Entry(([value],), None, seconds)


def test_classic_drops_what_the_new_prompt_lacks() -> None:
    cache, types = Classic(), types_of(NUMBER, Sink().type)
    for value, kept in ((1, []), (2, []), (1, []), (1, ["n", "end"])):
        assert cached(go(types, prompt(value), ["end"], cache)) == kept


def test_recent_keeps_earlier_prompts_until_there_are_too_many() -> None:
    cache, types = Recent(4), types_of(NUMBER, Sink().type)
    for value in (1, 2):
        go(types, prompt(value), ["end"], cache)
    assert started(go(types, prompt(1), ["end"], cache)) == []
    go(types, prompt(3), ["end"], cache)  # now 6 results; the oldest, of 2, goes as the next run starts
    assert started(go(types, prompt(1), ["end"], cache)) == []
    assert started(go(types, prompt(2), ["end"], cache)) == ["n", "end"]


def test_nothing_calls_everything_again_with_new_instances() -> None:
    made: list[int] = []

    def make() -> Any:
        made.append(1)
        return NUMBER.make()

    types = types_of(kind("Number", print, ["value"], make=make), Sink().type)
    cache = Nothing()
    for _ in range(2):
        assert started(go(types, prompt(1), ["end"], cache)) == ["n", "end"]
    assert len(made) == 2


def test_nothing_holds_results_no_longer_than_they_are_needed() -> None:
    alive: list[int] = []

    class Big:
        def __init__(self) -> None:
            alive.append(1)

        def __del__(self) -> None:
            alive.pop()

    counts: list[int] = []
    types = types_of(
        kind("Make", lambda: Big()),
        kind("Next", lambda value: (counts.append(len(alive)), Big())[1], ["value"]),
        Sink().type,
        kind("End", lambda value: None, ["value"], "", is_output=True),
    )
    nodes: dict[str, Any] = {"0": ("Make", {})}
    nodes |= {str(i): ("Next", {"value": [str(i - 1), 0], "i": i}) for i in range(1, 6)}
    nodes["end"] = ("End", {"value": ["5", 0]})
    go(types, nodes, ["end"], Nothing())
    assert counts == [1] * 5
    assert not alive


def test_budget_drops_first_what_was_cheap_to_make_for_its_size() -> None:
    cache = Budget(ram=12_000)
    cache.put("dear", entry(floats(500), seconds=10))
    cache.put("cheap and large", entry(floats(1000), seconds=0.1))
    cache.put("cheap and small", entry(floats(10), seconds=0.1))
    cache.put("new", entry(floats(1000), seconds=1))
    assert [key for key in ("dear", "cheap and large", "cheap and small", "new") if key in cache] == [
        "dear",
        "cheap and small",
        "new",
    ]
    assert cache.used("ram") <= 12_000


def test_budget_values_less_what_was_not_used_for_long() -> None:
    cache = Budget(ram=14_000)
    cache.put("old", entry(floats(1000), seconds=1.5))
    for _ in range(5):
        cache.begin({})
    cache.put("fresh", entry(floats(1000), seconds=1))
    cache.put("more", entry(floats(1000), seconds=1))
    assert ["old" in cache, "fresh" in cache, "more" in cache] == [False, True, True]


def test_budget_values_more_what_was_used_again() -> None:
    cache = Budget(ram=14_000)
    cache.put("old", entry(floats(1000), seconds=1.5))
    for _ in range(5):
        cache.begin({})
    assert cache.get("old") is not None
    cache.put("fresh", entry(floats(1000), seconds=1))
    cache.put("more", entry(floats(1000), seconds=1.2))
    assert ["old" in cache, "fresh" in cache, "more" in cache] == [True, False, True]


def test_budget_counts_shared_memory_once_and_frees_it_with_the_last() -> None:
    cache, shared = Budget(ram=10_000), floats(1000)
    cache.put("whole", entry(shared))
    cache.put("part", entry(shared[:10]))
    assert 4000 <= cache.used("ram") < 8000
    cache.put("whole", entry(1))
    assert cache.used("ram") >= 4000
    cache.put("part", entry(1))
    assert cache.used("ram") < 4000


def test_budget_lets_go_of_endless_small_results_too() -> None:
    cache = Budget(ram=100_000)
    for index in range(1000):
        cache.put(str(index), entry(index))
    assert cache.used("ram") <= 100_000
    assert "999" in cache


def test_run_larger_than_the_budget_still_finds_what_it_needs() -> None:
    sink, cache = Sink(), Budget(ram=0)
    nodes: dict[str, Any] = {"0": ("Number", {"value": 1})}
    nodes |= {str(i): ("Add", {"a": [str(i - 1), 0], "b": ["0", 0]}) for i in range(1, 20)}
    nodes["end"] = ("Sink", {"value": ["19", 0]})
    events = go(types_of(NUMBER, ADD, sink.type), nodes, ["end"], cache)
    assert sink.seen == [20]
    assert len(started(events)) == 21


def test_cleared_cache_has_nothing() -> None:
    asked = kind("Number", lambda value: value, ["value"], fingerprint=Question(lambda **_: 1, frozenset()))
    types = types_of(asked, Sink().type)
    for cache in (Classic(), Recent(9), Budget(2**20)):
        go(types, prompt(1), ["end"], cache)
        cache.clear()
        assert started(go(types, prompt(1), ["end"], cache)) == ["n", "end"]
