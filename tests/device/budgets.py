"""A process whose memory is as small as a test wants it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import cast

import torch
from torch import nn

from engine.device.account import CPU, Limits, accounts
from engine.device.held import Holding, hold


@contextmanager
def ram_budget(size: int) -> Generator[None]:
    """Main memory as if models, results and work might take so many bytes of it."""
    account = accounts.of(CPU)
    before, ledgers = accounts.limits, account._ledgers
    account._ledgers = []
    account.let_all_go()
    accounts.limit(Limits(ram=size))
    try:
        yield
    finally:
        accounts.limit(before)
        account._ledgers = ledgers


def held_stack(count: int = 8, width: int = 32, what: str = "a stack", file: str = "") -> tuple[nn.Sequential, Holding]:
    """Linear layers one after the other, whose weights are read from elsewhere."""
    kept = [torch.randn(width, width, generator=torch.Generator().manual_seed(place)) for place in range(count)]
    with torch.device("meta"):
        stack = nn.Sequential(*(nn.Linear(width, width, bias=False) for _ in range(count)))
    return stack, hold(stack, {f"{place}.weight": _read(each) for place, each in enumerate(kept)}, CPU, what, file)


def linear(stack: nn.Sequential, place: int = 0) -> nn.Linear:
    """One of its layers."""
    return cast(nn.Linear, stack[place])


def _read(tensor: torch.Tensor) -> Callable[[], torch.Tensor]:
    return lambda: tensor
