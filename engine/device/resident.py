"""A network at work: its weights near as far as they fit, the rest coming and going layer by layer."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager

import torch

from engine.device import held
from engine.device.account import Account, OutOfMemory, accounts, check_room, told
from engine.device.held import Holding, Layer
from engine.device.room import spelled
from engine.device.streaming import Stream

_BUFFERS = 2  # of the size of the largest layer, where there is room: one at work, one on its way
_SLACK = 0.75  # of what could stay near: below it is worth choosing anew


@contextmanager
def resident(module: object, work: int, what: str) -> Generator[None]:
    """Have a network's weights where it computes while it works, and `work` bytes free beside them.

    Weights that do not fit come and go with their layers. `what` says in errors what is being done. A network that
    looks after its weights itself only has its work counted. Raises OutOfMemory where even that does not suffice.
    """
    holding = held.of(module)
    if holding is None:
        yield
        return
    account = accounts.of(holding.device)
    with ExitStack() as stack:
        missing = sum(each.size for each in holding.weights if not each.is_near)
        room = account.make_room(missing + work, keep=holding)
        if room >= missing + work and not holding.is_spared:
            holding.bring()
            stack.enter_context(account.using(holding, work))
        else:
            stack.enter_context(_in_part(account, holding, work, what))
        stack.enter_context(_measured(account, what, work))
        yield


def fits_whole(module: object, work: int) -> bool:
    """Whether a network could have all its weights near, and `work` bytes beside them."""
    holding = held.of(module)
    return holding is None or accounts.of(holding.device).room_beside(holding, enough=work) >= work


def room_for(module: object, device: torch.device) -> int:
    """Bytes that a network's work could take beside its weights, all near or as few as need be; what others hold is
    counted as free.
    """
    holding = held.of(module)
    if holding is None:
        return accounts.of(device).room()
    return accounts.of(device).room_beside(holding) + holding.size - _least(holding)


def require(module: object, device: torch.device, work: int, what: str) -> None:
    """Raise OutOfMemory where memory does not hold `work` bytes beside as few of a network's weights as need be."""
    holding = held.of(module)
    if holding is None:
        check_room(work, device, what)
        return
    account = accounts.of(holding.device)
    if account.room() < work and work > (have := room_for(module, device)):
        msg = f"{what} needs {spelled(work)} beside the model, but only {spelled(max(0, have))} can be had"
        raise OutOfMemory(f"{msg} on {device}{told(account)}: make it smaller or fewer")


@contextmanager
def sparing(module: object) -> Generator[None]:
    """In the block a network holds no more weights near than it has to, whatever is thought to be free."""
    holding = held.of(module)
    if holding is None:
        yield
        return
    before, holding.is_spared = holding.is_spared, True
    try:
        yield
    finally:
        holding.is_spared = before


def _least(holding: Holding) -> int:
    """Bytes of weights that have to be near at once while layers come and go."""
    return _largest(holding) + sum(each.size for each in holding.fixed)


def _largest(holding: Holding) -> int:
    return max((each.size for each in holding.layers), default=0)


@contextmanager
def whole(module: object) -> Generator[None]:
    """Have all weights of a network near and keep them there, whatever is free: to copy it or to train with it."""
    holding = held.of(module)
    if holding is None:
        yield
        return
    account = accounts.of(holding.device)
    account.make_room(holding.size - holding.near, keep=holding)
    holding.bring()
    with account.using(holding, 0):
        yield


def bring_if_free(module: object) -> None:
    """Have a network near that will soon be at work, if nothing has to be let go for it."""
    holding = held.of(module)
    if holding is not None and accounts.of(holding.device).room() >= holding.size - holding.near:
        holding.bring()


@contextmanager
def _measured(account: Account, what: str, work: int) -> Generator[None]:
    """Note what work really takes, where the device tells."""
    device = account.device
    if device.type != "cuda":
        yield
        account.measure(what, work, None)
        return
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    yield
    account.measure(what, work, torch.cuda.max_memory_allocated(device) - before)


@contextmanager
def _in_part(account: Account, holding: Holding, work: int, what: str) -> Generator[None]:
    """Keep as many layers near as memory holds beside the work; the others come and go."""
    least = work + _least(holding)
    room = account.room() + holding.near
    if room < least:
        room = account.make_room(least - holding.near, keep=holding, results=True) + holding.near
    if room < least:
        have = f"{spelled(least)} even layer by layer, but only {spelled(max(0, room))} can be had"
        raise OutOfMemory(f"{what} needs {have} on {holding.device}{told(account)}: make it smaller or fewer")
    window = min(_BUFFERS * _largest(holding), _largest(holding) + room - least)
    spare = room - least + _largest(holding) - window
    staying = frozenset[Layer]() if holding.is_spared else _staying(holding, spare)
    others = account.in_use()
    for weight in (weight for each in holding.layers if each not in staying for weight in each.weights):
        if weight.is_near and weight not in others:
            weight.let_go(keep_in_ram=account.keeps_copy(weight))
    holding.bring((*holding.fixed, *(weight for each in holding.layers if each in staying for weight in each.weights)))
    stream = Stream(holding, staying, window, frozenset(others), account.keeps_copy)
    with account.using(holding, work + window), stream.running():
        yield
    if (order := stream.in_order()) != holding.layers:
        holding.layers, holding.staying = order, None


def _staying(holding: Holding, spare: int) -> frozenset[Layer]:
    """The layers to keep near in `spare` bytes: those of last time, where that is still about right."""
    if holding.staying is not None:
        taken = sum(each.size for each in holding.staying)
        if _SLACK * spare <= taken <= spare:
            return holding.staying
    holding.staying = frozenset(evenly(holding.layers, spare))
    return holding.staying


def evenly(layers: tuple[Layer, ...], spare: int) -> Iterator[Layer]:
    """Layers that take up to `spare` bytes, evenly spread: while one that stays is at work, the next is on its way."""
    share = spare / max(1, sum(each.size for each in layers))
    taken, passed = 0, 0
    for layer in layers:
        passed += layer.size
        if taken + layer.size <= min(spare, passed * share):
            taken += layer.size
            yield layer
