"""`ComfyExtension`: what the entry point of a V3 pack returns."""

from abc import ABC, abstractmethod
from typing import Any


class ComfyExtension(ABC):
    """A pack. `on_load` is awaited first, then `get_node_list` gives its node classes."""

    async def on_load(self) -> None:  # noqa: B027 - most packs have nothing to do here
        """What must be done once, before the nodes are asked for."""

    @abstractmethod
    async def get_node_list(self) -> list[type[Any]]:
        """The node classes of this pack."""
