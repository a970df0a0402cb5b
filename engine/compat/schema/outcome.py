"""`io.NodeOutput`: what the `execute` of a V3 class returns."""

from typing import Any


class NodeOutput:
    """The values of a node's slots, and what comes with them.

    `ui` is shown to clients: a dict, or a helper of `comfy_api.latest.ui`. `expand` is a graph in API format that takes
    the node's place. `block_execution` is a message (or "") with which everything downstream is stopped.
    """

    def __init__(self, *args: Any, ui: Any = None, expand: Any = None, block_execution: str | None = None) -> None:
        self.args = args
        self.ui = ui
        self.expand = expand
        self.block_execution = block_execution

    @property
    def result(self) -> tuple[Any, ...] | None:
        """The values, or None when there are none."""
        return self.args or None

    def __getitem__(self, slot: int) -> Any:
        return self.args[slot]

    def __len__(self) -> int:
        return len(self.args)
