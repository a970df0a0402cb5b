"""Deep shrink: inner blocks see a smaller picture, and the result has the size that it had."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from engine.diffusion.deep_shrink import deep_shrink
from engine.diffusion.families.control_network import Residuals
from engine.diffusion.families.load import Checkpoint
from engine.diffusion.model import Block, BlockHook, Model
from engine.pictures.resample import resize

Tiny = Callable[[str], Checkpoint]


def called(model: Model, *hooks: BlockHook) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, 4, 16, 24, generator=generator)
    context = torch.randn(2, 77, 32, generator=generator)
    return model.family.call(model.network, x, torch.tensor([7.0, 500.0]), context, {}, hooks)


def sizes(model: Model, *hooks: BlockHook) -> dict[Block, tuple[int, ...]]:
    seen: dict[Block, tuple[int, ...]] = {}

    def watch(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
        seen[block] = tuple(h.shape[2:]) if skip is None else tuple(skip.shape[2:])
        return h, skip

    assert called(model, *hooks, watch).shape == (2, 4, 16, 24)
    return seen


@torch.no_grad()
def test_blocks_behind_the_one_named_are_smaller_and_skips_up_to_it_are_kept(tiny: Tiny) -> None:
    model = tiny("sd15").model
    kept = sizes(model, deep_shrink(model, 3, 2.0, "bicubic", "bicubic", after_skip=True))
    assert kept[Block("input", 4)] == (4, 6)  # (8, 12) without the hook
    assert kept[Block("middle", 0)] == (1, 2)
    assert kept[Block("output", 8)] == (8, 12)  # the skip of input block 3
    assert kept[Block("output", 7)] == (4, 6)
    shrunk = sizes(model, deep_shrink(model, 3, 2.0, "bicubic", "bicubic", after_skip=False))
    assert shrunk[Block("output", 8)] == (4, 6)
    assert shrunk[Block("output", 9)] == (16, 24)


def test_the_state_is_resized_by_the_methods_named(tiny: Tiny) -> None:
    model = tiny("sd15").model
    hook = deep_shrink(model, 3, 1.5, "area", "bislerp", after_skip=True)
    h, skip = torch.randn(1, 8, 9, 12), torch.randn(1, 8, 9, 12)
    small, kept = hook(h, None, Block("input", 3))
    assert torch.equal(small, resize(h, 8, 6, "area"))
    assert kept is h
    grown, same = hook(small, skip, Block("output", 8))
    assert torch.equal(grown, resize(small, 12, 9, "bislerp"))
    assert same is skip
    assert hook(h, None, Block("input", 2)) == (h, None)


@torch.no_grad()
def test_what_a_control_net_adds_fits_the_smaller_blocks(tiny: Tiny) -> None:
    model = tiny("sd15").model
    skips: list[Tensor] = []

    def keep(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
        if block.part == "input":
            skips.append(torch.ones_like(h))
        return h, skip

    called(model, keep)
    told = Residuals(tuple(skips), torch.ones(2, skips[-1].shape[1], 2, 3))
    hook = deep_shrink(model, 3, 2.0, "bicubic", "bicubic", after_skip=True)
    controlled = called(model, told.hook, hook)
    assert controlled.shape == (2, 4, 16, 24)
    assert not torch.allclose(controlled, called(model, hook), atol=1e-3)


def test_blocks_that_there_are_not_and_models_without_a_unet_are_refused(tiny: Tiny) -> None:
    model = tiny("sd15").model
    with pytest.raises(ValueError, match="block_number is 12, and the input blocks of this sd15 model are 1 to 11"):
        deep_shrink(model, 12, 2.0, "area", "area", after_skip=True)
    with pytest.raises(ValueError, match="sd15 models have none"):
        deep_shrink(replace(model, network=nn.Linear(1, 1)), 3, 2.0, "area", "area", after_skip=True)
