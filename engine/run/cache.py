"""Fingerprint -> what that step made, and node -> its instance. How long each is kept is the policy's to say."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from engine.run.scopes import Owner, Scopes
from engine.run.size import Pieces, pieces_of
from engine.run.spread import Slots


@dataclass(frozen=True)
class Entry:
    """What a step made: its slots, its UI, and the seconds that making it took."""

    slots: Slots
    ui: Mapping[str, Any] | None = None
    seconds: float = 0.0


class Cache(ABC):
    """Results between runs. A run holds what it still needs by itself, so a cache may drop any entry at any time."""

    def __init__(self) -> None:
        self._scopes = Scopes()
        self._instances: dict[Owner, Callable[..., Any]] = {}
        self._measured: dict[int, tuple[Entry, Pieces]] = {}  # an entry's memory, found once
        self._measuring = Lock()  # what a worker holds is also told while it runs

    @abstractmethod
    def get(self, key: str) -> Entry | None:
        """What the step of this key made, if it is kept."""

    @abstractmethod
    def put(self, key: str, entry: Entry) -> None:
        """Keep what a step made."""

    @abstractmethod
    def __contains__(self, key: object) -> bool:
        """Whether a result is kept; looking does not count as use."""

    def begin(self, steps: Mapping[Owner, str]) -> None:
        """A run starts whose prompt has these steps: their names and keys. Instances of others go."""
        self._enter(None, steps)

    def expand(self, owner: Owner, steps: Mapping[Owner, str]) -> None:
        """A node has put these steps into the graph, in place of those it put there before."""
        self._enter(owner, steps)

    def instance(self, owner: Owner, make: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
        """The node's instance, made when it is first asked for: nodes may keep state in it between runs."""
        if owner not in self._instances:
            self._instances[owner] = make()
        return self._instances[owner]

    def forget_instance(self, owner: Owner) -> None:
        self._instances.pop(owner, None)

    @abstractmethod
    def entries(self) -> Iterable[Entry]:
        """All that is kept."""

    @abstractmethod
    def drop(self) -> None:
        """Drop all results. What is known of the graph stays, and nodes' instances do."""

    def held(self) -> int:
        """The bytes of all results; weights of models are not among them, as these come and go by themselves."""
        with self._measuring:
            kept = {id(entry): entry for entry in self.entries()}
            for key, entry in kept.items():
                if key not in self._measured:
                    self._measured[key] = entry, pieces_of((entry.slots, entry.ui))
            for key in self._measured.keys() - kept.keys():
                del self._measured[key]
            together: Pieces = {}
            for _, pieces in self._measured.values():
                together |= pieces
        return sum(together.values())

    def clear(self) -> None:
        """Drop everything."""
        self.drop()
        self._scopes.clear()
        self._instances.clear()

    def _enter(self, scope: Owner | None, steps: Mapping[Owner, str]) -> set[str]:
        """Note what is in the graph now; returns the keys that are in it no more."""
        keys, owners = self._scopes.replace(scope, steps)
        for owner in owners:
            self.forget_instance(owner)
        return keys
