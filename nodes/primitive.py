"""Single values typed into a node, and any value shown."""

import json
from typing import Annotated, Any

from engine.api import Anything, Number, Option, Result, Text, node

_LARGEST = 2**63 - 1


@node("utils/primitive", id="PrimitiveInt", title="Int")
def primitive_int(
    value: Annotated[int, Number(-_LARGEST, _LARGEST), Option(control_after_generate=True)],
) -> int:
    """A whole number."""
    return value


@node("utils/primitive", id="PrimitiveFloat", title="Float")
def primitive_float(value: Annotated[float, Number(-_LARGEST, _LARGEST)]) -> float:
    """A number."""
    return value


@node("utils/primitive", id="PrimitiveString", title="String")
def primitive_string(value: Annotated[str, Text(multiline=False)]) -> str:
    """A line of text."""
    return value


@node("utils/primitive", id="PrimitiveStringMultiline", title="String (Multiline)")
def primitive_string_multiline(value: Annotated[str, Text(multiline=True)]) -> str:
    """A text of several lines."""
    return value


@node("utils/primitive", id="PrimitiveBoolean", title="Boolean")
def primitive_boolean(value: bool) -> bool:
    """Yes or no."""
    return value


@node("utils", id="PreviewAny", title="Preview Any", is_output=True)
def preview_any(source: Anything) -> Result:
    """Show any value as text: plain values as they are, lists and dictionaries as JSON, others as Python does."""
    return Result(ui={"text": (_shown(source),)})


def _shown(source: Any) -> str:
    if source is None or isinstance(source, (str, int, float)):
        return str(source)
    try:
        return json.dumps(source)
    except (TypeError, ValueError):
        return str(source)
