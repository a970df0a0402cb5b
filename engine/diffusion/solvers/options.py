"""Which options a solver takes, read from its signature, and whether given ones are sound."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Range:
    """The values an option may have: from `low` (above it, if `is_open`) to `high`. Only a stated infinity is one."""

    low: float
    high: float | None = None
    is_open: bool = False

    def __contains__(self, value: float) -> bool:
        highest = math.nextafter(math.inf, 0) if self.high is None else self.high
        return (self.low < value if self.is_open else self.low <= value) and value <= highest

    def __str__(self) -> str:
        if self.high is None or self.high == math.inf:
            return f"{'above' if self.is_open else 'at least'} {self.low:g}"
        return f"from {self.low:g} to {self.high:g}"


Amount = Annotated[float, Range(0)]
Positive = Annotated[float, Range(0, is_open=True)]


def options_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The options of a solver function, its keyword-only parameters, with their defaults."""
    parameters = inspect.signature(function).parameters.values()
    return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}


def check_options(solver: str, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Raise ValueError, naming the solver and the option, for one that is unknown or out of its range."""
    known = options_of(function)
    hints = get_type_hints(function, include_extras=True)
    for name, value in given.items():
        if name not in known:
            near = get_close_matches(name, known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it takes {', '.join(known) or 'none'}"
            raise ValueError(f"sampler {solver} has no option {name!r}; {hint}")
        if (wrong := _complaint(hints[name], value)) is not None:
            raise ValueError(f"sampler {solver}: option {name} is {value!r}; it should be {wrong}")


def _complaint(hint: Any, value: Any) -> str | None:
    """What a value should be instead, or None if it is right."""
    if get_origin(hint) is Literal:
        return None if value in get_args(hint) else f"one of {', '.join(map(str, get_args(hint)))}"
    if hint is bool:
        return None if isinstance(value, bool) else "True or False"
    if get_origin(hint) is tuple:
        parts = get_args(hint)
        is_right_length = isinstance(value, tuple | list) and len(value) == len(parts)
        if not is_right_length:
            return f"{len(parts)} numbers"
        return next((wrong for part, each in zip(parts, value, strict=True) if (wrong := _complaint(part, each))), None)
    if get_origin(hint) is not Annotated:  # X | None
        inner = next(part for part in get_args(hint) if part is not type(None))
        return None if value is None else _complaint(inner, value)
    kind, bounds = get_args(hint)
    is_number = isinstance(value, int if kind is int else (int, float)) and not isinstance(value, bool)
    if is_number and value in bounds:
        return None
    return f"a {'whole ' if kind is int else ''}number {bounds}"
