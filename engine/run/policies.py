"""How long results are kept: while they are in the graph, the N latest, not at all, or while memory lasts."""

import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from engine.run.cache import Cache, Entry
from engine.run.scopes import Owner
from engine.run.size import Piece, Pieces, pieces_of


class Classic(Cache):
    """Keeps what the latest prompt holds, with what its expanding nodes put there; the rest goes when a run starts."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[str, Entry] = {}

    def get(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def put(self, key: str, entry: Entry) -> None:
        self._entries[key] = entry

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def entries(self) -> Iterable[Entry]:
        return list(self._entries.values())

    def drop(self) -> None:
        self._entries.clear()

    def _enter(self, scope: Owner | None, steps: Mapping[Owner, str]) -> set[str]:
        gone = super()._enter(scope, steps)
        for key in gone:
            self._entries.pop(key, None)
        return gone


class Recent(Cache):
    """Keeps the prompt at hand and, beside it, the latest prompts' results while there are at most `count` in all."""

    def __init__(self, count: int) -> None:
        super().__init__()
        if count < 1:
            msg = f"the number of results to keep is {count}; it must be 1 or more"
            raise ValueError(msg)
        self._count = count
        self._run = 0
        self._entries: OrderedDict[str, tuple[int, Entry]] = OrderedDict()  # by last use, with the run of that use

    def begin(self, steps: Mapping[Owner, str]) -> None:
        super().begin(steps)
        self._run += 1
        for key in steps.values():
            self.get(key)
        while len(self._entries) > self._count:
            oldest = self._oldest()
            if oldest == self._run:
                return
            while self._oldest() == oldest:
                self._entries.popitem(last=False)

    def get(self, key: str) -> Entry | None:
        if key not in self._entries:
            return None
        entry = self._entries[key][1]
        self.put(key, entry)
        return entry

    def put(self, key: str, entry: Entry) -> None:
        self._entries[key] = (self._run, entry)
        self._entries.move_to_end(key)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def entries(self) -> Iterable[Entry]:
        return [entry for _, entry in list(self._entries.values())]

    def drop(self) -> None:
        self._entries.clear()

    def _oldest(self) -> int:
        """The run that last used the result which is unused for longest; 0 when there is none."""
        return next((run for run, _ in self._entries.values()), 0)


class Nothing(Cache):
    """Keeps nothing: each run does everything, with new instances, and holds its results only while it needs them."""

    def begin(self, steps: Mapping[Owner, str]) -> None:
        self._instances.clear()
        super().begin(steps)

    def get(self, key: str) -> Entry | None:
        return None

    def put(self, key: str, entry: Entry) -> None:
        pass

    def __contains__(self, key: object) -> bool:
        return False

    def entries(self) -> Iterable[Entry]:
        return ()

    def drop(self) -> None:
        pass


@dataclass
class _Kept:
    entry: Entry
    pieces: Pieces
    worth: float = 0.0


class Budget(Cache):
    """Keeps results while they fit into so many bytes of RAM and, where given, of VRAM.

    Dropped first is what was cheap to make for the bytes it holds; with each run that passes without its use, a result
    is worth less. Memory that several results share counts once, and is free when the last of them has gone.
    """

    AGEING = 1.3  # how much cheaper a result looks for each run without use
    LEAST_BYTES = 1024  # what the smallest result costs to keep, so that endless small ones are let go too
    LEAST_SECONDS = 1e-6

    def __init__(self, ram: int, vram: int | None = None) -> None:
        super().__init__()
        self._limits = {"ram": ram, "vram": math.inf if vram is None else vram}
        self._used = {"ram": 0, "vram": 0}
        self._run = 0
        self._kept: dict[str, _Kept] = {}
        self._sharing: dict[Piece, tuple[int, int]] = {}  # how many results hold a piece, and its bytes
        self._cheapest: dict[str, list[tuple[float, str]]] = {"ram": [], "vram": []}

    def begin(self, steps: Mapping[Owner, str]) -> None:
        super().begin(steps)
        self._run += 1

    def get(self, key: str) -> Entry | None:
        if (kept := self._kept.get(key)) is None:
            return None
        self._rate(key, kept)
        return kept.entry

    def put(self, key: str, entry: Entry) -> None:
        if key in self._kept:
            self._drop(key)
        pieces = pieces_of((entry.slots, entry.ui)) | {("ram", id(entry)): self.LEAST_BYTES}
        kept = self._kept[key] = _Kept(entry, pieces)
        for piece, size in kept.pieces.items():
            count, held = self._sharing.get(piece, (0, size))
            self._sharing[piece] = (count + 1, held)
            if not count:
                self._used[piece[0]] += held
        self._rate(key, kept)
        for where in self._limits:
            self._shrink(where)

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def used(self, where: str) -> int:
        """The bytes held in "ram" or "vram"."""
        return self._used[where]

    def entries(self) -> Iterable[Entry]:
        return [kept.entry for kept in list(self._kept.values())]

    def drop(self) -> None:
        self._kept.clear()
        self._sharing.clear()
        self._used = {"ram": 0, "vram": 0}
        self._cheapest = {"ram": [], "vram": []}

    def _rate(self, key: str, kept: _Kept) -> None:
        """Say anew what a result is worth: log(seconds / bytes), raised by later use instead of lowered by age."""
        size = sum(kept.pieces.values())
        worth = math.log(max(kept.entry.seconds, self.LEAST_SECONDS) / size) + self._run * math.log(self.AGEING)
        if worth != kept.worth:
            kept.worth = worth
            for where in {where for where, _ in kept.pieces}:
                heappush(self._cheapest[where], (worth, key))

    def _shrink(self, where: str) -> None:
        queue = self._cheapest[where]
        while self._used[where] > self._limits[where] and queue:
            worth, key = heappop(queue)
            kept = self._kept.get(key)
            if kept is not None and kept.worth == worth:
                self._drop(key)
        if len(queue) > 4 * len(self._kept) + 64:  # mostly outdated
            queue[:] = [(worth, key) for worth, key in queue if key in self._kept and self._kept[key].worth == worth]
            heapify(queue)

    def _drop(self, key: str) -> None:
        for piece in self._kept.pop(key).pieces:
            count, held = self._sharing.pop(piece)
            if count > 1:
                self._sharing[piece] = (count - 1, held)
            else:
                self._used[piece[0]] -= held
