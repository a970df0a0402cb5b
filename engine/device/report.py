"""What clients are told of the device that models live on, and of what holds its memory."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import psutil
import torch

from engine.device import place
from engine.device.account import CPU, Account, accounts
from engine.device.probe import probe

_LEAST = 1 << 20  # bytes by which a share has to change to be worth telling
_PART = 100  # free memory, which changes all the time: this part of all there is


def report() -> dict[str, Any]:
    """The device of this process and its memory in bytes, as `/system_stats` lists it."""
    device = place.current().device
    account = accounts.of(device)
    told = _account(account)
    told["estimates"] = [asdict(each) for each in list(account.estimates.values())]
    told["ram"] = None if device.type == "cpu" else _account(accounts.of(CPU))
    return {**_memory(device), "heddle": told}


def is_news(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether what is told now differs noticeably from what was told before."""
    least = now["vram_total"] // _PART
    if any(abs(before[name] - now[name]) > least for name in ("vram_free", "torch_vram_total", "torch_vram_free")):
        return True
    was, told = before["heddle"], now["heddle"]
    if was["estimates"] != told["estimates"] or _differ(was, told):
        return True
    return told["ram"] is not None and _differ(was["ram"], told["ram"])


def _account(account: Account) -> dict[str, Any]:
    shares = [asdict(each) for each in account.shares()]
    return {"budget": account.budget, "held": account.held, "shares": shares}


def _differ(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    was, told = ({(each["kind"], each["what"]): each for each in one["shares"]} for one in (before, now))
    if was.keys() != told.keys() or before["budget"] != now["budget"]:
        return True
    figures = [(was[key][name], told[key][name]) for key in told for name in ("near", "ram", "whole")]
    return any(abs(one - other) > _LEAST for one, other in [*figures, (before["held"], now["held"])])


def _memory(device: torch.device) -> dict[str, Any]:
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
