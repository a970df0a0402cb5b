"""How much memory is free, and what happens when it is not enough: one clear error, and room for the next run."""

import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from traceback import clear_frames

import torch

from engine.device.account import OutOfMemory, accounts, check_room
from engine.device.room import free_bytes

__all__ = ["OutOfMemory", "check_room", "free_bytes", "is_shortage", "named_shortage", "on_shortage", "release"]

# What torch and its backends say where they do not raise torch.OutOfMemoryError.
_SAYINGS = ("out of memory", "can't allocate memory", "cannot allocate memory", "failed to allocate", "bad_alloc")


_RELEASES: list[Callable[[], None]] = []


def on_shortage(release: Callable[[], None]) -> None:
    """Have `release` called when memory runs out: caches let go of what they hold."""
    if release not in _RELEASES:
        _RELEASES.append(release)


@contextmanager
def named_shortage(what: str, device: torch.device | None = None) -> Generator[None]:
    """Turn any backend's out-of-memory error inside the block into OutOfMemory, and let go of what can be let go."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, OutOfMemory) or not is_shortage(error):
            raise
        clear_frames(error.__traceback__)  # the tensors that filled the memory are locals of the work that failed
        release()
        where = f" on {device}" if device else ""
        first_line = str(error).partition("\n")[0]
        msg = f"{what}: not enough memory{where} ({first_line}). A smaller size or batch needs less"
        raise OutOfMemory(msg) from None


def is_shortage(error: BaseException) -> bool:
    """Whether an error means that memory ran out."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError, OutOfMemory)):
        return True
    return isinstance(error, RuntimeError) and any(saying in str(error).lower() for saying in _SAYINGS)


def release() -> None:
    """Let go of all that caches hold and of weights that nobody works with; hand unused memory back to the devices."""
    for account in accounts.every():
        account.let_all_go()
    for each in _RELEASES:
        each()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
