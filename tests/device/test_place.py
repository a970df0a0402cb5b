"""Where models are put, and in which numbers, on machines with and without an accelerator."""

import pytest
import torch

from engine.device import place
from engine.device.place import Placement, choose
from engine.device.probe import Accelerator, Hardware, probe

PLAIN = Hardware(4, 1 << 34, ())
NEW = Hardware(
    4, 1 << 34, (Accelerator("cuda:0", "new", 1 << 34, True, True), Accelerator("cuda:1", "2", 1, True, True))
)
OLD = Hardware(4, 1 << 34, (Accelerator("cuda:0", "old", 1 << 33, False, True),))


def test_a_processor_computes_in_float32() -> None:
    assert choose(hardware=PLAIN) == Placement(torch.device("cpu"), torch.float32, torch.float32)


def test_an_accelerator_computes_in_float16_and_its_vae_in_bfloat16_where_it_can() -> None:
    assert choose(hardware=NEW) == Placement(torch.device("cuda:0"), torch.float16, torch.bfloat16)
    assert choose(hardware=OLD) == Placement(torch.device("cuda:0"), torch.float16, torch.float32)


def test_what_is_asked_for_is_taken() -> None:
    assert choose("cuda:1", hardware=NEW).device == torch.device("cuda:1")
    assert choose("cpu", hardware=NEW).device == torch.device("cpu")
    asked = choose(precision="bf16", vae_precision="fp16", hardware=NEW)
    assert (asked.dtype, asked.vae_dtype) == (torch.bfloat16, torch.float16)


def test_what_is_not_there_is_said_not_to_be() -> None:
    with pytest.raises(ValueError, match="'cuda:7' is not there; this machine has cpu, cuda:0, cuda:1"):
        choose("cuda:7", hardware=NEW)


def test_a_placement_is_in_use_until_another_is() -> None:
    before = place.current()
    place.use(Placement(dtype=torch.bfloat16))
    assert place.current().dtype == torch.bfloat16
    place.use(before)


def test_the_machine_is_looked_at_once() -> None:
    assert probe() is probe()
    assert probe().memory > 0
