"""Weights in parentheses."""

import math

import pytest

from engine.diffusion.text.emphasis import pieces
from tests.diffusion.analytic import Golden


def test_pieces_and_weights_are_those_of_the_reference(golden: Golden) -> None:
    for record in golden("tokens"):
        found = pieces(record["prompt"])
        assert [piece.text for piece in found] == [text for text, _ in record["segments"]], record["prompt"]
        assert [piece.weight for piece in found] == pytest.approx([weight for _, weight in record["segments"]])


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("((a))", [("a", 1.21)]),
        ("((a:1.2) b:1.5)", [("a", 1.2), (" b", 1.5)]),
        ("(a:b:1.4)", [("a:b", 1.4)]),
        ("(:1.2)", [(":1.2", 1.1)]),
        ("(a:1_0.5e-1)", [("a", 1.05)]),
        ("(a: inf)", [("a", math.inf)]),
        ("()", []),
        ("a) (b)", [("a) (b)", 1.0)]),
        (r"\\(a)", [("\\(a)", 1.0)]),
        ("(a\n(b:2)\nc)", [("a\n", 1.1), ("b", 2.0), ("\nc", 1.1)]),
    ],
)
def test_a_number_is_absolute_and_bare_parentheses_multiply(prompt: str, wanted: list[tuple[str, float]]) -> None:
    found = pieces(prompt)
    assert [piece.text for piece in found] == [text for text, _ in wanted]
    assert [piece.weight for piece in found] == pytest.approx([weight for _, weight in wanted])


def test_absurd_nesting_is_plain_text() -> None:
    assert [piece.text for piece in pieces("(" * 500 + "a" + ")" * 500)] == ["a"]
    assert [piece.text for piece in pieces("(" * 520 + "a" + ")" * 520)] == ["(" * 20 + "a" + ")" * 20]
    assert [piece.text for piece in pieces("(" * 2000 + "a")] == ["(" * 2000 + "a"]
