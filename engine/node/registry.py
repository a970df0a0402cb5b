"""Node id -> NodeType. Types are described afresh whenever they are asked for: choices may be files on disk."""

from collections.abc import Callable, Iterator, Mapping

from engine.node.spec import NodeType

Describe = Callable[[], NodeType]


class Registry:
    """All node types of a process. Loading order decides: a later pack replaces an earlier one's type."""

    def __init__(self) -> None:
        self._sources: dict[str, Describe] = {}

    def add(self, id: str, describe: Describe) -> None:
        self._sources[id] = describe

    def remove(self, id: str) -> None:
        """Forget a type. Raises KeyError for an unknown id."""
        del self._sources[id]

    def is_same(self, id: str, other: "Registry") -> bool:
        """Whether both describe this type by the same function."""
        return self._sources[id] == other._sources.get(id)

    def __contains__(self, id: object) -> bool:
        return id in self._sources

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def describe(self, id: str) -> NodeType:
        """The type as it is now. Raises KeyError for an unknown id, and whatever the node's own code raises."""
        return self._sources[id]()

    def snapshot(self) -> "Snapshot":
        """A view that describes each type at most once: one per prompt, so that its answers agree."""
        return Snapshot(self)


class Snapshot(Mapping[str, NodeType]):
    """The types of a registry during one piece of work; each is described when it is first asked for."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._described: dict[str, NodeType] = {}

    def __getitem__(self, id: str) -> NodeType:
        if id not in self._described:
            self._described[id] = self._registry.describe(id)
        return self._described[id]

    def __contains__(self, id: object) -> bool:
        return id in self._registry

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry)

    def __len__(self) -> int:
        return len(self._registry)
