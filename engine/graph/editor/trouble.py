"""What keeps a saved workflow from becoming a prompt."""

from collections.abc import Sequence
from dataclasses import dataclass


class WorkflowError(Exception):
    """A workflow that cannot become a prompt; the text says which part of it, and why."""


@dataclass(frozen=True)
class MissingType:
    """A node whose type is not installed. `node` is its execution id, `pack` and `version` what the file says."""

    node: str
    type: str
    pack: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        pack = " ".join(filter(None, ["of", self.pack, self.version])) if self.pack else "of an unnamed pack"
        return f"{self.type} {pack} (node {self.node})"


class MissingTypes(WorkflowError):
    """Nodes that the result needs are of types that are not installed."""

    def __init__(self, missing: Sequence[MissingType]) -> None:
        self.missing = tuple(missing)
        listed = ", ".join(map(str, self.missing))
        super().__init__(f"These node types are not installed: {listed}. Install their packs, or mute the nodes.")
