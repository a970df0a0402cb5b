"""Whether something of a size fits into RAM, asked before it is made: an absurd size ends in words, not in a crash."""

from collections.abc import Generator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import psutil
import torch

_CGROUP = Path("/sys/fs/cgroup")  # version 2, as containers see their own
_OWN = Path("/proc/self/status")  # Linux
_SHARE = 0.9  # of what is free: the rest of the process needs some too


def free_bytes(device: torch.device) -> int | None:
    """Bytes that can still be had on a device, counting what torch holds in reserve; None where nobody tells."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "cpu":
        return free_ram()
    return None


def free_ram() -> int:
    """Bytes of RAM that this process may still take, within its container's limit where there is one."""
    free = psutil.virtual_memory().available
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        taken = int((_CGROUP / "memory.current").read_text()) - _cached_files()
        return min(free, max(0, limit - taken))
    except (OSError, ValueError):  # no such limit, or the word "max"
        return free


def _cached_files() -> int:
    """Bytes that a container is charged for, and that are given up when asked for: copies of files that were read."""
    lines = (_CGROUP / "memory.stat").read_text().splitlines()
    sizes = {name: int(size) for name, size in (line.split() for line in lines)}
    return sizes.get("inactive_file", 0) + sizes.get("active_file", 0)


@contextmanager
def fenced() -> Generator[None]:
    """While in here, RAM that is not free is refused to this process as an error, and never ends it.

    Linux promises memory that it does not have and kills who uses it; a limit of the process's data to what is free
    now makes allocations fail instead. Elsewhere there is no such limit, and none is needed.
    """
    try:
        import resource

        (data,) = (int(line.split()[1]) << 10 for line in _OWN.read_text().splitlines() if line.startswith("VmData"))
    except (ImportError, OSError, ValueError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = data + free_ram()
    known = [each for each in (soft, hard) if each != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([limit, *known]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def require(what: str, *shape: int, bytes_each: int = 4) -> None:
    """Raise MemoryError in plain words if a tensor of this shape cannot fit into free RAM.

    `what` opens the message: "an empty latent for 16384 x 16384 pixels, batch 4096".
    """
    needed = prod(shape) * bytes_each
    if needed < 1 << 20:
        return
    free = free_ram()
    if needed > free * _SHARE:
        msg = f"{what} needs {spelled(needed)} of memory, and {spelled(free)} is free: make it smaller or fewer"
        raise MemoryError(msg)


def spelled(size: int) -> str:
    """Bytes in words: `3.2 GiB`, or `12 MiB` for what is small."""
    return f"{size / 2**30:,.1f} GiB" if size >= 1 << 30 else f"{size / 2**20:,.0f} MiB"
