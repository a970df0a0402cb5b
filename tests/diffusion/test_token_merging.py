"""Tokens that are alike are averaged before self-attention and get the same answer after it."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from engine.diffusion.families.load import load_checkpoint
from engine.diffusion.model import Attend, AttentionPlace, Block
from engine.diffusion.token_merging import finest_depth, token_merging
from tests.tiny.checkpoints import make_tiny_checkpoint

TOKENS = torch.randn(2, 8 * 12, 6, generator=torch.Generator().manual_seed(1))
PLACE = AttentionPlace(Block("input", 1), 0, (8, 12), (8, 12), nn.Identity())


def test_as_many_tokens_as_asked_are_merged_into_means_of_themselves() -> None:
    lengths: list[int] = []

    def watch(tokens: Tensor) -> Tensor:
        lengths.append(tokens.shape[1])
        return tokens

    merged = token_merging(0.25)(TOKENS, watch, PLACE)
    assert lengths == [96 - 24]
    for before, after in zip(TOKENS, merged, strict=True):
        _, group = after.unique(dim=0, return_inverse=True)
        assert group.max() + 1 == 96 - 24
        for each in range(int(group.max()) + 1):
            assert torch.allclose(before[group == each].mean(dim=0), after[group == each][0], atol=1e-6)


def test_the_most_alike_are_merged_first() -> None:
    tokens = TOKENS.clone()
    same = tokens.unflatten(1, (4, 2, 6, 2))[:, 1, :, 2]  # one square of four: (2, 2, 2, 6)
    same[:] = torch.tensor([9.0, -9, 9, -9, 9, -9])
    merged = token_merging(3.5 / 96)(tokens, lambda each: each, PLACE)
    assert torch.allclose(merged, tokens, atol=1e-5)


def test_a_row_is_merged_alone_as_beside_others_and_every_time_alike() -> None:
    hook = token_merging(0.5)
    both = hook(TOKENS, torch.tanh, PLACE)
    assert torch.equal(both, hook(TOKENS, torch.tanh, PLACE))
    assert torch.allclose(hook(TOKENS[1:], torch.tanh, PLACE), both[1:], atol=1e-6)


def test_at_most_three_of_four_are_merged() -> None:
    lengths: list[int] = []

    def watch(tokens: Tensor) -> Tensor:
        lengths.append(tokens.shape[1])
        return tokens

    token_merging(1.0)(TOKENS, watch, PLACE)
    assert lengths == [24]


def test_smaller_sizes_than_the_finest_are_left_alone() -> None:
    deep = AttentionPlace(PLACE.block, 0, (8, 12), (16, 24), nn.Identity())
    assert torch.equal(token_merging(0.5)(TOKENS, torch.tanh, deep), torch.tanh(TOKENS))
    assert not torch.allclose(token_merging(0.5, 1)(TOKENS, torch.tanh, deep), torch.tanh(TOKENS))


@pytest.mark.parametrize(("family", "depth"), [("sd15", 0), ("sd2", 0), ("sdxl", 1)])
def test_the_finest_size_is_that_of_the_first_level_that_attends(family: str, depth: int, tmp_path: Path) -> None:
    model = load_checkpoint(make_tiny_checkpoint(tmp_path / "tiny.safetensors", family)).model
    assert finest_depth(model) == depth
    seen: list[tuple[int, int]] = []  # tokens that come to a layer, and tokens that it attends to

    def watch(tokens: Tensor, attend: Attend, place: AttentionPlace) -> Tensor:
        def counted(merged: Tensor) -> Tensor:
            seen.append((tokens.shape[1], merged.shape[1]))
            return attend(merged)

        return token_merging(0.5, depth)(tokens, counted, place)

    hooked = model.hooked(attention=(watch,))
    text = torch.zeros(1, 77, model.family.recognised.unet.context)  # pyright: ignore[reportAttributeAccessIssue]
    vector = model.family.recognised.unet.vector  # pyright: ignore[reportAttributeAccessIssue]
    extras = {"y": torch.zeros(1, vector)} if vector else {}
    hooked.predict(torch.zeros(1, 4, 8, 8), torch.ones(1), text, extras)
    finest = 64 >> 2 * depth
    assert {pair for pair in seen if pair[0] >= finest} == {(finest, finest // 2)}
    assert all(before == after for before, after in seen if before < finest)
