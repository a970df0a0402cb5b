"""What a node may know of the run it is in: who it is, whether it should stop, and where its progress goes."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


class Interrupted(Exception):  # noqa: N818 - an order, not an error
    """The run was cancelled; raised inside a node so that it stops where it is."""


Report = Callable[[float, float, Any], None]
"""`report(value, total, preview)`: the preview is whatever the node gave, or None."""


@dataclass(frozen=True)
class Executing:
    """The call that is running: which prompt, which node, and which element of a list it works on (None: no list)."""

    prompt_id: str
    node_id: str
    list_index: int | None
    report: Report
    is_cancelled: Callable[[], bool]


_CURRENT: ContextVar[Executing | None] = ContextVar("executing", default=None)


def executing() -> Executing | None:
    """The node call that this code runs in, also inside tasks that it started; None outside a run."""
    return _CURRENT.get()


@contextmanager
def entered(call: Executing) -> Generator[None]:
    """Run a node's code as this call."""
    token = _CURRENT.set(call)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def report(value: float, total: float, preview: Any = None) -> None:
    """Tell how far the running node is, and stop it if the run was cancelled. Outside a run: nothing."""
    if (call := _CURRENT.get()) is not None:
        stop_if_cancelled()
        call.report(value, total, preview)


def stop_if_cancelled() -> None:
    """Raise Interrupted if the run that this code belongs to was cancelled."""
    call = _CURRENT.get()
    if call is not None and call.is_cancelled():
        raise Interrupted
