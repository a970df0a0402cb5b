"""The module that packs import as `comfy_execution.graph`: the live graph of a run, and its errors."""

from engine.graph.live import (
    DependencyCycleError,
    DuplicateNodeError,
    DynamicPrompt,
    NodeInputError,
    NodeNotFoundError,
)
from engine.graph.prompt import is_link
from engine.node.spec import ExecutionBlocker

__all__ = [
    "DependencyCycleError",
    "DuplicateNodeError",
    "DynamicPrompt",
    "ExecutionBlocker",
    "NodeInputError",
    "NodeNotFoundError",
    "is_link",
]
