import pytest

from engine.node.spec import ExecutionBlocker, Output, Result
from engine.run.spread import Forwarded, calls, merged, merged_ui


def test_shorter_lists_repeat_their_last_element() -> None:
    made = list(calls({"a": [0, 1, 2], "b": [5, 6]}, takes_lists=False))
    assert [(each.index, dict(each.arguments)) for each in made] == [
        (0, {"a": 0, "b": 5}),
        (1, {"a": 1, "b": 6}),
        (2, {"a": 2, "b": 6}),
    ]


def test_node_that_takes_lists_is_called_once_with_all_of_them() -> None:
    (only,) = calls({"a": [0, 1], "b": [7]}, takes_lists=True)
    assert dict(only.arguments) == {"a": [0, 1], "b": [7]}


def test_without_values_there_is_one_call_without_arguments() -> None:
    assert [(each.index, dict(each.arguments)) for each in calls({}, False)] == [(None, {})]
    assert [(each.index, dict(each.arguments)) for each in calls({"a": [], "b": []}, False)] == [(None, {})]


def test_one_empty_list_beside_another_fails() -> None:
    with pytest.raises(IndexError, match="list index out of range: a"):
        list(calls({"a": [], "b": [1]}, takes_lists=False))


def test_list_outputs_are_concatenated_and_others_become_elements() -> None:
    outputs = (Output("l", "*", is_list=True), Output("v", "*"))
    assert merged([Result(([1, 2], [3])), Result(([4], 5))], outputs) == ([1, 2, 4], [[3], 5])


def test_blocked_call_blocks_its_element_in_every_slot() -> None:
    blocker = ExecutionBlocker()
    slots = merged([Result(blocker), Result((1, [2, 3]))], (Output("v", "*"), Output("l", "*", is_list=True)))
    assert slots == ([blocker, 1], [blocker, 2, 3])


def test_surplus_values_are_kept_and_missing_ones_fail() -> None:
    assert merged([Result((1, 2))], (Output("v", "*"),)) == ([1], [2])
    with pytest.raises(IndexError, match="call 1 returned 1 values"):
        merged([Result((1, 2)), Result((1,))], (Output("v", "*"),))


def test_list_output_that_is_no_list_is_named() -> None:
    with pytest.raises(TypeError, match=r"output 0 \(l\) is a list output, but the node gave a int"):
        merged([Result((1,))], (Output("l", "*", is_list=True),))


def test_forwarded_lists_stay_in_their_slot() -> None:
    outputs = (Output("l", "*", is_list=True), Output("v", "*"))
    result = Result((Forwarded([1, 2], True), Forwarded([3], False)))
    assert merged([result], outputs) == ([1, 2], [3])
    assert merged([Result((Forwarded([[1, 2]], False), 3))], outputs) == ([1, 2], [3])


def test_ui_follows_the_keys_of_the_first_call() -> None:
    assert merged_ui([Result(ui={"text": ["a"]}), Result(ui={"text": ("b",), "more": [1]})]) == {"text": ["a", "b"]}
    assert merged_ui([Result(ui={"text": "ab"})]) == {"text": ["a", "b"]}
    assert merged_ui([Result()]) is None
    with pytest.raises(KeyError):
        merged_ui([Result(ui={"text": []}), Result(ui={"more": []})])
