"""Which steps the latest graphs hold: those of the prompt, and those that each expanding node put there.

Caches that keep what is still in the graph ask this when it may go. A node's name between runs is its id and type.
"""

from collections import Counter
from collections.abc import Mapping

Owner = tuple[str, str]  # node id, node type id


class Scopes:
    """The keys of the steps of each scope. The prompt's own scope is None; an expanding node's is its name."""

    def __init__(self) -> None:
        self._scopes: dict[Owner | None, Mapping[Owner, str]] = {}
        self._keys: Counter[str] = Counter()

    def replace(self, scope: Owner | None, steps: Mapping[Owner, str]) -> tuple[set[str], set[Owner]]:
        """Let a scope hold these steps instead of what it held; scopes of nodes that went away go too.

        Returns the keys and the nodes that are in no scope any more.
        """
        before = self._scopes.get(scope, {})
        self._scopes[scope] = steps
        self._keys.update(steps.values())
        dropped = Counter(before.values())
        gone = {owner for owner in before if owner not in steps}
        waiting = list(gone)
        while waiting:
            inner = self._scopes.pop(waiting.pop(), {})
            dropped.update(inner.values())
            waiting += [owner for owner in inner if owner not in gone]
            gone.update(inner)
        self._keys.subtract(dropped)
        lost = {key for key in dropped if self._keys[key] <= 0}
        for key in lost:
            del self._keys[key]
        return lost, gone

    def clear(self) -> None:
        self._scopes.clear()
        self._keys.clear()
