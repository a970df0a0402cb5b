"""Whether a constant is one of its combo's choices."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from engine.graph.problem import Problem
from engine.node.spec import Input

SHOWN = 20  # longer lists of choices are counted, not printed


def problems(value: Any, declared: Input) -> Iterator[Problem]:
    """A problem if the value (each, of a multiple choice) is not offered; lists that clients fill are not known."""
    choices = declared.choices
    if choices is None or declared.options.get("remote") or declared.options.get("remote_combo"):
        return
    takes_several = declared.options.get("multiselect") or declared.options.get("multi_select")
    chosen = value if takes_several and isinstance(value, list) else [value]
    if absent := [each for each in chosen if each not in choices]:
        is_long = len(choices) > SHOWN
        offered = f"(list of length {len(choices)})" if is_long else repr(list(choices))
        details = f"{declared.name}: {', '.join(repr(each) for each in absent)} not in {offered}"
        problem = Problem.of_input("value_not_in_list", "Value not in list", declared, details, received_value=value)
        yield _without_choices(problem) if is_long else problem


def _without_choices(problem: Problem) -> Problem:
    return Problem(problem.type, problem.message, problem.details, {**problem.extra_info, "input_config": None})


def closest(value: Any, choices: Sequence[Any]) -> list[str]:
    """The choices that look most like what was asked for, best first."""
    return get_close_matches(str(value), [str(each) for each in choices], n=3, cutoff=0.5)
