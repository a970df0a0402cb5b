"""What was asked: nodes, their constants and the links between them, as frozen data."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Link:
    """An input fed by another node's output slot. `slot` is what the file said: negative counts from the end."""

    source: str
    slot: int

    def as_json(self) -> list[Any]:
        return [self.source, self.slot]


@dataclass(frozen=True)
class BadLink:
    """A list where a link was meant, kept as it came; the checker says what is wrong with it."""

    raw: tuple[Any, ...]

    def as_json(self) -> list[Any]:
        return list(self.raw)


@dataclass(frozen=True)
class Node:
    """One step as written. `inputs` hold Links, BadLinks and constants; a constant list is never a link here."""

    id: str
    type: str
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    title: str | None = None
    is_changed: Any = None  # a fingerprint that came with the prompt, if any

    def links(self) -> Iterator[tuple[str, Link]]:
        for name, value in self.inputs.items():
            if isinstance(value, Link):
                yield name, value


@dataclass(frozen=True)
class Graph:
    """Nodes by id, in the order of the file."""

    nodes: Mapping[str, Node]

    def __getitem__(self, id: str) -> Node:
        return self.nodes[id]

    def __contains__(self, id: object) -> bool:
        return id in self.nodes

    def __iter__(self) -> Iterator[str]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def ancestors(self, wanted: Collection[str]) -> set[str]:
        """The wanted nodes and all that feed them. Links to absent nodes are passed over."""
        seen: set[str] = set()
        waiting = [id for id in wanted if id in self.nodes]
        while waiting:
            id = waiting.pop()
            if id not in seen:
                seen.add(id)
                waiting.extend(link.source for _, link in self.nodes[id].links() if link.source in self.nodes)
        return seen
