"""Texts with alternatives."""

from collections.abc import Sequence

import pytest

from engine.graph.editor.dynamic_prompts import choose_alternatives


def first(alternatives: Sequence[str]) -> str:
    return alternatives[0]


def last(alternatives: Sequence[str]) -> str:
    return alternatives[-1]


@pytest.mark.parametrize(
    ("text", "first_chosen", "last_chosen"),
    [
        ("plain", "plain", "plain"),
        ("a {red|green} ball", "a red ball", "a green ball"),
        ("{a {b|c}|d}", "a b", "d"),
        ("{a|}", "a", ""),
        ("{a|b", "a", "b"),
        ("a|b}", "a|b}", "a|b}"),
        (r"\{a\|b\} \n", r"{a|b} \n", r"{a|b} \n"),
        ("see http://x.y\nnext /* no\nno */end", "see http:\nnext end", "see http:\nnext end"),
    ],
)
def test_one_alternative_of_each_group_stays(text: str, first_chosen: str, last_chosen: str) -> None:
    assert choose_alternatives(text, first) == first_chosen
    assert choose_alternatives(text, last) == last_chosen


def test_groups_nest_as_deeply_as_a_text_is_long() -> None:
    assert choose_alternatives("{" * 100_000 + "x", first) == "x"
