"""What a call is given: constants, the values behind links, and the hidden values of the run."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.graph.fingerprint import keyword
from engine.graph.graph import BadLink, Link, Node
from engine.graph.live import DynamicPrompt
from engine.node.spec import NodeType
from engine.run.cache import Entry

# Hidden keywords whose values come with the prompt's extra data, under these names.
FROM_EXTRA_DATA = {
    "EXTRA_PNGINFO": "extra_pnginfo",
    "AUTH_TOKEN_COMFY_ORG": "auth_token_comfy_org",
    "API_KEY_COMFY_ORG": "api_key_comfy_org",
    "COMFY_USAGE_SOURCE": "comfy_usage_source",
}


@dataclass(frozen=True)
class Given:
    """The list on each input, and the names of those lazy inputs whose sources have not been evaluated."""

    values: Mapping[str, list[Any]]
    missing: frozenset[str]


def gather(
    node: Node, type_: NodeType, find: Callable[[str], Entry | None], hidden: Callable[[str], tuple[bool, Any]]
) -> Given:
    """Everything that the node's function gets by keyword.

    These are declared inputs and all links, declared or not; undeclared constants are left out. An input without a
    value (an unevaluated one, or a slot that the source did not fill) is a single None. `hidden(keyword)` answers
    whether the run knows that keyword, and its value.
    """
    values: dict[str, list[Any]] = {}
    missing: set[str] = set()
    for name, value in node.inputs.items():
        declared = type_.input(name)
        if isinstance(value, Link):
            if declared is not None and declared.options.get("rawLink"):
                values[name] = [value.as_json()]
                continue
            entry = find(value.source)
            if entry is None:
                missing.add(name)
            values[name] = slot_of(entry, value.slot)
        elif declared is not None:
            values[name] = [list(value.raw) if isinstance(value, BadLink) else value]
    for each in type_.hidden:
        is_known, value = hidden(keyword(each.type) or "")
        if is_known:
            values[each.name] = [value]
    return Given(values, frozenset(missing))


def slot_of(entry: Entry | None, slot: int) -> list[Any]:
    """The elements of a slot; a single None where there is no such slot."""
    if entry is None or not -len(entry.slots) <= slot < len(entry.slots):
        return [None]
    return entry.slots[slot]


def hidden_values(
    node_id: str, live: DynamicPrompt, extra_data: Mapping[str, Any]
) -> Callable[[str], tuple[bool, Any]]:
    """The hidden values of a call, by keyword."""

    def find(keyword: str) -> tuple[bool, Any]:
        match keyword:
            case "UNIQUE_ID":
                return True, node_id
            case "PROMPT":
                return True, live.original_prompt
            case "DYNPROMPT":
                return True, live
            case _:
                return keyword in FROM_EXTRA_DATA, extra_data.get(FROM_EXTRA_DATA.get(keyword, ""))

    return find


def asked_with(node: Node, type_: NodeType) -> dict[str, list[Any]]:
    """What a fingerprint question is given before anything runs: links and most hidden values are None."""
    values: dict[str, list[Any]] = {}
    for name, value in node.inputs.items():
        if isinstance(value, Link):
            values[name] = [None]
        elif type_.input(name) is not None:
            values[name] = [list(value.raw) if isinstance(value, BadLink) else value]
    early = {"UNIQUE_ID": node.id, "PROMPT": {}, "DYNPROMPT": None, "EXTRA_PNGINFO": None}
    for each in type_.hidden:
        if (word := keyword(each.type)) in early:
            values[each.name] = [early[word]]
    return values


def sources(node: Node, type_: NodeType) -> Iterator[tuple[str, str]]:
    """The inputs that must be evaluated before the node is called, and the nodes that feed them. Lazy ones need not."""
    for name, link in node.links():
        declared = type_.input(name)
        if declared is None or not declared.lazy:
            yield name, link.source


def sees_graph(type_: NodeType) -> bool:
    """Whether a node of this type may come to link to any node of the graph: it is given the graph, or raw links."""
    return any(
        (each.section == "hidden" and keyword(each.type) == "DYNPROMPT") or each.options.get("rawLink")
        for each in type_.inputs
    )
