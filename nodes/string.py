"""Texts: joined, cut, compared, searched and replaced."""

import re
from typing import Annotated, Literal

from engine.api import Named, Number, Text, node

Lines = Annotated[str, Text(multiline=True)]
Line = Annotated[str, Text(multiline=False)]


@node("utils/string", id="StringConcatenate", title="Concatenate")
def string_concatenate(string_a: Lines, string_b: Lines, delimiter: Line = "") -> str:
    """Join two texts, with something between them or nothing."""
    return f"{string_a}{delimiter}{string_b}"


@node("utils/string", id="StringSubstring", title="Substring")
def string_substring(string: Lines, start: int, end: int) -> str:
    """Cut out the letters from `start` on, up to but not including `end`; negative ones count from the end."""
    return string[start:end]


@node("utils/string", id="StringLength", title="Length")
def string_length(string: Lines) -> Annotated[int, Named("length")]:
    """Count the letters of a text."""
    return len(string)


@node("utils/string", id="CaseConverter", title="Case Converter", spells_combo=True)
def case_converter(string: Lines, mode: Literal["UPPERCASE", "lowercase", "Capitalize", "Title Case"]) -> str:
    """Write a text in other capitals."""
    changes = {"UPPERCASE": str.upper, "lowercase": str.lower, "Capitalize": str.capitalize, "Title Case": str.title}
    return changes[mode](string)


@node("utils/string", id="StringTrim", title="Trim", spells_combo=True)
def string_trim(string: Lines, mode: Literal["Both", "Left", "Right"]) -> str:
    """Take spaces and line ends away from the ends of a text."""
    return {"Both": str.strip, "Left": str.lstrip, "Right": str.rstrip}[mode](string)


@node("utils/string", id="StringReplace", title="Replace")
def string_replace(string: Lines, find: Lines, replace: Lines) -> str:
    """Put one text in the place of another, wherever it stands."""
    return string.replace(find, replace)


@node("utils/string", id="StringContains", title="Contains")
def string_contains(string: Lines, substring: Lines, case_sensitive: bool = True) -> Annotated[bool, Named("contains")]:
    """Whether a text stands in another."""
    return substring in string if case_sensitive else substring.lower() in string.lower()


@node("utils/string", id="StringCompare", title="Compare", spells_combo=True)
def string_compare(
    string_a: Lines, string_b: Lines, mode: Literal["Starts With", "Ends With", "Equal"], case_sensitive: bool = True
) -> bool:
    """Whether a text equals another, or starts or ends with it."""
    if not case_sensitive:
        string_a, string_b = string_a.lower(), string_b.lower()
    if mode == "Equal":
        return string_a == string_b
    return string_a.startswith(string_b) if mode == "Starts With" else string_a.endswith(string_b)


@node("utils/string", id="RegexMatch", title="Regex Match")
def regex_match(
    string: Lines,
    regex_pattern: Lines,
    case_insensitive: bool = True,
    multiline: bool = False,
    dotall: bool = False,
) -> Annotated[bool, Named("matches")]:
    """Whether a regular expression matches anywhere in a text."""
    return _compiled(regex_pattern, case_insensitive, multiline, dotall).search(string) is not None


@node("utils/string", id="RegexExtract", title="Regex Extract", spells_combo=True)
def regex_extract(
    string: Lines,
    regex_pattern: Lines,
    mode: Literal["First Match", "All Matches", "First Group", "All Groups"],
    case_insensitive: bool = True,
    multiline: bool = False,
    dotall: bool = False,
    group_index: Annotated[int, Number(0, 100)] = 1,
) -> str:
    """Give what a regular expression matches, or one of its groups; several stand on lines of their own.

    Nothing matched gives an empty text, and so does a group that the expression does not have.
    """
    expression = _compiled(regex_pattern, case_insensitive, multiline, dotall)
    group = group_index if mode.endswith(("Group", "Groups")) else 0
    if group > expression.groups:
        return ""
    found = [match.group(group) or "" for match in expression.finditer(string)]
    return "\n".join(found if mode.startswith("All") else found[:1])


@node("utils/string", id="RegexReplace", title="Regex Replace")
def regex_replace(
    string: Lines,
    regex_pattern: Lines,
    replace: Lines,
    case_insensitive: bool | None = True,
    multiline: bool | None = False,
    dotall: bool | None = False,
    count: Annotated[int | None, Number(0, 100)] = 0,
) -> str:
    r"""Put a text in the place of what a regular expression matches; \1 in it is the first group, count 0 means all."""
    expression = _compiled(regex_pattern, bool(case_insensitive), bool(multiline), bool(dotall))
    try:
        return expression.sub(replace, string, count=count or 0)
    except (re.error, IndexError) as error:
        msg = f"replace {replace!r} does not go with the expression {regex_pattern!r}: {error}"
        raise ValueError(msg) from None


def _compiled(pattern: str, case_insensitive: bool, multiline: bool, dotall: bool) -> re.Pattern[str]:
    chosen = {re.IGNORECASE: case_insensitive, re.MULTILINE: multiline, re.DOTALL: dotall}
    flags = re.NOFLAG
    for flag, is_set in chosen.items():
        if is_set:
            flags |= flag
    try:
        return re.compile(pattern, flags)
    except re.error as error:
        msg = f"regex_pattern {pattern!r} is not a regular expression: {error}"
        raise ValueError(msg) from None
