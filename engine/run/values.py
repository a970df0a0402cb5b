"""The results in reach of one run: those that its steps still need are held here, the rest is the cache's to keep."""

from collections import Counter
from collections.abc import Iterable

from engine.graph.fingerprint import Fingerprints
from engine.run.cache import Cache, Entry


class Values:
    """Results by node id. Equal steps share one, so that it is made once.

    Every step on the agenda wants its own result and those of its sources; a result that nobody wants any more is let
    go. The cache may then still have it; if not, a late comer makes it again.
    """

    def __init__(self, cache: Cache, keys: Fingerprints) -> None:
        self._cache = cache
        self._keys = keys
        self._held: dict[str, Entry] = {}
        self._wanted: Counter[str] = Counter()

    def find(self, id: str) -> Entry | None:
        """What the step made, if that is in reach. What is wanted stays in reach."""
        key = self._keys[id]
        if (held := self._held.get(key)) is not None:
            return held
        entry = self._cache.get(key)
        if entry is not None and self._wanted[key]:
            self._held[key] = entry
        return entry

    def has(self, id: str) -> bool:
        return self.find(id) is not None

    def store(self, id: str, entry: Entry, *, for_good: bool = False) -> None:
        """Keep what a step made; `for_good` until the run ends."""
        key = self._keys[id]
        self._wanted[key] += for_good
        self._held[key] = entry
        self._cache.put(key, entry)

    def want(self, ids: Iterable[str]) -> None:
        for id in ids:
            self._wanted[self._keys[id]] += 1

    def let_go(self, ids: Iterable[str]) -> None:
        """Take back a want."""
        for id in ids:
            key = self._keys[id]
            self._wanted[key] -= 1
            if self._wanted[key] <= 0:
                del self._wanted[key]
                self._held.pop(key, None)

    def clear(self) -> None:
        self._held.clear()
        self._wanted.clear()
