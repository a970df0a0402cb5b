"""Constants become the type that their input declares, or it is said why they cannot."""

import math
from collections.abc import Callable
from typing import Any

from engine.graph.problem import Problem
from engine.node.spec import Input

COERCIONS: dict[Any, Callable[[Any], Any]] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


def coerced(value: Any, declared: Input) -> tuple[Any, Problem | None]:
    """The constant as the node will get it. Types that are not plain values are not touched."""
    convert = COERCIONS.get(declared.type) if isinstance(declared.type, str) else None
    if convert is None:
        return value, None
    try:
        result = convert(value)
        if isinstance(result, float) and math.isnan(result) and _is_bounded(declared):
            raise ValueError("not a number, and the input has a range")  # noqa: TRY301 - one report for both
    except (ValueError, TypeError, OverflowError) as error:
        message = f"Failed to convert an input value to a {declared.type} value"
        details = f"{declared.name}, {value}, {error}"
        extra = {"received_value": value, "exception_message": str(error)}
        return value, Problem.of_input("invalid_input_type", message, declared, details, **extra)
    return result, None


def _is_bounded(declared: Input) -> bool:
    return "min" in declared.options or "max" in declared.options
