"""Networks run in less memory than their weights take, and give the same bits."""

import pytest
import torch
from torch import Tensor, nn

from engine.device.account import CPU, OutOfMemory, accounts
from engine.device.held import Holding, hold
from engine.device.resident import evenly, fits_whole, resident, room_for, whole
from tests.device.budgets import held_stack, ram_budget

X = torch.randn(2, 32, generator=torch.Generator().manual_seed(9))
LAYER = 32 * 32 * 4  # bytes


class Watch:
    """The most bytes of a holding that were near at once, looked at in every layer."""

    def __init__(self, stack: nn.Sequential, holding: Holding) -> None:
        self.most = 0
        for layer in stack:
            layer.register_forward_pre_hook(lambda *_: self.look(holding))
            layer.register_forward_hook(lambda *_: self.look(holding))

    def look(self, holding: Holding) -> None:
        self.most = max(self.most, holding.near)


def run(stack: nn.Module, work: int = 0) -> Tensor:
    with torch.no_grad(), resident(stack, work, "a pass"):
        return stack(X)


def test_with_room_for_all_everything_comes_near_and_stays() -> None:
    stack, holding = held_stack()
    run(stack)
    run(stack)
    assert (holding.near, holding.bytes_read) == (holding.size, holding.size)


@pytest.mark.parametrize("layers", [1, 2, 3, 5, 7])
def test_with_room_for_some_layers_the_rest_comes_and_goes(layers: int) -> None:
    expected = run(held_stack()[0])
    stack, holding = held_stack()
    watch = Watch(stack, holding)
    with ram_budget(layers * LAYER):
        for _ in range(3):
            assert torch.equal(run(stack), expected)
        assert watch.most <= layers * LAYER
        stays = max(0, layers - 2)  # two come and go, or one
        assert holding.near == stays * LAYER
        assert holding.bytes_read == (stays + 3 * (8 - stays)) * LAYER


def test_work_counts_beside_the_weights() -> None:
    stack, holding = held_stack()
    with ram_budget(8 * LAYER):
        run(stack, 3 * LAYER)
        assert holding.near == 3 * LAYER
        with pytest.raises(OutOfMemory, match="a pass needs .* even layer by layer, but only .* can be had on cpu"):
            run(stack, 8 * LAYER)
        run(stack)
        assert holding.near == holding.size


def test_layers_may_be_called_in_another_order_than_they_stand_and_more_than_once() -> None:
    class Backwards(nn.Module):
        def __init__(self, layers: nn.Sequential) -> None:
            super().__init__()
            self.layers = layers

        def forward(self, x: Tensor) -> Tensor:
            for layer in [*reversed(list(self.layers)), self.layers[3]]:
                x = layer(x)
            return x

    reads = {f"layers.{place}.weight": weight.read for place, weight in enumerate(held_stack()[1].weights)}
    with torch.device("meta"):
        there = Backwards(nn.Sequential(*(nn.Linear(32, 32, bias=False) for _ in range(8))))
    holding = hold(there, reads, CPU, "backwards")
    expected = run(there)
    with ram_budget(4 * LAYER):
        for _ in range(2):
            assert torch.equal(run(there), expected)
        assert [id(layer.module()) for layer in holding.layers] == [id(each) for each in reversed(list(there.layers))]


def test_other_networks_make_room_and_come_back() -> None:
    first, second = held_stack(what="first"), held_stack(what="second")
    expected = run(first[0])
    with ram_budget(12 * LAYER):
        for _ in range(3):
            assert torch.equal(run(first[0]), expected)
            run(second[0])
        assert first[1].near + second[1].near <= 12 * LAYER
        assert second[1].near == second[1].size


def test_a_layer_that_fails_leaves_everything_as_it_should_be() -> None:
    stack, holding = held_stack()
    expected = run(stack)
    hook = stack[4].register_forward_pre_hook(lambda *_: 1 / 0)
    with ram_budget(4 * LAYER):
        with pytest.raises(ZeroDivisionError):
            run(stack)
        hook.remove()
        assert (holding.users, holding.near <= 4 * LAYER) == (0, True)
        assert torch.equal(run(stack), expected)


def test_a_weight_that_cannot_be_read_is_an_error_where_it_is_wanted() -> None:
    stack, holding = held_stack()

    def broken() -> Tensor:
        raise OSError("the disk is gone")

    holding.weights[5].read = broken
    with ram_budget(4 * LAYER), pytest.raises(OSError, match="the disk is gone"):
        run(stack)


def test_weights_outside_of_layers_stay_near_while_a_network_works() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.empty(32))
            self.attention = nn.MultiheadAttention(32, 2, bias=False, batch_first=True)
            self.layers = nn.Sequential(*(nn.Linear(32, 32, bias=False) for _ in range(6)))

        def forward(self, x: Tensor) -> Tensor:
            x = (x * self.scale)[None]
            return self.layers(self.attention(x, x, x)[0])[0]

    made = Mixed()
    nn.init.normal_(made.scale)
    state = {name: each.detach() for name, each in made.named_parameters()}
    with torch.device("meta"):
        there = Mixed()
    holding = hold(there, {name: (lambda each=each: each) for name, each in state.items()}, CPU, "mixed")
    with torch.no_grad(), ram_budget(8 * LAYER):
        assert torch.equal(run(there), made(X))
        assert holding.near < holding.size
        assert all(weight.is_near for weight in holding.fixed)
        assert len(holding.fixed) == 3


def test_whole_has_all_near_whatever_the_budget() -> None:
    stack, holding = held_stack()
    with ram_budget(4 * LAYER):
        with whole(stack):
            assert holding.near == holding.size
            run(held_stack()[0][:2])
            assert holding.near == holding.size
        run(stack)
        assert holding.near < holding.size


def test_what_fits_is_known_beforehand() -> None:
    stack, _ = held_stack()
    with ram_budget(10 * LAYER):
        assert fits_whole(stack, 2 * LAYER)
        assert not fits_whole(stack, 3 * LAYER)
        assert room_for(stack, CPU) == 9 * LAYER  # beside one layer at a time
        run(stack)
        assert room_for(stack, CPU) == 9 * LAYER
    with ram_budget(4 * LAYER):
        assert room_for(stack, CPU) == 3 * LAYER
    assert fits_whole(nn.Linear(1, 1), 1 << 60)  # looks after itself


def test_layers_that_stay_are_spread_evenly() -> None:
    _, holding = held_stack()
    stays = [layer in set(evenly(holding.layers, 4 * LAYER)) for layer in holding.layers]
    assert stays == [False, True] * 4
    assert list(evenly(holding.layers, 0)) == []
    assert list(evenly(holding.layers, 8 * LAYER)) == list(holding.layers)


def test_what_stays_does_not_change_with_every_byte() -> None:
    stack, holding = held_stack()
    with ram_budget(7 * LAYER):
        run(stack, LAYER // 2)
        chosen = holding.staying
        assert chosen is not None
        assert len(chosen) == 4
        run(stack, LAYER // 3)
        assert holding.staying is chosen
        run(stack)
        assert holding.staying is chosen  # one more would fit, and is not worth choosing anew


def test_work_is_noted_beside_what_it_was_thought_to_take() -> None:
    stack, _ = held_stack()
    run(stack, 77)
    noted = accounts.of(CPU).estimates["a pass"]
    assert (noted.expected, noted.measured) == (77, None)  # the processor does not tell
