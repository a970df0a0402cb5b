"""How much memory is free, and what happens when it is not enough: one clear error, and room for the next run."""

import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from traceback import clear_frames

import torch

from engine.device.room import free_ram

_GIB = 1 << 30

# What torch and its backends say where they do not raise torch.OutOfMemoryError.
_SAYINGS = ("out of memory", "can't allocate memory", "cannot allocate memory", "failed to allocate", "bad_alloc")


class OutOfMemory(RuntimeError):
    """A device's memory did not suffice. By the time this is raised, what could be let go has been."""


_RELEASES: list[Callable[[], None]] = []


def on_shortage(release: Callable[[], None]) -> None:
    """Have `release` called when memory runs out: caches let go of what they hold."""
    if release not in _RELEASES:
        _RELEASES.append(release)


def free_bytes(device: torch.device) -> int | None:
    """Bytes that can still be had on a device, counting what torch holds in reserve; None where nobody tells."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "cpu":
        return free_ram()
    return None


def check_room(needed: int, device: torch.device, what: str) -> None:
    """Raise OutOfMemory before an allocation of `needed` bytes that cannot succeed; `what` is told to the user."""
    free = free_bytes(device)
    if free is not None and needed > free:
        release()
        free = free_bytes(device) or 0
        if needed > free:
            sizes = f"{needed / _GIB:.1f} GiB, but only {free / _GIB:.1f} GiB are free on {device}"
            raise OutOfMemory(f"{what} needs {sizes}: make it smaller or fewer")


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
    """Let go of all that caches hold, and hand unused memory back to the devices."""
    for each in _RELEASES:
        each()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
