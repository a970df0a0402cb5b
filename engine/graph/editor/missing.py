"""Nodes of types that are not installed: told where the result needs them, left out where nothing does."""

from collections.abc import Mapping
from typing import Any

from engine.graph.editor.fit import Kind, Node
from engine.graph.editor.layout import Definition
from engine.graph.editor.trouble import MissingType, MissingTypes

Prompt = dict[str, Any]


def without_missing_types(
    prompt: Prompt, nodes: Mapping[str, Node], definitions: Mapping[str, Definition]
) -> dict[str, Any]:
    """The prompt without unused nodes of unknown types, and without links to anything that is not in it.

    Raises MissingTypes where such a node is used: an output depends on it, or it may be an output itself, as
    something feeds it and it feeds nothing.
    """
    sources = {id: _sources(entry, prompt) for id, entry in prompt.items()}
    feeding = {source for found in sources.values() for source in found}
    unknown = {id for id, node in nodes.items() if node.kind is Kind.UNKNOWN}
    outputs = {id for id, node in nodes.items() if definitions.get(node.type, {}).get("output_node")}
    needed = _with_all_that_feeds(outputs | {id for id in unknown - feeding if sources[id]}, sources)
    if missing := [_described(id, nodes[id]) for id in prompt if id in unknown & needed]:
        raise MissingTypes(missing)
    kept = {id: entry for id, entry in prompt.items() if id not in unknown}
    return {id: {**entry, "inputs": _linked_within(entry["inputs"], kept)} for id, entry in kept.items()}


def _sources(entry: Mapping[str, Any], prompt: Prompt) -> set[str]:
    return {value[0] for value in entry["inputs"].values() if isinstance(value, list) and value[0] in prompt}


def _with_all_that_feeds(wanted: set[str], sources: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        id = waiting.pop()
        if id not in found:
            found.add(id)
            waiting.extend(sources[id])
    return found


def _linked_within(inputs: Mapping[str, Any], kept: Prompt) -> dict[str, Any]:
    """Inputs but those linked to a node that is not there; every list is a link here, as literal ones are wrapped."""
    return {name: value for name, value in inputs.items() if not isinstance(value, list) or value[0] in kept}


def _described(id: str, node: Node) -> MissingType:
    properties = node.saved.properties
    pack = properties.get("cnr_id") or properties.get("aux_id")
    version = properties.get("ver")
    return MissingType(id, node.type, str(pack) if pack else None, str(version) if version else None)
