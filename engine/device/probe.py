"""What hardware there is: asked once, held as a value."""

import os
from dataclasses import dataclass
from functools import cache

import psutil
import torch


@dataclass(frozen=True)
class Accelerator:
    """One device that computes faster than the processor; `device` is how torch names it, such as `cuda:0`."""

    device: str
    name: str
    memory: int  # bytes in all; 0 where the driver does not tell
    has_bfloat16: bool  # computes in it at full speed
    has_float16: bool


@dataclass(frozen=True)
class Hardware:
    """The machine as it was when it was first looked at."""

    cores: int
    memory: int  # bytes of main memory
    accelerators: tuple[Accelerator, ...]


@cache
def probe() -> Hardware:
    """Look at the machine; later calls give the first answer again."""
    return Hardware(os.cpu_count() or 1, psutil.virtual_memory().total, (*_cuda(), *_xpu(), *_mps()))


def _cuda() -> list[Accelerator]:
    """NVIDIA devices, and AMD's under ROCm, which torch calls by the same name."""
    if not torch.cuda.is_available():
        return []
    found: list[Accelerator] = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        has_bfloat16 = properties.major >= 8 or torch.version.hip is not None
        found.append(Accelerator(f"cuda:{index}", properties.name, properties.total_memory, has_bfloat16, True))
    return found


def _xpu() -> list[Accelerator]:
    if not torch.xpu.is_available():
        return []
    indices = range(torch.xpu.device_count())
    named = ((index, torch.xpu.get_device_properties(index)) for index in indices)
    return [Accelerator(f"xpu:{index}", each.name, each.total_memory, True, True) for index, each in named]


def _mps() -> list[Accelerator]:
    if not torch.backends.mps.is_available():
        return []
    return [Accelerator("mps", "Apple GPU", torch.mps.recommended_max_memory(), False, True)]
