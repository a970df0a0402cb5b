"""OFT and BOFT turn rows as their papers say: lengths stay, nothing turns by nothing, and strength goes from 0 to 1."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.weights.deltas import Delta, fits
from engine.weights.lora import read_lora
from engine.weights.rotations import Butterfly, Rotated, turned


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(sum(shape)))


WEIGHTS = (random(16, 5), random(16, 5, 3, 3))
CHANGES = (Rotated(random(4, 4, 4)), Butterfly(random(3, 4, 4, 4)))


def test_the_blocks_become_rotations() -> None:
    made = turned(random(3, 4, 4), 0.0)
    torch.testing.assert_close(made @ made.transpose(-1, -2), torch.eye(4).expand(3, 4, 4), rtol=0, atol=1e-5)
    assert torch.equal(turned(torch.zeros(2, 4, 4), 0.0), torch.eye(4).expand(2, 4, 4))


def test_a_bound_keeps_small_turns_and_shortens_long_ones() -> None:
    blocks = random(3, 4, 4)
    length = (blocks - blocks.transpose(-1, -2)).norm().item()
    torch.testing.assert_close(turned(blocks, 2 * length), turned(blocks, 0.0))
    torch.testing.assert_close(turned(blocks, length / 2), turned(blocks / 2, 0.0))


@pytest.mark.parametrize("weight", WEIGHTS, ids=["linear", "convolution"])
@pytest.mark.parametrize("change", CHANGES, ids=["oft", "boft"])
def test_all_columns_keep_their_length_at_full_strength(change: Delta, weight: Tensor) -> None:
    made = change.applied(weight, 1.0)
    assert not torch.allclose(made, weight, atol=0.1)
    torch.testing.assert_close(made.flatten(1).norm(dim=0), weight.flatten(1).norm(dim=0))
    torch.testing.assert_close(change.applied(weight, 0.0), weight)


def test_oft_turns_each_group_of_rows_by_itself() -> None:
    weight, blocks = WEIGHTS[0], random(4, 4, 4)
    rotations = turned(blocks, 0.0)
    wanted = torch.cat([rotations[k].T @ weight[4 * k : 4 * k + 4] for k in range(4)])
    torch.testing.assert_close(Rotated(blocks).applied(weight, 1.0), wanted)
    torch.testing.assert_close(Rotated(blocks).applied(weight, 0.5), (weight + wanted) / 2)
    lengths = random(16, 1)
    torch.testing.assert_close(Rotated(blocks, 0.0, lengths).applied(weight, 1.0), wanted * lengths)


def test_boft_reaches_further_with_every_stage() -> None:
    weight, blocks = torch.eye(8), torch.zeros(2, 2, 4, 4)
    blocks[1] = random(2, 4, 4)
    second = Butterfly(blocks).applied(weight, 1.0)  # only the second stage turns: rows that are four apart
    assert second[0, 4].abs() > 1e-3
    blocks[0], blocks[1] = random(2, 4, 4), 0.0
    first = Butterfly(blocks).applied(weight, 1.0)
    assert first[:4, 4:].abs().max() == first[4:, :4].abs().max() == 0
    assert first[0, 2].abs() > 1e-3


@pytest.mark.parametrize(("shape", "kind"), [((4, 4, 4), Rotated), ((3, 4, 4, 4), Butterfly)])
def test_files_are_read(tmp_path: Path, shape: tuple[int, ...], kind: type) -> None:
    path = tmp_path / "some.safetensors"
    tensors = {"a.oft_blocks": random(*shape), "a.rescale": random(16, 1), "a.alpha": torch.tensor(0.001)}
    save_file(tensors, path)
    (changes,) = read_lora(path).modules.values()
    (change,) = changes.weight
    assert isinstance(change, kind)
    assert fits(change, (16, 5))
    assert not fits(change, (10, 5))
    by_hand = kind(tensors["a.oft_blocks"], tensors["a.alpha"].item(), tensors["a.rescale"])
    torch.testing.assert_close(change.applied(WEIGHTS[0], 0.7), by_hand.applied(WEIGHTS[0], 0.7))
