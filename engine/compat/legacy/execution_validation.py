"""The module that packs import as `comfy_execution.validation`: whether an output may feed an input."""

from typing import Any

from engine.graph.types import fits


def validate_node_input(received_type: Any, input_type: Any, strict: bool = False) -> bool:
    """Whether an output of `received_type` may feed an input of `input_type`."""
    return fits(received_type, input_type, strict)
