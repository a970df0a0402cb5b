"""Walking a UNet block by block gives what the module itself gives, and hooks see every block."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.device.place import Placement
from engine.diffusion.families.attention import WideAttention, attend_in_float32
from engine.diffusion.families.load import Checkpoint, load_diffusion_model
from engine.diffusion.families.unet_walk import walk
from engine.diffusion.model import Block
from tests.tiny.layouts import LAYOUTS

Tiny = Callable[[str], Checkpoint]


def inputs(family: str, height: int = 8, width: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    unet = LAYOUTS[family].unet
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, unet.in_channels, height, width, generator=generator)
    return x, torch.tensor([7.0, 500.0]), torch.randn(2, 77, unet.context, generator=generator)


@pytest.mark.parametrize("family", ["sd15", "sd2", "inpaint"])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 13)])
@torch.no_grad()
def test_without_hooks_it_is_the_modules_own_forward_bit_for_bit(
    family: str, height: int, width: int, tiny: Tiny
) -> None:
    network: Any = tiny(family).model.network
    x, t, context = inputs(family, height, width)
    assert torch.equal(walk(network, x, t, context), network(x, t, context).sample)


@pytest.mark.parametrize("family", ["sdxl", "refiner", "ssd1b", "vega"])
@torch.no_grad()
def test_with_a_vector_it_is_the_modules_own_forward_too(family: str, tiny: Tiny) -> None:
    """diffusers makes the vector itself, out of pooled text and numbers."""
    model = tiny(family).model
    network: Any = model.network
    x, t, context = inputs(family)
    pooled = torch.randn(1, 32, generator=torch.Generator().manual_seed(5))
    sizes = {"height": 640, "width": 512, "crop_h": 8, "crop_w": 16}
    rest = {"aesthetic_score": 7.5} if family == "refiner" else {"target_height": 1024, "target_width": 768}
    y = model.family.extras({"pooled_output": pooled, **sizes, **rest}, x, None)["y"]
    numbers = torch.tensor([list((sizes | rest).values())], dtype=torch.float32).expand(2, -1)
    added = {"text_embeds": pooled.expand(2, -1), "time_ids": numbers}
    theirs = network(x, t, context, added_cond_kwargs=added).sample
    assert torch.allclose(walk(network, x, t, context, y.expand(2, -1)), theirs, atol=1e-5)


@torch.no_grad()
def test_hooks_see_all_blocks_in_order_and_skips_in_the_decoder_only(tiny: Tiny) -> None:
    network: Any = tiny("sd15").model.network
    seen: list[tuple[str, int, bool]] = []

    def watch(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
        seen.append((block.part, block.index, skip is not None))
        return h, skip

    x, t, context = inputs("sd15")
    watched = walk(network, x, t, context, hooks=(watch,))
    encoder = [("input", index, False) for index in range(12)]
    decoder = [("output", index, True) for index in range(12)]
    assert seen == [*encoder, ("middle", 0, False), *decoder]
    assert torch.equal(watched, network(x, t, context).sample)


@torch.no_grad()
def test_hooks_at_the_joins_are_where_a_control_nets_residuals_go(tiny: Tiny) -> None:
    network: Any = tiny("sd15").model.network
    x, t, context = inputs("sd15")
    shapes: dict[int, torch.Size] = {}

    def measure(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
        if block.part == "input":
            shapes[block.index] = h.shape
        return h, skip

    walk(network, x, t, context, hooks=(measure,))
    generator = torch.Generator().manual_seed(9)
    residuals = [torch.randn(shapes[index], generator=generator) for index in range(12)]
    middle = torch.randn(shapes[11], generator=generator)

    def add(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
        if block.part == "middle":
            return h + middle, skip
        if block.part == "output" and skip is not None:
            return h, skip + residuals[11 - block.index]
        return h, skip

    theirs = network(
        x, t, context, down_block_additional_residuals=tuple(residuals), mid_block_additional_residual=middle
    ).sample
    assert torch.equal(walk(network, x, t, context, hooks=(add,)), theirs)


@torch.no_grad()
def test_a_hook_may_keep_another_skip_than_the_state_that_goes_on(tiny: Tiny) -> None:
    network: Any = tiny("sd15").model.network
    x, t, context = inputs("sd15")

    def shrink(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
        if block == Block("input", 3):
            return torch.nn.functional.interpolate(h, scale_factor=0.5), h
        if block.part == "output" and skip is not None and h.shape[-1] != skip.shape[-1]:
            return torch.nn.functional.interpolate(h, size=skip.shape[2:]), skip
        return h, skip

    assert walk(network, x, t, context, hooks=(shrink,)).shape == x.shape


@torch.no_grad()
def test_attention_in_float32_is_the_same_attention(tiny: Tiny, tiny_file: Callable[[str], Path]) -> None:
    plain: Any = tiny("sd2").model.network
    wide: Any = load_diffusion_model(tiny_file("sd2"), Placement()).network
    attend_in_float32(wide)
    x, t, context = inputs("sd2")
    assert torch.allclose(walk(wide, x, t, context), walk(plain, x, t, context), atol=1e-6)


def test_sd2_attends_in_float32_where_it_computes_in_less(tiny_file: Callable[[str], Path]) -> None:
    narrow = Placement(dtype=torch.bfloat16)
    wide = {
        family: {isinstance(each, WideAttention) for each in _processors(tiny_file(family), narrow)}
        for family in ("sd15", "sd2")
    }
    assert wide == {"sd15": {False}, "sd2": {True}}


def _processors(path: Path, placement: Placement) -> list[Any]:
    network: Any = load_diffusion_model(path, placement).network
    return list(network.attn_processors.values())
