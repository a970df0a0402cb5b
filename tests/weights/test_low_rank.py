"""A difference as factors: exact at full rank, the nearest of its rank below, and nothing of what does not change."""

import pytest
import torch
from torch import Tensor

from engine.weights.low_rank import as_lora, factors


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(sum(shape)))


def product(up: Tensor, down: Tensor, shape: torch.Size) -> Tensor:
    return (up.float().flatten(1) @ down.float().flatten(1)).reshape(shape)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (8, 5, 3, 3), (8, 5, 1, 1)])
def test_a_difference_of_low_rank_comes_back(shape: tuple[int, ...]) -> None:
    difference = product(random(shape[0], 2), random(2, *shape[1:]), torch.Size(shape))
    up, down = factors(difference, 2)
    assert up.shape == (shape[0], 2, *[1] * (len(shape) - 2))
    assert down.shape == (2, *shape[1:])
    torch.testing.assert_close(product(up, down, difference.shape), difference, rtol=1e-4, atol=1e-4)


def test_what_is_lost_is_the_smaller_singular_values() -> None:
    difference = random(7, 5)
    up, down = factors(difference, 3)
    lost = torch.linalg.svdvals(difference)[3:].square().sum().sqrt()
    torch.testing.assert_close((difference - up @ down).norm(), lost)


def test_the_rank_is_at_most_what_the_weight_has() -> None:
    difference = random(3, 5)
    up, down = factors(difference, 64)
    assert up.shape == (3, 3)
    torch.testing.assert_close(up @ down, difference)


def test_norms_and_biases_stay_whole_or_away() -> None:
    bias = random(5)
    assert as_lora("a.bias", bias, 2, "standard").keys() == {"a.diff_b"}
    assert as_lora("a.weight", bias, 2, "standard").keys() == {"a.diff"}
    assert as_lora("a.bias", bias, 2, "standard", with_biases=False) == {}
    assert as_lora("a.weight", bias, 2, "full_diff", with_biases=False) == {}
    whole = as_lora("a.weight", random(4, 4), 2, "full_diff", with_biases=False)
    assert torch.equal(whole["a.diff"], random(4, 4).half())
    assert as_lora("a.weight", torch.zeros(4, 4), 2, "standard") == {}
