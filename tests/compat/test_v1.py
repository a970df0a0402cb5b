"""Classes of the first generation, read as node types and called."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from engine.compat import v1
from engine.graph.types import fits
from engine.node.spec import ExecutionBlocker, NodeType, Result


class Any_(str):
    __slots__ = ()

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class Flexible(dict[str, Any]):
    """A section that has every name, as packs write it."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> Any:
        return (Any_("*"), {"forceInput": True})


class Unlimited(tuple[Any, ...]):
    """Output types without an end."""

    __slots__ = ()

    def __getitem__(self, slot: Any) -> Any:
        return super().__getitem__(min(slot, len(self) - 1))


class Counter:
    """Keeps state on its instance."""

    RETURN_TYPES = ("INT",)
    FUNCTION = "count"

    def __init__(self) -> None:
        self.calls = 0

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {}

    def count(self) -> tuple[int]:
        self.calls += 1
        return (self.calls,)


def returning(value: Any, **attributes: Any) -> NodeType:
    """A node whose function returns this value."""
    body = {
        "INPUT_TYPES": classmethod(lambda cls: {"required": {}}),
        "RETURN_TYPES": ("INT", "INT"),
        "FUNCTION": "run",
        "run": lambda self, **inputs: value,
    }
    return v1.describe("Returning", type("Returning", (), body | attributes))


def result_of(type_: NodeType, **inputs: Any) -> Result:
    return cast("Result", type_.make()(**inputs))


def test_what_was_made_keeps_its_instance_and_a_fresh_one_starts_anew() -> None:
    type_ = v1.describe("Counter", Counter)
    made = type_.make()
    assert [cast("Result", made()).values, cast("Result", made()).values] == [(1,), (2,)]
    assert result_of(type_).values == (1,)


def test_the_inputs_are_asked_for_anew_at_each_description() -> None:
    files = ["a.png"]
    attributes: dict[str, Any] = {"INPUT_TYPES": classmethod(lambda cls: {"required": {"file": (sorted(files),)}})}
    cls = type("Files", (Counter,), attributes)
    assert v1.describe("Files", cls).inputs[0].choices == ["a.png"]
    files.append("b.png")
    assert v1.describe("Files", cls).inputs[0].choices == ["a.png", "b.png"]


def test_all_attributes_reach_the_node_type() -> None:
    type_ = returning(
        (1,),
        CATEGORY="tests",
        DESCRIPTION="Says one.",
        OUTPUT_NODE=True,
        INPUT_IS_LIST=(True,),
        OUTPUT_IS_LIST=(False, True),
        RETURN_NAMES=("first",),
        OUTPUT_TOOLTIPS=("The first.",),
        NOT_IDEMPOTENT=True,
        DEPRECATED=True,
        EXPERIMENTAL=True,
        API_NODE=True,
        RELATIVE_PYTHON_MODULE="custom_nodes.pack",
    )
    assert (type_.category, type_.description, type_.module) == ("tests", "Says one.", "custom_nodes.pack")
    assert type_.is_output
    assert type_.takes_lists
    assert not type_.idempotent
    assert type_.deprecated
    assert type_.experimental
    assert type_.api_node
    assert [(each.name, each.is_list, each.tooltip) for each in type_.outputs] == [
        ("first", False, "The first."),
        ("INT", True, None),
    ]


def test_only_true_itself_makes_an_output_node() -> None:
    assert not returning((1,), OUTPUT_NODE=1).is_output


def test_a_flexible_section_finds_any_name_but_lists_only_its_own() -> None:
    spec = {"required": {"a": ("INT",)}, "optional": Flexible({"b": ("FLOAT",)})}
    type_ = returning((1,), INPUT_TYPES=classmethod(lambda cls: spec))
    assert [each.name for each in type_.inputs] == ["a", "b"]
    found = type_.input("anything")
    assert found is not None
    assert found.section == "optional"
    assert fits("LATENT", found.type)


def test_a_plain_section_finds_only_its_own_names() -> None:
    assert returning((1,)).input("anything") is None


def test_output_types_without_an_end_can_be_asked_for_any_slot() -> None:
    type_ = returning((1,), RETURN_TYPES=Unlimited((Any_("*"),)))
    assert len(type_.outputs) == 1
    assert fits(type_.output_type(7), "LATENT")


def test_a_bare_string_for_a_spec_is_read_by_its_characters() -> None:
    type_ = returning((1,), INPUT_TYPES=classmethod(lambda cls: {"required": {"image": ("IMAGE")}}))
    assert type_.inputs[0].type == "I"


@pytest.mark.parametrize(
    ("returned", "values"),
    [
        ((1, 2), (1, 2)),
        ([1, 2], [1, 2]),
        ("ab", ("a", "b")),
        ({}, ()),
        ({"result": (3,)}, (3,)),
        ({"ui": {"text": ["x"]}}, ()),
        ((), ()),
    ],
)
def test_the_shapes_of_a_return_value(returned: Any, values: Any) -> None:
    assert result_of(returning(returned)).values == values


def test_ui_and_expansion_come_with_their_results() -> None:
    result = result_of(returning({"ui": {"text": ["x"]}, "expand": {"1": {}}, "result": (["1", 0],)}))
    assert (result.values, result.ui, result.expand) == ((["1", 0],), {"text": ["x"]}, {"1": {}})


@pytest.mark.parametrize("returned", [ExecutionBlocker("no"), {"result": ExecutionBlocker("no")}])
def test_a_blocker_stands_for_all_slots(returned: Any) -> None:
    values = result_of(returning(returned)).values
    assert isinstance(values, ExecutionBlocker)
    assert values.message == "no"


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "object of type 'NoneType' has no len()"),
        (5, "object of type 'int' has no len()"),
        ({"expand": {}}, "without 'result'"),
    ],
)
def test_return_values_that_are_errors(returned: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message.replace("(", r"\(").replace(")", r"\)")):
        result_of(returning(returned))


def test_values_beyond_the_declared_list_flags_are_cut() -> None:
    assert result_of(returning((1, 2, 3), OUTPUT_IS_LIST=(False, False))).values == (1, 2)
    assert result_of(returning((1, 2, 3))).values == (1, 2, 3)


def test_an_async_function_stays_async_and_promises_a_result() -> None:
    async def run(self: Any, x: int) -> tuple[int]:
        return (x + 1,)

    type_ = returning(None, run=run)
    assert type_.is_async
    promise = cast("Any", type_.make()(x=1))
    assert asyncio.run(promise).values == (2,)
    assert not returning((1,)).is_async


def test_lazy_inputs_are_asked_of_the_instance_and_only_lists_count() -> None:
    def status(self: Any, mask: Any, **others: Any) -> Any:
        return ["image"] if mask else "image"

    type_ = returning((1,), check_lazy_status=status)
    assert type_.unmet is not None
    assert type_.unmet(type_.make(), {"mask": 1}) == ["image"]
    assert type_.unmet(type_.make(), {"mask": 0}) == []
    assert returning((1,)).unmet is None


def test_a_promised_lazy_status_is_awaited() -> None:
    async def status(self: Any, **inputs: Any) -> list[str]:
        return ["image"]

    type_ = returning((1,), check_lazy_status=status)
    assert type_.unmet is not None
    assert asyncio.run(type_.unmet(type_.make(), {})) == ["image"]


def test_a_validator_wants_what_its_signature_names() -> None:
    named = returning((1,), VALIDATE_INPUTS=classmethod(lambda cls, a, input_types, *, hidden=0: True)).validator
    assert named is not None
    assert named.names == {"a", "input_types"}
    assert not named.takes_all
    everything = returning((1,), VALIDATE_INPUTS=classmethod(lambda cls, **inputs: True)).validator
    assert everything is not None
    assert everything.wants("anything")


def test_a_static_validator_without_parameters_is_never_asked_and_a_class_method_is() -> None:
    assert returning((1,), VALIDATE_INPUTS=staticmethod(lambda: False)).validator is None
    assert returning((1,), VALIDATE_INPUTS=classmethod(lambda cls: False)).validator is not None


def test_a_fingerprint_is_given_everything() -> None:
    question = returning((1,), IS_CHANGED=classmethod(lambda cls, a, b: a + b)).fingerprint
    assert question is not None
    assert question.takes_all
    assert question.ask(a=1, b=2) == 3


def test_hidden_inputs_keep_their_keyword_and_tuple_specs_are_no_keyword() -> None:
    spec: Mapping[str, Any] = {"hidden": {"id": "UNIQUE_ID", "state": ("*",)}}
    type_ = returning((1,), INPUT_TYPES=classmethod(lambda cls: spec))
    assert [(each.name, each.type) for each in type_.hidden] == [("id", "UNIQUE_ID"), ("state", ("*",))]
