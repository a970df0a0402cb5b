"""HyperTile attends within tiles and nowhere else."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from engine.diffusion.hypertile import choices, hypertile, joined, split
from engine.diffusion.model import AttentionPlace, Block

TOKENS = torch.randn(2, 16 * 24, 6, generator=torch.Generator().manual_seed(1))


def attend(tokens: Tensor) -> Tensor:
    return scaled_dot_product_attention(tokens, tokens, tokens)


def place(size: tuple[int, int] = (16, 24), halved: int = 0, layer: int = 0) -> AttentionPlace:
    return AttentionPlace(Block("input", 1), layer, size, (size[0] << halved, size[1] << halved), nn.Identity())


def test_tiles_are_what_slices_of_the_picture_are() -> None:
    tiled = hypertile(64, 1, 0, scale_depth=False)(TOKENS, attend, place())
    picture = TOKENS.unflatten(1, (16, 24))
    expected = torch.empty_like(picture)
    for y in range(0, 16, 8):
        for x in range(0, 24, 8):
            tile = picture[:, y : y + 8, x : x + 8].flatten(1, 2)
            expected[:, y : y + 8, x : x + 8] = attend(tile).unflatten(1, (8, 8))
    assert torch.allclose(tiled, expected.flatten(1, 2), atol=1e-6)


def test_what_is_split_is_joined_as_it_was() -> None:
    assert torch.equal(joined(split(TOKENS, (16, 24), 4, 3), (16, 24), 4, 3), TOKENS)


@pytest.mark.parametrize(
    ("side", "least", "most", "expected"),
    [(64, 32, 1, [2]), (64, 32, 2, [2, 1]), (48, 10, 3, [4, 3, 2]), (20, 32, 4, [1]), (17, 4, 9, [1])],
)
def test_tiles_divide_a_side_and_are_no_smaller_than_wanted(
    side: int, least: int, most: int, expected: list[int]
) -> None:
    assert choices(side, least, most) == expected


def count_tiles(hook: Callable[..., Tensor], where: AttentionPlace) -> int:
    seen: list[int] = []

    def count(tokens: Tensor) -> Tensor:
        seen.append(len(tokens) // len(TOKENS))
        return tokens

    hook(torch.zeros(2, where.size[0] * where.size[1], 1), count, where)
    return seen[0]


def test_deeper_blocks_are_tiled_up_to_the_depth_asked_for_and_scaled_where_wanted() -> None:
    assert count_tiles(hypertile(32, 1, 0, scale_depth=False), place(halved=1)) == 1
    assert count_tiles(hypertile(32, 1, 1, scale_depth=False), place(halved=1)) == 4 * 6
    assert count_tiles(hypertile(32, 1, 1, scale_depth=True), place(halved=1)) == 2 * 3


def test_layers_are_tiled_differently_and_each_always_in_the_same_way() -> None:
    hook = hypertile(32, 4, 0, scale_depth=False)
    counts = [count_tiles(hook, place(layer=layer)) for layer in range(8)]
    assert len(set(counts)) > 1
    assert counts == [count_tiles(hook, place(layer=layer)) for layer in range(8)]


def test_a_picture_of_one_tile_is_attended_as_before() -> None:
    assert torch.equal(hypertile(256, 2, 0, scale_depth=False)(TOKENS, attend, place()), attend(TOKENS))
