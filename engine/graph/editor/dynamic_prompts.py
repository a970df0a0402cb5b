"""Texts with alternatives, `a {red|green} ball`: comments go, and one alternative of each group stays."""

import re
from collections.abc import Callable, Sequence

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_TOKEN = re.compile(r"\\[{}|]|[{}|]|[^\\{}|]+|\\")


def choose_alternatives(text: str, choose: Callable[[Sequence[str]], str]) -> str:
    """Replace every `{a|b|c}` by what `choose` picks of its alternatives, inner groups before outer ones.

    `\\{`, `\\}` and `\\|` are plain characters. A group that is not closed runs to the end of the text.
    """
    groups: list[list[str]] = [[""]]  # the alternatives so far of each open group; the first is the text itself
    for token in _TOKEN.findall(_COMMENT.sub("", text)):
        if token == "{":
            groups.append([""])
        elif token == "|" and len(groups) > 1:
            groups[-1].append("")
        elif token == "}" and len(groups) > 1:
            chosen = choose(groups.pop())
            groups[-1][-1] += chosen
        else:
            groups[-1][-1] += token[1:] if len(token) == 2 and token[0] == "\\" else token
    while len(groups) > 1:
        chosen = choose(groups.pop())
        groups[-1][-1] += chosen
    return groups[0][0]
