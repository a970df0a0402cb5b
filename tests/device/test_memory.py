"""Running out of memory is one kind of error, after which there is room again."""

import sys
import weakref

import pytest
import torch

from engine.device import memory, room
from engine.device.memory import OutOfMemory

CPU = torch.device("cpu")


class Hoard:
    pass


def fail(words: str) -> None:
    raise RuntimeError(words)


@pytest.mark.parametrize("words", ["CUDA out of memory. Tried", "[enforce fail] can't allocate memory: you tried"])
def test_every_backends_words_for_it_become_one_error_that_names_the_work(words: str) -> None:
    with pytest.raises(OutOfMemory, match="decoding: not enough memory on cpu"), memory.named_shortage("decoding", CPU):
        fail(words)


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes differ") as caught, memory.named_shortage("decoding"):
        fail("shapes differ")
    assert not isinstance(caught.value, OutOfMemory)


def test_what_the_failed_work_held_and_what_caches_hold_is_let_go() -> None:
    cache = [Hoard()]
    cached = weakref.ref(cache[0])
    held: list[weakref.ref[Hoard]] = []
    memory.on_shortage(cache.clear)

    def work() -> None:
        hoard = Hoard()
        held.append(weakref.ref(hoard))
        fail("out of memory")

    with pytest.raises(OutOfMemory), memory.named_shortage("work"):
        work()
    assert held[0]() is None
    assert cached() is None


def test_an_absurd_size_is_refused_before_it_is_tried() -> None:
    with pytest.raises(OutOfMemory, match=r"a giant needs 1,048,576.0 GiB, but only .* free on cpu"):
        memory.check_room(1 << 50, CPU, "a giant")
    memory.check_room(1, CPU, "a byte")


def test_a_real_allocation_that_cannot_be_is_recognised() -> None:
    with pytest.raises(OutOfMemory), memory.named_shortage("a tensor of exabytes"):
        torch.empty(1 << 59)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux promises memory that it does not have")
def test_inside_the_fence_too_large_an_allocation_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_ram", lambda: 64 << 20)
    with room.fenced(), pytest.raises(OutOfMemory, match="filling"), memory.named_shortage("filling"):
        torch.ones(256 << 20)
    assert torch.ones(64 << 20).sum() == 64 << 20
