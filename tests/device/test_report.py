"""When a worker tells anew what holds its memory: what an idle machine does by itself is no news."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch

from engine.device import held, place, report
from engine.device.account import CPU, accounts
from tests.device.budgets import held_stack, ram_budget

MIB = 1 << 20


def told() -> dict[str, Any]:
    """A device with a network that has half of its weights near."""
    share = {"kind": "weights", "what": "a model", "near": 50 * MIB, "ram": 50 * MIB, "whole": 100 * MIB}
    account = {"budget": None, "held": 60 * MIB, "shares": [share]}
    memory = {"vram_total": 1000 * MIB, "vram_free": 500 * MIB, "torch_vram_total": 0, "torch_vram_free": 0}
    return {**memory, "heddle": {**account, "estimates": [], "ram": deepcopy(account)}}


def free(device: dict[str, Any], size: int) -> None:
    device["vram_free"] += size


def share(device: dict[str, Any], size: int) -> None:
    device["heddle"]["shares"][0]["near"] += size


def copies(device: dict[str, Any], size: int) -> None:
    device["heddle"]["ram"]["held"] += size


@pytest.mark.parametrize(("change", "size"), [(free, 9 * MIB), (share, MIB // 2), (copies, -MIB)])
def test_little_is_no_news(change: Callable[[dict[str, Any], int], None], size: int) -> None:
    now = told()
    change(now, size)
    assert not report.is_news(told(), now)


@pytest.mark.parametrize(("change", "size"), [(free, -11 * MIB), (share, 2 * MIB), (copies, -2 * MIB)])
def test_much_is_news(change: Callable[[dict[str, Any], int], None], size: int) -> None:
    now = told()
    change(now, size)
    assert report.is_news(told(), now)


def test_whatever_comes_or_goes_is_news_and_so_is_an_estimate() -> None:
    gone, other, worked = told(), told(), told()
    gone["heddle"]["shares"] = []
    other["heddle"]["shares"][0]["what"] = "another model"
    worked["heddle"]["estimates"] = [{"what": "a model", "expected": 1, "measured": None}]
    assert report.is_news(told(), gone)
    assert report.is_news(gone, told())
    assert report.is_news(told(), other)
    assert report.is_news(told(), worked)


def test_the_account_is_told_with_what_is_near() -> None:
    with ram_budget(100 * MIB):
        accounts.of(CPU).measure("a network", 5, None)
        _stack, holding = held_stack(what="a network")
        holding.bring()
        account = report.report()["heddle"]
        assert account["budget"] == 100 * MIB
        assert {"what": "a network", "expected": 5, "measured": None} in account["estimates"]
        (shown,) = [each for each in account["shares"] if each["what"] == "a network"]
        assert shown == {"kind": "weights", "what": "a network", "near": holding.size, "ram": 0, "whole": holding.size}
        assert holding in held.holdings.all()


def test_beside_an_accelerator_stands_the_account_of_main_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = place.Placement(device=torch.device("meta"))
    monkeypatch.setattr(place, "current", lambda: elsewhere)
    with ram_budget(100 * MIB):
        _stack, holding = held_stack(what="a network")
        holding.bring()
        account = report.report()["heddle"]
        assert (account["budget"], account["held"], account["shares"]) == (None, 0, [])
        assert account["ram"]["budget"] == 100 * MIB
        assert "a network" in [each["what"] for each in account["ram"]["shares"]]
