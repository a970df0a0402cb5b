"""Hooks stand in for self-attention, and one that only passes on changes no bit."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers.models.attention import BasicTransformerBlock
from torch import Tensor

from engine.diffusion.families.load import Checkpoint
from engine.diffusion.model import Attend, AttentionHook, AttentionPlace
from tests.tiny.layouts import LAYOUTS

Tiny = Callable[[str], Checkpoint]


def called(tiny: Tiny, family: str, *hooks: AttentionHook) -> Tensor:
    model = tiny(family).model
    unet = LAYOUTS[family].unet
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, unet.in_channels, 8, 12, generator=generator)
    context = torch.randn(2, 77, unet.context or 1, generator=generator)
    extras = model.family.extras({"pooled_output": torch.ones(1, 32)}, x, None) if unet.vector else {}
    extras |= {"y": torch.tensor([20])} if unet.classes else {}
    return model.family.call(model.network, x, torch.tensor([7.0, 500.0]), context, extras, (), hooks)


@pytest.mark.parametrize("family", ["sd15", "sd2", "upscaler", "sdxl"])
@torch.no_grad()
def test_a_hook_that_passes_on_changes_no_bit(family: str, tiny: Tiny) -> None:
    seen: list[AttentionPlace] = []

    def watch(tokens: Tensor, attend: Attend, place: AttentionPlace) -> Tensor:
        seen.append(place)
        assert tokens.shape[1] == place.size[0] * place.size[1]
        return attend(tokens)

    assert torch.equal(called(tiny, family, watch), called(tiny, family))
    assert {place.block.part for place in seen} == {"input", "middle", "output"}
    assert all(place.size == (8 >> place.depth, 12 >> place.depth) for place in seen if place.depth < 3)
    network: Any = tiny(family).model.network
    layers = [each for each in network.modules() if isinstance(each, BasicTransformerBlock)]
    own = [each for each in layers if not each.only_cross_attention]
    assert len(seen) == len(own)


@torch.no_grad()
def test_later_hooks_are_around_earlier_ones(tiny: Tiny) -> None:
    order: list[str] = []

    def named(name: str) -> AttentionHook:
        def hook(tokens: Tensor, attend: Attend, place: AttentionPlace) -> Tensor:
            order.append(name)
            return attend(tokens)

        return hook

    called(tiny, "sd15", named("first"), named("second"))
    assert order[:4] == ["second", "first", "second", "first"]
