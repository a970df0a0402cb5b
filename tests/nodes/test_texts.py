"""Text nodes and typed values."""

from typing import Any

import pytest
import torch

from nodes import string as strings
from nodes.primitive import preview_any, primitive_boolean, primitive_float, primitive_int, primitive_string
from nodes.primitive import primitive_string_multiline as primitive_lines


def test_typed_values_come_out_as_they_are() -> None:
    assert [primitive_int(-3), primitive_float(0.5), primitive_boolean(True)] == [-3, 0.5, True]
    assert primitive_string("a") + primitive_lines("b\nc") == "ab\nc"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        ("é", "é"),
        (True, "True"),
        (1.5, "1.5"),
        ({"a": [1]}, '{"a": [1]}'),
        (torch.ones(1), "tensor([1.])"),
    ],
)
def test_any_value_is_shown_as_text(value: Any, text: str) -> None:
    assert preview_any(value).ui == {"text": (text,)}


def test_texts_are_joined_cut_and_measured() -> None:
    assert strings.string_concatenate("a", "b", ", ") == "a, b"
    assert strings.string_substring("abcdef", 1, -1) == "bcde"
    assert strings.string_length("naïve") == 5
    assert strings.string_trim("  a \n", "Left") == "a \n"
    assert strings.string_replace("aXbX", "X", "-") == "a-b-"
    assert [
        strings.case_converter("aB c", mode) for mode in ("UPPERCASE", "lowercase", "Capitalize", "Title Case")
    ] == [
        "AB C",
        "ab c",
        "Ab c",
        "Ab C",
    ]


def test_texts_are_compared() -> None:
    assert strings.string_contains("Hello", "hELL", False)
    assert not strings.string_contains("Hello", "hell", True)
    assert strings.string_compare("Hello", "He", "Starts With", True)
    assert strings.string_compare("Hello", "LO", "Ends With", False)
    assert not strings.string_compare("Hello", "hello", "Equal", True)


@pytest.mark.parametrize(
    ("mode", "group", "wanted"),
    [
        ("First Match", 1, "a1"),
        ("All Matches", 1, "a1\nb2"),
        ("First Group", 2, "1"),
        ("All Groups", 1, "a\nb"),
        ("All Groups", 9, ""),
    ],
)
def test_matches_and_groups_are_extracted(mode: Any, group: int, wanted: str) -> None:
    assert strings.regex_extract("a1 b2", r"([a-z])(\d)", mode, group_index=group) == wanted


def test_expressions_match_and_replace() -> None:
    assert strings.regex_match("one\nTWO", "^two$", multiline=True)
    assert not strings.regex_match("TWO", "two", case_insensitive=False)
    assert strings.regex_extract("abc", "x", "First Match") == ""
    assert strings.regex_replace("a-b-c", "-(.)", r"<\1>", count=1) == "a<b>-c"


def test_what_is_no_expression_is_told() -> None:
    with pytest.raises(ValueError, match="is not a regular expression"):
        strings.regex_match("a", "(")
    with pytest.raises(ValueError, match="does not go with"):
        strings.regex_replace("a", "a", r"\2")
