"""Prompt text with weights in parentheses, `a (red:1.3) fox`, as plain pieces that each have one weight."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_SYMBOLS = re.compile(r"\\[()]|.", re.DOTALL)  # an escaped parenthesis is one symbol, and no parenthesis
_BARE = 1.1  # what parentheses without a number multiply by
_DEEPEST = 500  # parentheses in parentheses; beyond this they are plain text, so that no prompt takes forever


class Piece(NamedTuple):
    """A stretch of text without markup. The weight is 1 outside all parentheses."""

    text: str
    weight: float


def pieces(prompt: str) -> list[Piece]:
    """Split a prompt by its parentheses.

    `(text)` multiplies the weight by 1.1, `(text:1.3)` sets it to that number whatever stands around it, `\\(` and
    `\\)` are literal. Anything unbalanced is plain text; nothing is an error.
    """
    found: list[Piece] = []
    waiting = [(part, 1.0, 0) for part in reversed(_split(_SYMBOLS.findall(prompt)))]
    while waiting:
        part, weight, depth = waiting.pop()
        if part[0] == "(" and part[-1] == ")" and depth < _DEEPEST:
            inner, weight = _weigh(part[1:-1], weight)
            waiting.extend((each, weight, depth + 1) for each in reversed(_split(inner)))
        else:
            found.append(Piece(_plain(part), weight))
    return found


def _split(symbols: Sequence[str]) -> list[list[str]]:
    """Cut at the outermost parentheses, which stay with what they enclose; no part is empty."""
    parts: list[list[str]] = [[]]
    depth = 0
    for symbol in symbols:
        if symbol == "(":
            if depth == 0:
                parts.append([])
            depth += 1
        parts[-1].append(symbol)
        if symbol == ")":
            depth -= 1
            if depth == 0:
                parts.append([])
    return [part for part in parts if part]


def _weigh(inside: Sequence[str], weight: float) -> tuple[Sequence[str], float]:
    """What is weighted, and by how much, given all that stands between two parentheses and the weight around them."""
    colon = max((at for at, symbol in enumerate(inside) if symbol == ":"), default=0)
    if colon > 0:
        try:
            return inside[:colon], float("".join(inside[colon + 1 :]))
        except ValueError:
            pass
    return inside, weight * _BARE


def _plain(symbols: Sequence[str]) -> str:
    return "".join(symbol[-1] for symbol in symbols)


if __name__ == "__main__":
    for example in ("a (red:1.3) fox", "((very)) (quiet (night:0.8) sky:1.5)", r"a \(literal\) one"):
        print(example, *pieces(example), sep="\n    ")  # noqa: T201
