"""What a method of an ecosystem class returned, as a Result: one reading for both generations of classes."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from engine.compat.schema.outcome import NodeOutput
from engine.node.spec import ExecutionBlocker, Result


def of_v1(returned: Any, slots: int | None = None) -> Result:
    """A V1 return value: slot values in a sequence, a dict with `result`, `ui` and `expand`, or one blocker for all.

    Anything that can be counted and indexed is a sequence, a bare `str` of its characters. At most `slots` values are
    kept. Raises TypeError for what has no length, None included, and for an `expand` without a `result`.
    """
    if isinstance(returned, Result):
        return returned
    if isinstance(returned, NodeOutput):
        return of_node_output(returned)
    if isinstance(returned, ExecutionBlocker):
        return Result(returned)
    if not isinstance(returned, dict):
        return Result(_values(returned, slots))
    fields = cast("dict[str, Any]", returned)
    expand, ui = fields.get("expand"), fields.get("ui")
    if expand is not None and fields.get("result") is None:
        raise TypeError(_NO_RESULT)
    result = fields.get("result", ())
    values = result if isinstance(result, ExecutionBlocker) else _values(result, slots)
    return Result(values, _as_ui(ui), _as_graph(expand))


def of_v3(returned: Any, class_name: str, may_expand: bool) -> Result:
    """A V3 return value: a NodeOutput, a tuple, a blocker, a V1 dict, or None for no values at all.

    Raises an Exception that names the class for anything else, and for an expansion that its schema does not announce.
    """
    if returned is None:
        return Result()
    if isinstance(returned, NodeOutput):
        result = of_node_output(returned)
    elif isinstance(returned, (tuple, dict, ExecutionBlocker, Result)):
        result = of_v1(returned)
    else:
        msg = f"Invalid return type from node: {type(returned)}"
        raise Exception(msg)  # noqa: TRY002 - the very type and text that packs and clients know
    if result.expand is not None and not may_expand:
        msg = f"Node {class_name} expands, but its schema does not say enable_expand=True"
        raise Exception(msg)  # noqa: TRY002
    return result


def of_node_output(output: NodeOutput) -> Result:
    """A blocker in a NodeOutput stops all slots, whether or not values came with it."""
    ui, expand = _as_ui(output.ui), _as_graph(output.expand)
    if output.block_execution is not None:
        return Result(ExecutionBlocker(output.block_execution), ui, expand)
    if expand is not None and output.result is None:
        raise TypeError(_NO_RESULT)
    return Result(output.args, ui, expand)


_NO_RESULT = "the node returned 'expand' without 'result': give the links or values of its output slots"


def _values(returned: Any, slots: int | None) -> Sequence[Any]:
    count = len(returned)
    if slots is not None:
        count = min(count, slots)
    if isinstance(returned, (tuple, list)):
        return cast("Sequence[Any]", returned)[:count]
    return tuple(returned[slot] for slot in range(count))


def _as_ui(ui: Any) -> Mapping[str, Any] | None:
    return ui.as_dict() if hasattr(ui, "as_dict") else ui


def _as_graph(expand: Any) -> Mapping[str, Any] | None:
    return expand.finalize() if hasattr(expand, "finalize") else expand
