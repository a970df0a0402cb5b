"""Weights come near, stay away and come back with the same bits, and are shared by the networks that share them."""

from typing import cast
from weakref import ref

import pytest
import torch
from torch import Tensor, nn

from engine.device import held
from engine.device.account import CPU
from engine.device.held import Weight
from tests.device.budgets import held_stack, linear


def test_what_is_away_takes_no_memory_and_keeps_its_shape_type_and_device() -> None:
    stack, holding = held_stack()
    weight = linear(stack).weight
    assert (weight.shape, weight.dtype, weight.device) == ((32, 32), torch.float32, CPU)
    assert weight.untyped_storage().nbytes() == 4
    assert weight.isnan().all()  # whoever forgets to bring it near sees that at once
    assert (holding.near, holding.size) == (0, 8 * 32 * 32 * 4)


def numbers(weight: Weight) -> Tensor:
    """What its parameter computes with."""
    parameter = weight.of()
    assert parameter is not None
    return parameter


def test_what_comes_near_is_the_same_every_time_and_in_memory_of_its_own() -> None:
    _stack, holding = held_stack()
    holding.bring()
    first = [numbers(weight).clone() for weight in holding.weights]
    kept = [weight.read() for weight in holding.weights]
    assert all(
        numbers(weight).data_ptr() != each.data_ptr() for weight, each in zip(holding.weights, kept, strict=True)
    )
    for weight in holding.weights:
        weight.let_go()
    assert holding.near == 0
    holding.bring()
    assert all(torch.equal(numbers(weight), each) for weight, each in zip(holding.weights, first, strict=True))
    assert holding.bytes_read == 2 * holding.size


def test_a_copy_in_main_memory_spares_the_file() -> None:
    stack, holding = held_stack(count=1)
    reads: list[int] = []
    (weight,) = holding.weights
    from_file = weight.read
    weight.read = lambda: (reads.append(1), from_file())[1]
    holding.bring()
    weight.let_go(keep_in_ram=True)
    assert holding.in_ram == holding.size
    holding.bring()
    assert (len(reads), torch.equal(linear(stack).weight, from_file())) == (1, True)


def test_numbers_are_told_wherever_they_lie() -> None:
    stack, holding = held_stack(count=2)
    holding.bring(holding.weights[:1])
    for place, (name, told) in enumerate(held.numbers_of(stack)):
        assert name == f"{place}.weight"
        assert torch.equal(told, holding.weights[place].read())
    assert torch.equal(held.value_of(linear(stack, 1).weight), holding.weights[1].read())
    assert holding.near == holding.size // 2  # asking brought nothing near


def test_networks_that_share_a_parameter_share_its_weight() -> None:
    stack, holding = held_stack(count=2)
    with torch.device("meta"):
        other = nn.Sequential(stack[0], nn.Linear(32, 32, bias=False))
    second = held.hold(other, {"1.weight": lambda: torch.ones(32, 32)}, CPU, "another")
    assert second.weights[0] is holding.weights[0]
    holding.bring()
    assert second.near == second.size // 2


def test_a_parameter_that_stands_in_two_places_is_one_weight() -> None:
    with torch.device("meta"):
        tied = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
        tied[1].weight = tied[0].weight
    holding = held.hold(tied, {"0.weight": lambda: torch.eye(4), "1.weight": lambda: torch.eye(4)}, CPU, "tied")
    assert len(holding.weights) == 1
    assert tied[0].weight is tied[1].weight


def test_an_altered_parameter_stays_altered_when_it_comes_back() -> None:
    stack, holding = held_stack(count=1)
    holding.bring()
    held.change(cast(nn.Parameter, linear(stack).weight), lambda weight: weight + 1)
    (weight,) = holding.weights
    altered = linear(stack).weight.clone()
    weight.let_go()
    holding.bring()
    assert torch.equal(linear(stack).weight, altered)


def test_weights_are_read_in_the_type_that_the_network_computes_in() -> None:
    with torch.device("meta"):
        half = nn.Linear(4, 4, bias=False).half()
    holding = held.hold(half, {"weight": lambda: torch.full((4, 4), 1 / 3)}, CPU, "half")
    holding.bring()
    assert half.weight.dtype == torch.float16
    assert torch.equal(half.weight, torch.full((4, 4), 1 / 3).half())


def test_a_settled_network_looks_after_itself() -> None:
    stack, _ = held_stack()
    held.settle(stack)
    assert held.of(stack) is None
    assert not linear(stack).weight.isnan().any()
    held.settle(stack)


def test_weights_go_with_their_network_but_for_what_another_one_is_made_of() -> None:
    stack, holding = held_stack(count=2)
    holding.bring()
    gone = [ref(each) for each in stack.parameters()]
    read = held.read_of(next(stack.parameters()))
    expected = linear(stack).weight.clone()
    del stack, holding
    assert [each() for each in gone] == [None, None]
    assert torch.equal(read(), expected)


@pytest.mark.parametrize("inference", [False, True])
def test_weights_of_a_network_made_in_inference_mode_can_be_trained_with(inference: bool) -> None:
    with torch.inference_mode(inference):
        stack, holding = held_stack(count=1)
        holding.bring()
    x = torch.randn(1, 32, requires_grad=True)
    stack(x).sum().backward()
    assert x.grad is not None
