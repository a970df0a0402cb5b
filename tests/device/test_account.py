"""The account of a device: how much may be taken, what goes first, and what is told of it."""

import pytest
from torch import nn

from engine.device.account import CPU, KEPT, Account, Accounts, Ledger, OutOfMemory, accounts, check_room
from engine.device.held import Holding
from tests.device.budgets import held_stack, ram_budget

KIB = 1 << 10


def near(what: str, seconds: float, file: str = "") -> tuple[nn.Sequential, Holding]:
    """A network of 32 KiB that lies near, and took so long to come there."""
    stack, holding = held_stack(what=what, file=file)
    holding.bring()
    holding.seconds_read = seconds
    return stack, holding


def test_room_is_what_the_budget_leaves() -> None:
    with ram_budget(100 * KIB):
        account = accounts.of(CPU)
        before = account.room()
        kept = near("a model", 1.0)
        assert account.room() == before - 32 * KIB
        with account.using(kept[1], 10 * KIB):
            assert account.room() == before - 42 * KIB
        assert account.room() == before - 32 * KIB


def test_what_is_quick_to_bring_back_goes_first_and_only_as_much_as_is_needed() -> None:
    with ram_budget(100 * KIB):
        slow, quick = near("slow", 10.0), near("quick", 0.1)
        assert accounts.of(CPU).make_room(40 * KIB) >= 40 * KIB
        assert slow[1].near == 32 * KIB
        assert 0 < quick[1].near < 32 * KIB


def test_what_was_not_used_for_long_is_worth_less() -> None:
    with ram_budget(100 * KIB):
        account = accounts.of(CPU)
        old, new = near("old", 2.0), near("new", 1.0)
        for _ in range(3):
            with account.using(new[1], 0):
                pass
        account.make_room(60 * KIB)
        assert (old[1].near, new[1].near) == (8 * KIB, 32 * KIB)


def test_what_a_waiting_job_will_ask_for_goes_last() -> None:
    with ram_budget(100 * KIB):
        account = accounts.of(CPU)
        wanted, other = near("wanted", 0.1, "wanted.safetensors"), near("other", 10.0, "other.safetensors")
        accounts.expect(frozenset({"wanted.safetensors"}))
        account.make_room(68 * KIB)
        accounts.expect(frozenset())
        assert (wanted[1].near, other[1].near) == (32 * KIB, 0)


def test_what_is_at_work_stays_and_results_go_after_all_weights() -> None:
    dropped: list[str] = []
    with ram_budget(100 * KIB):
        account = accounts.of(CPU)
        kept = Ledger("results", "results", lambda: 0 if dropped else 20 * KIB, lambda: dropped.append("all"))
        account.count(kept)
        at_work, idle = near("at work", 0.1), near("idle", 10.0)
        with account.using(at_work[1], 0):
            assert account.make_room(45 * KIB) < 60 * KIB
            assert (at_work[1].near, idle[1].near, dropped) == (32 * KIB, 0, [])
            assert account.make_room(60 * KIB, results=True) >= 60 * KIB
            assert (at_work[1].near, dropped) == (32 * KIB, ["all"])


def test_an_error_says_what_is_missing_and_who_holds_the_rest() -> None:
    with ram_budget(48 << 20):
        kept = held_stack(count=4, width=1024, what="the UNet of big.safetensors")
        account = accounts.of(CPU)
        kept[1].bring()
        with (
            account.using(kept[1], 0),
            pytest.raises(OutOfMemory, match=r"a giant needs 64 MiB, but only 32 MiB are free on cpu") as caught,
        ):
            check_room(64 << 20, CPU, "a giant")
        assert "budget 48 MiB; the UNet of big.safetensors 16 MiB" in str(caught.value)


def test_shares_name_what_holds_memory_and_where() -> None:
    with ram_budget(1 << 20):
        kept = near("the UNet of a.safetensors", 1.0)
        account = accounts.of(CPU)
        account.count(Ledger("results", "kept results", lambda: 5 * KIB, lambda: None))
        with account.using(kept[1], 3 * KIB):
            told = {(share.kind, share.what): (share.near, share.whole) for share in account.shares()}
    assert told == {
        ("weights", "the UNet of a.safetensors"): (32 * KIB, 32 * KIB),
        ("results", "kept results"): (5 * KIB, 5 * KIB),
        ("work", "what runs now"): (3 * KIB, 3 * KIB),
    }


def test_weights_that_are_let_go_stay_in_main_memory_where_that_is_elsewhere() -> None:
    class Card(Account):
        def room(self) -> int:  # as on an accelerator: what lies in main memory does not count
            return 32 * KIB - self.weights

    with ram_budget(1 << 20):
        _stack, holding = near("a model", 1.0)
        account = Card(CPU, has_ram_copies=True)
        assert account.make_room(16 * KIB) == 16 * KIB
        assert (holding.near, holding.in_ram) == (16 * KIB, 16 * KIB)
        account.let_all_go()
        assert (holding.near, holding.in_ram) == (0, 0)


def test_each_device_has_one_account() -> None:
    assert accounts.of(CPU) is accounts.of(CPU)
    assert accounts.of(CPU) in accounts.every()


def test_only_the_last_estimates_are_kept() -> None:
    account = Account(CPU)
    for number in range(KEPT + 3):
        account.measure(f"a picture of {number}", number, None)
    account.measure("a picture of 5", 55, 54)
    assert len(account.estimates) == KEPT
    assert [*account.estimates][-1] == "a picture of 5"
    assert "a picture of 2" not in account.estimates


def test_a_device_that_is_first_used_later_knows_what_waiting_jobs_will_ask_for() -> None:
    fresh = Accounts()
    fresh.expect(frozenset({"soon.safetensors"}))
    assert fresh.of(CPU).expected == {"soon.safetensors"}
    fresh.expect(frozenset())
    assert fresh.of(CPU).expected == frozenset()
