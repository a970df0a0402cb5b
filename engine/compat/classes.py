"""The registry as packs see it: `NODE_CLASS_MAPPINGS`, names to classes, live in both directions."""

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from engine.compat import v1, v3
from engine.node.registry import Describe, Registry
from engine.node.spec import NodeType


class Classes(MutableMapping[str, Any]):
    """Setting a class registers its node type; getting gives the class back.

    A node type that was never a class is shown as one by `as_class`, made when it is first asked for.
    """

    def __init__(self, registry: Registry, as_class: Callable[[str, Describe], Any]) -> None:
        self.registry = registry
        self.titles = Titles(registry)
        self._as_class = as_class
        self._given: dict[str, Any] = {}
        self._made: dict[str, Any] = {}

    def __setitem__(self, id: str, cls: Any) -> None:
        self._given[id] = cls
        self._made.pop(id, None)
        self.registry.add(id, lambda: self._describe(id))

    def __getitem__(self, id: str) -> Any:
        if id in self._given:
            return self._given[id]
        if id not in self.registry:
            raise KeyError(id)
        if id not in self._made:
            self._made[id] = self._as_class(id, lambda: self.registry.describe(id))
        return self._made[id]

    def __delitem__(self, id: str) -> None:
        self.registry.remove(id)
        self._given.pop(id, None)
        self._made.pop(id, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self.registry)

    def __len__(self) -> int:
        return len(self.registry)

    def __contains__(self, id: object) -> bool:
        return id in self.registry

    def _describe(self, id: str) -> NodeType:
        cls = self._given[id]
        title = self.titles.given.get(id)
        return v3.describe(id, cls, title) if v3.is_v3(cls) else v1.describe(id, cls, title)


class Titles(MutableMapping[str, str]):
    """`NODE_DISPLAY_NAME_MAPPINGS`: the labels that packs gave, and those of the built-in nodes where none was given.

    A label given to a built-in node is kept apart and changes nothing that clients see.
    """

    def __init__(self, registry: Registry) -> None:
        self.given: dict[str, str] = {}
        self._registry = registry

    def __setitem__(self, id: str, title: str) -> None:
        self.given[id] = title

    def __getitem__(self, id: str) -> str:
        if id in self.given:
            return self.given[id]
        title = self._registry.describe(id).title
        if title is None:
            raise KeyError(id)
        return title

    def __delitem__(self, id: str) -> None:
        del self.given[id]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._registry, *self.given]))

    def __len__(self) -> int:
        return len(set(self._registry) | set(self.given))
