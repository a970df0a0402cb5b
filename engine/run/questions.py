"""What a node is asked before it is called: whether something changed, and which lazy inputs it needs."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from engine.graph.graph import Link, Node
from engine.graph.live import NodeInputError
from engine.node.context import Interrupted
from engine.node.spec import NodeType, Outcome
from engine.run import spread
from engine.run.inputs import Given, asked_with

log = logging.getLogger(__name__)

Ask = Callable[[int | None, Callable[[], Any]], Any]
"""`ask(list_index, function)` calls the function where node code runs, and waits for it if it promises."""


def changed(node: Node, type_: NodeType, ask: Ask) -> Any:
    """The part of a step's key that its inputs do not tell, such as the date of a file.

    A value that came with the prompt stands for the answer. A type that is never asked gives False; one that fails to
    answer gives NaN, which makes the step run again.
    """
    question = type_.fingerprint
    if node.is_changed is not None:
        return node.is_changed
    if question is None:
        return False
    answer = question.ask
    inputs = {name: values for name, values in asked_with(node, type_).items() if question.wants(name)}
    try:
        return [
            ask(call.index, lambda call=call: answer(**call.arguments))
            for call in spread.calls(inputs, type_.takes_lists)
        ]
    except Interrupted:
        raise
    except (Exception, SystemExit, asyncio.CancelledError) as error:
        log.warning("node %s (%s): asking whether it changed failed, so it runs again: %r", node.id, node.type, error)
        return float("nan")


def needed(node: Node, type_: NodeType, made: Callable[..., Outcome], given: Given, ask: Ask) -> list[str]:
    """The lazy inputs, not evaluated yet, that any of the node's calls needs now.

    Raises NodeInputError for a name that no link can give a value.
    """
    unmet = type_.unmet
    if unmet is None:
        return []
    names: dict[str, None] = {}
    for call in spread.calls(given.values, type_.takes_lists):
        if call.blocker() is None:
            answer = ask(call.index, lambda call=call: unmet(made, call.arguments))
            if isinstance(answer, (list, tuple, set, frozenset)):
                names |= dict.fromkeys(answer)
    lacking = [name for name in names if name not in given.values or name in given.missing]
    for name in lacking:
        if name not in node.inputs:
            msg = f"Node {node.id} says it needs input {name}, but there is no input to that node at all"
            raise NodeInputError(msg)
        if not isinstance(node.inputs[name], Link):
            msg = f"Node {node.id} says it needs input {name}, but that value is a constant"
            raise NodeInputError(msg)
    return lacking
