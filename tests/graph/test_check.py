"""Every rule of validation, on small node types made by hand."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.graph.check import Verdict, check
from engine.graph.prompt import PromptError, graph_from_prompt
from engine.node.registry import Registry
from engine.node.spec import Input, NodeType, Output, Question, Result

MANY = [f"option {i}" for i in range(30)]


class Wildcard(str):
    """What packs use to fit any type."""

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


def type_(
    id: str,
    inputs: tuple[Input, ...] = (),
    outputs: tuple[Any, ...] = (),
    *,
    is_output: bool = False,
    validator: Question | None = None,
) -> NodeType:
    slots = tuple(Output(str(each), each) for each in outputs)
    return NodeType(
        id,
        lambda: lambda **_: Result(),
        inputs,
        slots,
        is_output=is_output,
        validator=validator,
    )


def asks(function: Callable[..., Any], *names: str, takes_all: bool = False) -> Question:
    return Question(function, frozenset(names), takes_all)


def boom() -> None:
    raise ValueError("the reason")


TYPES = [
    type_("Number", (Input("value", "INT", options={"min": 0, "max": 10}),), ("INT",)),
    type_("Text", (Input("text", "STRING"),), ("STRING",)),
    type_("Both", (), ("IMAGE,FLOAT",)),
    type_("Any", (), (Wildcard("*"),)),
    type_("Plain", (), ("*",)),
    type_("Show", (Input("value", "INT"), Input("extra", "INT", "optional")), is_output=True),
    type_("ShowFloat", (Input("value", "FLOAT"),), is_output=True),
    type_("ShowAny", (Input("value", Wildcard("*")),), is_output=True),
    type_("Pass", (Input("value", "INT"),), ("INT",)),
    type_("Pick", (Input("mode", ["a", "b"]),), (), is_output=True),
    type_("PickMany", (Input("mode", "COMBO", options={"options": MANY}),), (), is_output=True),
    type_(
        "PickSeveral",
        (Input("mode", "COMBO", options={"options": ["a", "b"], "multiselect": True}),),
        is_output=True,
    ),
    type_(
        "Ranged",
        (Input("value", "FLOAT", options={"min": 0.0, "max": 1.0}), Input("flag", "BOOLEAN", "optional")),
        is_output=True,
    ),
    type_(
        "OwnRange",
        (Input("value", "INT", options={"max": 1}),),
        is_output=True,
        validator=asks(lambda value: value < 100 or "too much", "value"),
    ),
    type_(
        "JudgesTypes",
        (Input("value", "INT"),),
        is_output=True,
        validator=asks(lambda input_types: "no " + input_types["value"], "input_types"),
    ),
    type_("Refuses", (Input("value", "INT"),), is_output=True, validator=asks(lambda: "never")),
    type_("Raises", (Input("value", "INT"),), ("INT",), is_output=True, validator=asks(boom)),
]


ROWS = NodeType(
    "Rows",
    lambda: lambda **_: Result(),
    (Input("rows", "GROUP", "optional", is_group=True),),
    is_output=True,
    find_input=lambda name: Input(name, "INT", "optional", {"max": 5}) if name.startswith("rows.row") else None,
)
TYPES.append(ROWS)


def types() -> Mapping[str, NodeType]:
    registry = Registry()
    for each in TYPES:
        registry.add(each.id, lambda each=each: each)
    return registry.snapshot()


def checked(prompt: Any, targets: set[str] | None = None) -> Verdict:
    verdict = check(graph_from_prompt(prompt), types(), targets)
    json.dumps(verdict.node_errors_as_json())  # clients get it as JSON
    return verdict


def a(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def only_error(prompt: Any, id: str) -> dict[str, Any]:
    (problem,) = checked(prompt).node_errors[id].problems
    return problem.as_json()


def test_a_sound_prompt_runs_all_its_outputs_in_order() -> None:
    verdict = checked({"1": a("Number", value=3), "9": a("Show", value=["1", 0]), "4": a("Show", value=1)})
    assert verdict.error is None
    assert verdict.outputs == ("9", "4")
    assert not verdict.node_errors


def test_a_missing_class_stops_everything_even_when_nobody_needs_the_node() -> None:
    verdict = checked({"1": a("Show", value=1), "2": a("Nowhere")})
    assert verdict.error is not None
    assert verdict.error.as_json() == {
        "type": "invalid_prompt",
        "message": "Cannot execute because node Nowhere does not exist.",
        "details": "Node ID '#2'",
        "extra_info": {},
    }


@pytest.mark.parametrize("raw", [None, [], 3, "x"])
def test_what_is_not_an_object_of_nodes_is_refused(raw: Any) -> None:
    with pytest.raises(PromptError, match="object"):
        graph_from_prompt(raw)
    with pytest.raises(PromptError, match="#1"):
        graph_from_prompt({"1": raw})


def test_a_node_without_class_type_is_named() -> None:
    with pytest.raises(PromptError) as caught:
        graph_from_prompt({"7": {"inputs": {}}})
    assert caught.value.as_json() == {
        "type": "invalid_prompt",
        "message": "Cannot execute because a node is missing the class_type property.",
        "details": "Node ID '#7'",
        "extra_info": {},
    }


def test_a_prompt_without_outputs_says_so() -> None:
    verdict = checked({"1": a("Number", value=3)})
    assert verdict.error is not None
    assert verdict.error.type == "prompt_no_outputs"
    assert verdict.error.message == "Prompt has no outputs"


def test_a_required_input_that_is_missing_is_named() -> None:
    verdict = checked({"1": a("Show")})
    assert verdict.error is not None
    assert verdict.error.type == "prompt_outputs_failed_validation"
    assert verdict.error.details == "Required input is missing: value"
    assert verdict.node_errors_as_json() == {
        "1": {
            "errors": [
                {
                    "type": "required_input_missing",
                    "message": "Required input is missing",
                    "details": "value",
                    "extra_info": {"input_name": "value"},
                }
            ],
            "dependent_outputs": ["1"],
            "class_type": "Show",
        }
    }


def test_one_bad_output_does_not_stop_the_other() -> None:
    verdict = checked({"1": a("Show"), "2": a("Show", value=1)})
    assert verdict.error is None
    assert verdict.outputs == ("2",)
    assert list(verdict.node_errors) == ["1"]


def test_an_invalid_source_is_reported_once_with_its_true_dependents() -> None:
    prompt = {
        "1": a("Number", value=99),
        "2": a("Show", value=["1", 0]),
        "3": a("Show", value=["1", 0]),
        "4": a("Show"),
    }
    verdict = checked(prompt)
    assert verdict.error is not None
    assert verdict.error.details == "Required input is missing: value"
    assert verdict.node_errors["1"].dependent_outputs == ("2", "3")
    assert set(verdict.node_errors) == {"1", "4"}


def test_linked_types_must_fit() -> None:
    error = only_error({"1": a("Text", text="x"), "2": a("Show", value=["1", 0])}, "2")
    assert error["type"] == "return_type_mismatch"
    assert error["message"] == "Return type mismatch between linked nodes"
    assert error["details"] == "value, received_type(STRING) mismatch input_type(INT)"
    assert error["extra_info"] == {
        "input_name": "value",
        "input_config": ["INT", {}],
        "received_type": "STRING",
        "linked_node": ["1", 0],
    }


@pytest.mark.parametrize(
    ("source", "target"), [("Both", "ShowFloat"), ("Any", "Show"), ("Plain", "Show"), ("Text", "ShowAny")]
)
def test_comma_lists_and_wildcards_fit(source: str, target: str) -> None:
    assert checked({"1": a(source, text="x"), "2": a(target, value=["1", 0])}).outputs == ("2",)


def test_a_link_must_be_a_pair() -> None:
    error = only_error({"1": a("Show", value=["1", 0, 3])}, "1")
    assert error["type"] == "bad_linked_input"
    assert error["message"] == "Bad linked input, must be a length-2 list of [node_id, slot_index]"
    assert error["extra_info"]["received_value"] == ["1", 0, 3]


@pytest.mark.parametrize(
    ("link", "kind"),
    [(["99", 0], "KeyError"), ([99, 0], "KeyError"), (["1", 5], "IndexError"), (["1", 0.5], "TypeError")],
)
def test_a_link_to_nowhere_is_filed_on_the_output_itself(link: list[Any], kind: str) -> None:
    error = only_error({"1": a("Number", value=1), "2": a("Show", value=link)}, "2")
    assert error["type"] == "exception_during_validation"
    assert error["extra_info"]["exception_type"] == kind
    if link[0] == "99":
        assert error["details"] == "'99'"


def test_a_link_to_nowhere_further_up_is_filed_there_with_the_input_it_feeds() -> None:
    error = only_error({"1": a("Pass", value=["99", 0]), "2": a("Show", value=["1", 0])}, "1")
    assert error["type"] == "exception_during_inner_validation"
    assert error["message"] == "Exception when validating inner node"
    assert error["extra_info"]["input_name"] == "value"
    assert error["extra_info"]["linked_node"] == ["1", 0]
    assert error["extra_info"]["exception_message"] == "'99'"


def test_negative_slots_count_from_the_end() -> None:
    assert checked({"1": a("Number", value=1), "2": a("Show", value=["1", -1])}).outputs == ("2",)


def test_constants_become_the_declared_type() -> None:
    verdict = checked({"1": a("Show", value="12"), "2": a("Ranged", value="0.5", flag="false")})
    assert verdict.graph["1"].inputs["value"] == 12
    assert verdict.graph["2"].inputs == {"value": 0.5, "flag": True}


def test_what_cannot_become_the_declared_type_says_why() -> None:
    error = only_error({"1": a("Show", value="twelve")}, "1")
    assert error["type"] == "invalid_input_type"
    assert error["message"] == "Failed to convert an input value to a INT value"
    assert error["details"].startswith("value, twelve, invalid literal")
    assert error["extra_info"]["received_value"] == "twelve"


def test_not_a_number_is_refused_where_there_is_a_range() -> None:
    assert only_error({"1": a("Ranged", value=math.nan)}, "1")["type"] == "invalid_input_type"
    assert only_error({"1": a("Ranged", value=math.inf)}, "1")["type"] == "value_bigger_than_max"


def test_ranges_hold() -> None:
    low = only_error({"1": a("Number", value=-1), "2": a("Show", value=["1", 0])}, "1")
    assert (low["type"], low["message"]) == ("value_smaller_than_min", "Value -1 smaller than min of 0")
    high = only_error({"1": a("Ranged", value=2)}, "1")
    assert (high["type"], high["message"]) == ("value_bigger_than_max", "Value 2.0 bigger than max of 1.0")
    assert high["extra_info"]["received_value"] == 2.0


def test_a_validator_that_names_an_input_judges_its_range_itself() -> None:
    assert checked({"1": a("OwnRange", value=50)}).outputs == ("1",)
    error = only_error({"1": a("OwnRange", value=500)}, "1")
    assert error["type"] == "custom_validation_failed"
    assert error["details"] == "value - too much"
    assert error["extra_info"] == {"input_name": "value"}


def test_a_choice_must_be_offered() -> None:
    error = only_error({"1": a("Pick", mode="c")}, "1")
    assert error["type"] == "value_not_in_list"
    assert error["details"] == "mode: 'c' not in ['a', 'b']"
    assert error["extra_info"]["input_config"] == [["a", "b"], {}]


def test_long_lists_of_choices_are_counted_not_printed() -> None:
    error = only_error({"1": a("PickMany", mode="c")}, "1")
    assert error["details"] == "mode: 'c' not in (list of length 30)"
    assert error["extra_info"]["input_config"] is None


def test_each_item_of_a_multiple_choice_is_looked_up() -> None:
    assert checked({"1": a("PickSeveral", mode={"__value__": ["a", "b"]})}).outputs == ("1",)
    assert only_error({"1": a("PickSeveral", mode={"__value__": ["a", "x"]})}, "1")["details"].startswith(
        "mode: 'x' not"
    )


def test_a_validator_may_judge_types_in_place_of_the_rule() -> None:
    error = only_error({"1": a("Text", text="x"), "2": a("JudgesTypes", value=["1", 0])}, "2")
    assert error["type"] == "custom_validation_failed"
    assert error["details"] == "input_types - no STRING"


def test_a_validator_without_arguments_is_still_heard() -> None:
    error = only_error({"1": a("Refuses", value=1)}, "1")
    assert (error["type"], error["details"], error["extra_info"]) == ("custom_validation_failed", "never", {})


def test_a_validator_that_raises_is_filed_with_its_traceback() -> None:
    error = only_error({"1": a("Raises", value=1)}, "1")
    assert (error["type"], error["details"]) == ("exception_during_validation", "the reason")
    assert error["extra_info"]["exception_type"] == "ValueError"
    assert any("boom" in line for line in error["extra_info"]["traceback"])


def test_cycles_are_named_with_their_nodes() -> None:
    prompt = {"1": a("Pass", value=["2", 0]), "2": a("Pass", value=["1", 0]), "3": a("Show", value=["1", 0])}
    verdict = checked(prompt)
    assert verdict.error is not None
    assert set(verdict.node_errors) == {"1", "2"}
    error = verdict.node_errors["1"].problems[0].as_json()
    assert error["type"] == "dependency_cycle"
    assert error["message"] == "Dependency cycle detected"
    assert set(error["extra_info"]["cycle_nodes"]) == {"1", "2"}
    assert " -> " in error["details"]
    assert "(Pass)" in error["details"]
    assert verdict.node_errors["1"].dependent_outputs == ("3",)


def test_a_node_linked_to_itself_is_a_cycle() -> None:
    prompt = {"1": a("Pass", value=["1", 0]), "2": a("Show", value=["1", 0])}
    assert checked(prompt).node_errors["1"].problems[0].extra_info["cycle_nodes"] == ["1"]


def test_a_cycle_that_nobody_needs_does_no_harm() -> None:
    prompt = {"1": a("Pass", value=["1", 0]), "2": a("Show", value=1)}
    verdict = checked(prompt)
    assert verdict.outputs == ("2",)
    assert not verdict.node_errors


def test_only_the_targets_are_roots() -> None:
    prompt = {"1": a("Show", value=1), "2": a("Show"), "3": a("Number", value=1)}
    assert checked(prompt, {"1", "3", "absent"}).outputs == ("1",)
    assert checked(prompt, {"3"}).error is not None


def test_members_of_a_group_are_judged_as_if_they_were_listed() -> None:
    prompt = {"1": a("Number", value="7"), "2": a("Rows", **{"rows.row0": ["1", 0], "rows.row1": "4", "rows.x": "z"})}
    verdict = checked(prompt)
    assert verdict.outputs == ("2",)
    assert verdict.graph["1"].inputs["value"] == 7
    assert verdict.graph["2"].inputs["rows.row1"] == 4
    assert only_error({"2": a("Rows", **{"rows.row0": 9})}, "2")["type"] == "value_bigger_than_max"
    circle = {"1": a("Pass", value=["1", 0]), "2": a("Rows", **{"rows.row0": ["1", 0]})}
    assert checked(circle).node_errors["1"].dependent_outputs == ("2",)


def test_undeclared_inputs_are_not_judged() -> None:
    assert checked({"1": a("Show", value=1, other=["99", 0], more=float("nan"))}).outputs == ("1",)


def test_a_missing_inputs_object_is_tolerated() -> None:
    assert checked({"1": a("Show", value=1), "2": {"class_type": "Number"}}).outputs == ("1",)


def test_a_chain_of_ten_thousand_nodes_is_walked() -> None:
    prompt = {"0": a("Number", value=1)}
    prompt |= {str(i): a("Pass", value=[str(i - 1), 0]) for i in range(1, 10_000)}
    prompt["end"] = a("Show", value=["9999", 0])
    assert checked(prompt).outputs == ("end",)


def test_a_cycle_of_ten_thousand_nodes_is_found() -> None:
    prompt = {str(i): a("Pass", value=[str((i + 1) % 10_000), 0]) for i in range(10_000)}
    prompt["end"] = a("Show", value=["0", 0])
    verdict = check(graph_from_prompt(prompt), types())
    assert verdict.error is not None
    assert len(verdict.node_errors) == 10_000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(["1", "2", 0, 1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NODES = st.builds(
    lambda type_, inputs: {"class_type": type_, "inputs": inputs},
    st.sampled_from([each.id for each in TYPES]),
    st.dictionaries(st.sampled_from(["value", "mode", "text", "extra", "odd"]), VALUES, max_size=4),
)


@given(st.dictionaries(st.sampled_from(["1", "2", "3", "x"]), NODES, min_size=1, max_size=4))
def test_no_prompt_crashes_the_check(prompt: dict[str, Any]) -> None:
    verdict = check(graph_from_prompt(prompt), types())
    assert (verdict.error is None) == bool(verdict.outputs)
