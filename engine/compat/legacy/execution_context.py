"""The module that packs import as `comfy_execution.utils`: which node call is running."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NamedTuple

from engine.node.context import Executing, entered, executing


class ExecutionContext(NamedTuple):
    """The prompt, the node, and the element of a list it works on (None: no list)."""

    prompt_id: str
    node_id: str
    list_index: int | None


def get_executing_context() -> ExecutionContext | None:
    """The node call that this code runs in, also inside tasks that it started; None outside a run."""
    call = executing()
    return None if call is None else ExecutionContext(call.prompt_id, call.node_id, call.list_index)


@contextmanager
def CurrentNodeContext(prompt_id: str, node_id: str, list_index: int | None = None) -> Generator[None]:  # noqa: N802
    """Run code as this node call; its progress goes where that of the present call goes."""
    call = executing()
    report = call.report if call else _unheard
    is_cancelled = call.is_cancelled if call else bool
    with entered(Executing(prompt_id, node_id, list_index, report, is_cancelled)):
        yield


def _unheard(value: float, total: float, preview: Any) -> None:
    """Progress outside a run: nobody listens."""
