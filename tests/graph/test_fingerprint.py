import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from engine.graph.fingerprint import Fingerprints, encoded
from engine.graph.graph import Link, Node
from engine.node.spec import Input, NodeType, Result


def made() -> Callable[..., Result]:
    return Result


TYPES = {
    "T": NodeType("T", made),
    "U": NodeType("U", made),
    "Own": NodeType("Own", made, idempotent=False),
    "Told": NodeType("Told", made, (Input("id", "UNIQUE_ID", "hidden"),)),
}


def keys(changed: Mapping[str, Any] | None = None, **nodes: tuple[str, Mapping[str, Any]]) -> Fingerprints:
    graph = {id: Node(id, type_, inputs) for id, (type_, inputs) in nodes.items()}
    return Fingerprints(graph.get, TYPES, changed or {})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (0, -0.0),
        ([1, 2], (1, 2)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (10**20, 1e20),
        (None, None),
    ],
)
def test_equal_constants_share_a_key(one: Any, other: Any) -> None:
    both = keys(a=("T", {"x": one}), b=("T", {"x": other}))
    assert both["a"] == both["b"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, "1"),
        ("a", "b"),
        ("a", b"a"),
        ([1, 2], [2, 1]),
        ([[1], 2], [1, [2]]),
        ({"a": 1}, {"a": 2}),
        (None, 0),
        (0.1, 0.2),
        ("", None),
        ([], {}),
        ("ab", ["a", "b"]),
    ],
)
def test_different_constants_have_different_keys(one: Any, other: Any) -> None:
    both = keys(a=("T", {"x": one}), b=("T", {"x": other}))
    assert both["a"] != both["b"]


def test_nan_and_objects_equal_nothing() -> None:
    thing, nan = object(), float("nan")
    both = keys(a=("T", {"x": thing}), b=("T", {"x": thing}), c=("T", {"x": [nan]}), d=("T", {"x": [nan]}))
    assert len({both[id] for id in "abcd"}) == 4
    assert both["a"] == both["a"]


def test_key_follows_the_type_the_inputs_the_slots_and_the_sources() -> None:
    all_ = keys(
        a=("T", {"x": 1}),
        type=("U", {"x": 1}),
        name=("T", {"y": 1}),
        b=("T", {"x": 2}),
        after_a=("T", {"x": Link("a", 0)}),
        after_b=("T", {"x": Link("b", 0)}),
        slot=("T", {"x": Link("a", 1)}),
        gone=("T", {"x": Link("nowhere", 0)}),
    )
    ids = ["a", "type", "name", "b", "after_a", "after_b", "slot", "gone"]
    assert len({all_[id] for id in ids}) == len(ids)


def test_ids_count_only_where_a_type_says_so() -> None:
    both = keys(a=("T", {}), b=("T", {}), c=("Own", {}), d=("Own", {}), e=("Told", {}), f=("Told", {}))
    assert both["a"] == both["b"]
    assert both["c"] != both["d"]
    assert both["e"] != both["f"]


def test_changes_that_no_input_tells_count() -> None:
    nodes: Any = {"a": ("T", {})}
    assert keys(**nodes)["a"] == keys({"a": False}, **nodes)["a"]
    assert keys({"a": ["then"]}, **nodes)["a"] != keys({"a": ["now"]}, **nodes)["a"]


def test_order_of_inputs_does_not_count() -> None:
    both = keys(a=("T", {"x": 1, "y": 2}), b=("T", {"y": 2, "x": 1}))
    assert both["a"] == both["b"]


def test_circles_and_long_chains_have_keys() -> None:
    chain = {f"n{i}": ("T", {"x": Link(f"n{i - 1}", 0)} if i else {}) for i in range(20_000)}
    circle = {"a": ("T", {"x": Link("b", 0)}), "b": ("T", {"x": Link("a", 0)})}
    both = keys(None, **chain, **circle)
    assert len(both["n19999"]) == 64
    assert both["a"] != keys(None, **circle)["a"]


def test_deep_constants_and_circular_ones_need_no_recursion() -> None:
    deep: list[Any] = []
    for _ in range(50_000):
        deep = [deep]
    assert encoded(deep) == encoded(deep)
    circle: list[Any] = []
    circle.append(circle)
    assert encoded(circle) != encoded(circle)


def test_keys_are_the_same_in_every_process() -> None:
    code = "from tests.graph.test_fingerprint import keys; print(keys(a=('T', {'x': {'b': [1, 'ä'], 'a': 0.1}}))['a'])"
    told = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert told == {keys(a=("T", {"x": {"a": 0.1, "b": [1, "ä"]}}))["a"] + "\n"}
