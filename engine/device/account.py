"""Who holds how much of a device's memory, how much may be taken, and what goes first when it is short.

There is one account per device. Weights are counted as they come and go, work is estimated before it is done, and
everything else is what others have told the account to ask them.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock

import torch

from engine.device.held import Holding, Weight, holdings
from engine.device.room import free_bytes, spelled

CPU = torch.device("cpu")
KEPT = 32  # estimates: there is one for each size of picture


class OutOfMemory(RuntimeError):
    """A device's memory did not suffice. By the time this is raised, what could be let go has been."""


@dataclass(frozen=True)
class Limits:
    """What this process may take, in bytes; None where only the machine sets the limit."""

    vram: int | None = None  # of each accelerator
    ram: int | None = None
    reserve: int | None = None  # of each accelerator, left to others; None chooses


@dataclass(frozen=True)
class Share:
    """One line of the account: what holds memory, and how much of it where."""

    kind: str  # weights, results, work
    what: str
    near: int  # bytes where it computes
    ram: int = 0  # bytes of copies in main memory
    whole: int = 0  # bytes when all of it is near


@dataclass(frozen=True)
class Estimate:
    """What the last work with a network was thought to need beside its weights, and what it then took."""

    what: str
    expected: int
    measured: int | None  # None where the device does not tell


@dataclass(frozen=True)
class Ledger:
    """Someone else's memory in this account: how much it is, and how to have it let go."""

    kind: str
    what: str
    size: Callable[[], int]
    let_go: Callable[[], None]


@dataclass
class Account:
    """The memory of one device."""

    device: torch.device
    limits: Limits = field(default_factory=Limits)
    has_ram_copies: bool = False  # whether weights that are let go may stay in main memory
    expected: frozenset[str] = frozenset()  # names of files that waiting jobs will ask for
    estimates: dict[str, Estimate] = field(default_factory=dict[str, Estimate])
    _turn: int = 0
    _working: int = 0  # bytes that the work going on is thought to need
    _ledgers: list[Ledger] = field(default_factory=list[Ledger])
    _lock: RLock = field(default_factory=RLock)

    @property
    def budget(self) -> int | None:
        return self.limits.ram if self.device.type == "cpu" else self.limits.vram

    @property
    def reserve(self) -> int:
        """Bytes left to others on this device: a twentieth of it, at most 1 GiB, unless it was said."""
        if self.device.type != "cuda":
            return 0
        if self.limits.reserve is not None:
            return self.limits.reserve
        return min(1 << 30, torch.cuda.get_device_properties(self.device).total_memory // 20)

    @property
    def held(self) -> int:
        """Bytes of weights, results and work in this account."""
        copies = sum(each.in_ram for each in holdings.all()) if self.device.type == "cpu" else 0
        return self.weights + copies + self._lent() + self._working

    @property
    def weights(self) -> int:
        """Bytes of weights that lie near; what networks share is counted once."""
        return sum(weight.size for weight in self._near())

    def count(self, ledger: Ledger) -> None:
        """Count someone else's memory too; one that says the same takes the place of the one before."""
        self._ledgers = [each for each in self._ledgers if (each.kind, each.what) != (ledger.kind, ledger.what)]
        self._ledgers.append(ledger)

    def room(self) -> int:
        """Bytes that can be taken now, without letting anything go. Below zero where too much is held."""
        free = free_bytes(self.device)
        known = [] if free is None else [free - self.reserve - self._working]
        if self.budget is not None:
            known.append(self.budget - self.held)
        return min(known, default=1 << 62)

    def room_beside(self, holding: Holding, enough: int | None = None) -> int:
        """Bytes that could be taken beside all weights of a network, if everything else were let go. Where more than
        `enough` are free now, no closer look is taken.
        """
        missing = sum(each.size for each in holding.weights if not each.is_near)
        if enough is not None and (room := self.room() - missing) >= enough:
            return room
        mine = set(holding.weights)
        others = {each for each in self._near() if each not in mine} - self.in_use()
        return self.room() + sum(each.size for each in others) + self._lent() - missing

    def make_room(self, needed: int, keep: Holding | None = None, *, results: bool = False) -> int:
        """Let go of the least valuable weights until so much is free, then, if asked, of results; gives the room."""
        with self._lock:
            room = self.room()
            if room >= needed:
                return room
            kept = self.in_use() | set(() if keep is None else keep.weights)
            for holding in sorted(holdings.on(self.device), key=self._worth):
                self._let_go(holding, needed - room, kept)
                if (room := self.room()) >= needed:
                    return room
            for each in self._ledgers if results else ():
                each.let_go()
            return self.room()

    def let_all_go(self) -> None:
        """Keep no weight near that nobody works with, and no copies in main memory."""
        with self._lock:
            used = self.in_use()
            for weight in {weight for each in holdings.on(self.device) for weight in each.weights}:
                if weight.is_near and weight not in used:
                    weight.let_go()
                weight.ram = None

    def keeps_copy(self, weight: Weight) -> bool:
        """Whether a weight that is let go stays in main memory: where that is elsewhere, and has room."""
        return self.has_ram_copies and (weight.ram is not None or accounts.of(CPU).room() >= weight.size)

    def in_use(self) -> set[Weight]:
        """The weights of networks that are at work."""
        return {weight for each in holdings.on(self.device) if each.users for weight in each.weights}

    @contextmanager
    def using(self, holding: Holding, work: int) -> Generator[None]:
        """A network is at work, and is thought to need so many bytes beside its weights."""
        with self._lock:
            self._turn += 1
            holding.turn = self._turn
            holding.users += 1
            self._working += work
        try:
            yield
        finally:
            with self._lock:
                holding.users -= 1
                self._working -= work

    def measure(self, what: str, expected: int, measured: int | None) -> None:
        """Note what work took, beside what it was thought to take. The last kinds of work are kept."""
        others = [each for each in self.estimates.values() if each.what != what][-KEPT + 1 :]
        # Another dictionary, as other threads may be reading this one.
        self.estimates = {each.what: each for each in (*others, Estimate(what, expected, measured))}

    def shares(self) -> list[Share]:
        """Who holds what, the largest first."""
        held = [
            Share("weights", each.what, each.near, each.in_ram, each.size)
            for each in holdings.on(self.device)
            if each.near or each.in_ram
        ]
        others = [Share(each.kind, each.what, size, whole=size) for each in self._ledgers if (size := each.size())]
        work = [Share("work", "what runs now", self._working, whole=self._working)] if self._working else []
        return sorted([*held, *others, *work], key=lambda share: share.near + share.ram, reverse=True)

    def _near(self) -> set[Weight]:
        return {weight for each in holdings.on(self.device) for weight in each.weights if weight.is_near}

    def _lent(self) -> int:
        return sum(each.size() for each in self._ledgers)

    def _worth(self, holding: Holding) -> tuple[bool, float]:
        """What it would cost to bring a byte back, less with each turn that passed without its use; what a waiting job
        will ask for comes last.
        """
        seconds = holding.seconds_read / holding.bytes_read if holding.bytes_read else 0.0
        return holding.file in self.expected, seconds / (1 + self._turn - holding.turn)

    def _let_go(self, holding: Holding, needed: int, kept: set[Weight]) -> None:
        """Let go of as many of its weights as are needed, the last ones first."""
        for weight in reversed(holding.weights):
            if needed <= 0:
                return
            if weight.is_near and weight not in kept:
                weight.let_go(keep_in_ram=self.keeps_copy(weight))
                needed -= weight.size


@dataclass
class Accounts:
    """The accounts of this process, each made when its device is first asked for."""

    limits: Limits = field(default_factory=Limits)
    expected: frozenset[str] = frozenset()  # names of files that waiting jobs will ask for
    _of: dict[torch.device, Account] = field(default_factory=dict[torch.device, Account])

    def of(self, device: torch.device) -> Account:
        device = _numbered(device)
        if device not in self._of:
            self._of[device] = Account(device, self.limits, device.type != "cpu", self.expected)
        return self._of[device]

    def limit(self, limits: Limits) -> None:
        """Hold every device to these limits from now on."""
        if limits == self.limits:
            return
        self.limits = limits
        for account in self._of.values():
            account.limits = limits

    def expect(self, files: frozenset[str]) -> None:
        """Waiting jobs will ask for these files."""
        self.expected = files
        for account in self._of.values():
            account.expected = files

    def every(self) -> list[Account]:
        return list(self._of.values())


accounts = Accounts()


def check_room(needed: int, device: torch.device, what: str) -> None:
    """Raise OutOfMemory before an allocation of `needed` bytes that cannot succeed; `what` is told to the user."""
    account = accounts.of(device)
    room = account.make_room(needed, results=True)
    if room < needed:
        raise OutOfMemory(
            f"{what} needs {spelled(needed)}, but only {spelled(max(0, room))} are free on {device}"
            f"{told(account)}: make it smaller or fewer"
        )


def told(account: Account) -> str:
    """The account in brackets, for errors: what holds most of the memory."""
    lines = [f"{each.what} {spelled(each.near)}" for each in account.shares()[:4] if each.near]
    limit = "" if account.budget is None else f"budget {spelled(account.budget)}"
    parts = [each for each in (limit, *lines) if each]
    return f" ({'; '.join(parts)})" if parts else ""


def _numbered(device: torch.device) -> torch.device:
    """`cuda` is `cuda:0`, so that one device has one account."""
    return torch.device("cuda", 0) if str(device) == "cuda" else device
