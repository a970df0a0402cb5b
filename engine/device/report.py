"""What clients are told of the device that models live on."""

from typing import Any

import psutil
import torch

from engine.device import place
from engine.device.probe import probe


def report() -> dict[str, Any]:
    """The device of this process and its memory in bytes, as `/system_stats` lists it."""
    device = place.current().device
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        reserved = torch.cuda.memory_reserved(device)
        unused = reserved - torch.cuda.memory_allocated(device)
        index = device.index or 0
        name = f"{device} {torch.cuda.get_device_name(device)}"
        return _entry(name, "cuda", index, (total, free + unused), (reserved, unused))
    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    for each in probe().accelerators:
        if each.device.partition(":")[0] == device.type:
            total = each.memory or total
    return _entry(str(device), device.type, device.index, (total, free), (total, free))


def _entry(
    name: str, type_: str, index: int | None, memory: tuple[int, int], torch_memory: tuple[int, int]
) -> dict[str, Any]:
    return {
        "name": name,
        "type": type_,
        "index": index,
        "vram_total": memory[0],
        "vram_free": memory[1],
        "torch_vram_total": torch_memory[0],
        "torch_vram_free": torch_memory[1],
    }
