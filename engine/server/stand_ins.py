"""Node types that the stock frontend of 1.27 takes for granted: where one is missing, it shows no loader of models."""

from collections.abc import Mapping
from typing import Any

_TAKEN_FOR_GRANTED = ("ImageOnlyCheckpointLoader", "StyleModelLoader")


def with_stand_ins(types: Mapping[str, Any]) -> dict[str, Any]:
    """These entries of `/object_info`, and for each such type that is missing one that searches leave out."""
    return {id: _stand_in(id) for id in _TAKEN_FOR_GRANTED} | dict(types)


def _stand_in(id: str) -> dict[str, Any]:
    return {
        "input": {"required": {}},
        "input_order": {"required": []},
        "output": [],
        "output_is_list": [],
        "output_name": [],
        "name": id,
        "display_name": f"{id} (not available)",
        "description": "Heddle does not have this node.",
        "python_module": "nodes",
        "category": "loaders",
        "output_node": False,
        "deprecated": True,
    }
