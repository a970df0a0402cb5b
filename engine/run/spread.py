"""Lists in, lists out: how the lists on a node's inputs become calls, and the calls' results lists on its outputs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.node.spec import ExecutionBlocker, Output, Result

Slots = tuple[list[Any], ...]
"""What a step made: for each output slot the list of its elements."""


@dataclass(frozen=True)
class Call:
    """One call of a node; `index` is its place among the calls, None for a node that is given nothing."""

    index: int | None
    arguments: Mapping[str, Any]
    takes_lists: bool = False

    def blocker(self) -> ExecutionBlocker | None:
        """The first value among the arguments that forbids this call."""
        for value in self.arguments.values():
            for element in value if self.takes_lists else (value,):
                if isinstance(element, ExecutionBlocker):
                    return element
        return None


@dataclass(frozen=True)
class Forwarded:
    """In place of one value of an expanding call: all elements of the slot that it linked to."""

    elements: Sequence[Any]
    is_list: bool  # whether that slot was declared as a list output


def calls(inputs: Mapping[str, Sequence[Any]], takes_lists: bool) -> Iterator[Call]:
    """One call for each element of the longest list; shorter lists repeat their last element.

    A node that takes lists is called once with all of them. Raises IndexError where one list is empty and another is
    not; where all are empty there is one call without arguments.
    """
    if takes_lists and inputs:
        yield Call(0, {name: list(values) for name, values in inputs.items()}, takes_lists)
        return
    longest = max((len(values) for values in inputs.values()), default=0)
    if longest == 0:
        yield Call(None, {})
        return
    if empty := [name for name, values in inputs.items() if not values]:
        msg = f"list index out of range: {', '.join(empty)} got an empty list while another input got {longest} values"
        raise IndexError(msg)
    for index in range(longest):
        yield Call(index, {name: values[min(index, len(values) - 1)] for name, values in inputs.items()})


def merged(results: Sequence[Result], outputs: Sequence[Output]) -> Slots:
    """Put the results of all calls together: list outputs are concatenated, other values become one element each.

    The first call that was not blocked says how many slots there are. Raises IndexError for a call that returned
    fewer, TypeError for a list output that is no list.
    """
    open_values = [result.values for result in results if not isinstance(result.values, ExecutionBlocker)]
    width = len(open_values[0]) if open_values else len(outputs)
    slots: Slots = tuple([] for _ in range(width))
    for number, result in enumerate(results):
        values = [result.values] * width if isinstance(result.values, ExecutionBlocker) else result.values
        if len(values) < width:
            msg = f"tuple index out of range: call {number} returned {len(values)} values, an earlier one {width}"
            raise IndexError(msg)
        for slot in range(width):
            slots[slot].extend(_elements(values[slot], slot, outputs))
    return slots


def merged_ui(results: Sequence[Result]) -> Mapping[str, Any] | None:
    """Put the UI of all calls together: under each key of the first, what all of them have there.

    Raises KeyError where a later one lacks a key, TypeError for a value that is no sequence.
    """
    shown = [result.ui for result in results if result.ui]
    if not shown:
        return None
    return {key: [element for ui in shown for element in ui[key]] for key in shown[0]}


def _elements(value: Any, slot: int, outputs: Sequence[Output]) -> Sequence[Any]:
    is_list = slot < len(outputs) and outputs[slot].is_list
    if isinstance(value, Forwarded):
        if not is_list or value.is_list:
            return value.elements
        # A subgraph that made whole lists in a plain slot: the list output is what they hold.
        return [each for element in value.elements for each in (element if _is_sequence(element) else [element])]
    if not is_list or isinstance(value, ExecutionBlocker):
        return [value]
    try:
        return list(value)
    except TypeError:
        msg = f"output {slot} ({outputs[slot].name}) is a list output, but the node gave a {type(value).__name__}"
        raise TypeError(msg) from None


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple))
