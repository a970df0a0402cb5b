"""NodeType to the `/object_info` entry that clients of the ecosystem read, and all of them at once."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from engine.node.spec import Input, NodeType

log = logging.getLogger(__name__)


def entry(type_: NodeType) -> dict[str, Any]:
    """What clients are told of a node type. A type that spells its combos is shown as the newer generation is."""
    is_new = type_.spells_combo
    sections = _sections(type_)
    shown: dict[str, Any] = {
        "input": sections,
        "input_order": {section: list(inputs) for section, inputs in sections.items()},
        "output": [output.type for output in type_.outputs],
        "output_is_list": [output.is_list for output in type_.outputs],
        "output_name": [output.name for output in type_.outputs],
        "name": type_.id,
        "display_name": type_.title if type_.title is not None or is_new else type_.id,
        "description": type_.description,
        "python_module": type_.module,
        "category": type_.category,
        "output_node": type_.is_output,
    }
    if is_new or any(output.tooltip for output in type_.outputs):
        shown["output_tooltips"] = [output.tooltip for output in type_.outputs]
    flags = {"deprecated": type_.deprecated, "experimental": type_.experimental, "api_node": type_.api_node}
    return shown | {name: value for name, value in flags.items() if value or is_new}


def object_info(types: Mapping[str, NodeType], ids: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
    """The entries of these types, or of all. One whose own code fails is left out and logged, and harms no other."""
    shown: dict[str, dict[str, Any]] = {}
    for id in types if ids is None else ids:
        try:
            shown[id] = entry(types[id])
        except Exception:  # a pack's code may raise anything
            log.exception("node type %s cannot be described and is left out of the listing", id)
    return shown


def _sections(type_: NodeType) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {"required": {}}
    for each in type_.inputs:
        sections.setdefault(each.section, {})[each.name.removeprefix(HIDDEN)] = _spec(each, type_.spells_combo)
    return sections


HIDDEN = "hidden."
"""Stands before the names of a newer class's hidden inputs: it may well have a socket called `prompt`, too."""


def _spec(each: Input, is_new: bool) -> Any:
    if each.section == "hidden":
        return [each.type] if is_new else each.type
    type_: Any = list(each.type) if isinstance(each.type, tuple) else each.type
    return [type_, dict(each.options)]
