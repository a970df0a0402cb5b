"""Controls on prompts: when they are active, how they add up, and what the negative prompt gets of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.device.place import Placement
from engine.diffusion.calls import Call
from engine.diffusion.control import Control, ControlNet, put_on
from engine.diffusion.denoiser import Denoiser
from engine.diffusion.entries import resolve
from engine.diffusion.families.control_files import load_control_net
from engine.diffusion.families.control_network import Residuals
from engine.diffusion.families.load import load_checkpoint
from engine.diffusion.guidance import CfgGuider
from engine.diffusion.model import Block, BlockHook, Model
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.controls import make_tiny_control, tiny_control

X = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(2))
HINT = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(3))
TEXTS = torch.randn(2, 1, 77, 32, generator=torch.Generator().manual_seed(4))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_checkpoint(make_tiny_checkpoint(tmp_path_factory.mktemp("c") / "m.safetensors"), Placement()).model


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> ControlNet:
    return load_control_net(make_tiny_control(tmp_path_factory.mktemp("c") / "net.safetensors"), Placement())


def call(model: Model, sigma: float = 3.0, rows: tuple[int, ...] = (2,)) -> Call:
    count = sum(rows)
    x = X[:1].expand(count, -1, -1, -1)
    return Call(model, x, torch.full((count,), sigma), TEXTS[0].expand(count, -1, -1), {}, rows)


def told(control: Control, asked: Call) -> Residuals:
    with torch.no_grad():
        made = control.residuals(asked)
    assert made is not None
    return made


def guided(model: Model, positive: Any, negative: Any) -> Tensor:
    lists = resolve({"positive": positive, "negative": negative}, model, X, None)
    with torch.no_grad():
        return Denoiser(CfgGuider(model, positive, negative, 3.0), lists)(X, torch.tensor(3.0)).x0


def test_a_control_changes_the_prediction_and_hooks_are_where_they_belong(model: Model, net: ControlNet) -> None:
    asked = call(model)
    made = told(Control(net, HINT), asked)
    (hook,) = Control(net, HINT).blocks(asked)
    h, skip = torch.zeros(2, 64, 1, 1), torch.zeros(2, 32, 8, 8)
    assert torch.equal(hook(h, None, Block("middle", 0))[0], made.middle)
    assert torch.equal(hook(h, skip, Block("output", 11))[1], made.skips[0])  # pyright: ignore[reportArgumentType]
    assert hook(h, None, Block("input", 3)) == (h, None)


def test_strength_scales_all_that_is_told(model: Model, net: ControlNet) -> None:
    full, half = (told(Control(net, HINT, strength), call(model)) for strength in (1.0, 0.5))
    assert torch.allclose(half.middle, full.middle * 0.5)
    assert all(torch.allclose(a, b * 0.5) for a, b in zip(half.skips, full.skips, strict=True))


def test_a_control_is_active_within_its_part_of_the_way_both_ends_included(model: Model, net: ControlNet) -> None:
    levels = model.levels
    control = Control(net, HINT, 1.0, 0.2, 0.8)
    for percent, is_active in ((0.1, False), (0.2, True), (0.5, True), (0.8, True), (0.9, False)):
        made = control.blocks(call(model, levels.at_percent(percent)))
        assert bool(made) is is_active, percent


def test_chained_controls_add_up_and_an_inactive_one_passes_the_other_through(model: Model, net: ControlNet) -> None:
    other = Control(net, HINT.flip(1), 0.7)
    asked = call(model)
    apart = (told(other, asked), told(Control(net, HINT), asked))
    both = told(Control(net, HINT, previous=other), asked)
    assert torch.equal(both.middle, apart[0].middle + apart[1].middle)
    late = Control(net, HINT, 1.0, 0.9, 1.0, previous=other)
    assert torch.equal(told(late, asked).skips[4], apart[0].skips[4])


def test_a_control_of_another_kind_may_stand_before_it(model: Model, net: ControlNet) -> None:
    class Loud:
        def blocks(self, call: Call) -> tuple[BlockHook, ...]:
            return (lambda h, skip, block: (h + 5, skip),)

    asked = call(model)
    first, second = Control(net, HINT, previous=Loud()).blocks(asked)
    h = torch.zeros(2, 64, 1, 1)
    assert first(h, None, Block("middle", 0))[0].eq(5).all()
    assert torch.equal(second(h, None, Block("middle", 0))[0], told(Control(net, HINT), asked).middle)


def test_hints_go_to_the_rows_of_each_entry_in_turn(model: Model, net: ControlNet) -> None:
    hints = torch.cat([HINT, HINT.flip(1)])
    made = told(Control(net, hints), call(model, rows=(2, 3))).middle
    one, two = (told(Control(net, each[None]), call(model, rows=(1,))).middle for each in hints)
    expected = torch.cat([one, two, one, two, one])
    assert torch.allclose(made, expected, atol=1e-3)
    assert not torch.allclose(one, two, atol=0.1)


def test_a_hint_of_any_size_is_cut_from_the_middle_to_the_latents_aspect(model: Model, net: ControlNet) -> None:
    wide = torch.nn.functional.pad(HINT, (0, 0, 16, 16))
    asked = call(model)
    assert torch.equal(told(Control(net, wide), asked).middle, told(Control(net, HINT), asked).middle)
    large = HINT.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    assert torch.equal(told(Control(net, large), asked).middle, told(Control(net, HINT), asked).middle)


def test_shuffle_networks_tell_means(model: Model, net: ControlNet) -> None:
    plain = told(Control(net, HINT), call(model)).skips[0]
    mean = told(Control(replace(net, is_shuffle=True), HINT), call(model)).skips[0]
    assert torch.allclose(mean, plain.mean(dim=(2, 3), keepdim=True).expand_as(plain), atol=1e-6)


def test_both_prompts_share_one_control(model: Model, net: ControlNet) -> None:
    positive, negative = [(TEXTS[0], {})], [(TEXTS[1], {})]
    steered = put_on([positive, negative], net, HINT, 1.0)
    assert steered[0][0][1]["control"] is steered[1][0][1]["control"]
    twice = put_on(steered, net, HINT, 0.5)
    assert twice[0][0][1]["control"] is twice[1][0][1]["control"]
    assert twice[0][0][1]["control"].previous is steered[0][0][1]["control"]
    plain = guided(model, positive, negative)
    assert not torch.allclose(guided(model, *steered), plain, atol=1e-3)
    assert "control" not in positive[0][1]


def test_the_old_way_lends_the_control_to_negative_entries_that_have_none(model: Model, net: ControlNet) -> None:
    positive, negative = [(TEXTS[0], {})], [(TEXTS[1], {})]
    (marked,) = put_on([positive], net, HINT, 1.0, for_negative_too=True)
    (alone,) = put_on([positive], net, HINT, 1.0)
    both = guided(model, *put_on([positive, negative], net, HINT, 1.0))
    assert torch.allclose(guided(model, marked, negative), both, atol=1e-5)
    assert not torch.allclose(guided(model, alone, negative), both, atol=1e-3)


def test_no_control_is_lent_where_a_negative_entry_has_one(model: Model, net: ControlNet) -> None:
    (marked,) = put_on([[(TEXTS[0], {})]], net, HINT, 1.0, for_negative_too=True)
    (own,) = put_on([[(TEXTS[1], {})]], net, HINT, 0.3)
    mixed = [*own, (TEXTS[1], {}), (TEXTS[1], {"area": (4, 4, 0, 0)})]
    made = resolve({"positive": marked, "negative": mixed}, model, X, None)["negative"]
    assert [each.control is not None for each in made] == [True, False, False]
    (lent,) = resolve({"positive": marked, "negative": [mixed[1]]}, model, X, None)["negative"]
    assert lent.control is marked[0][1]["control"]


def test_a_model_of_another_kind_is_told(net: ControlNet, tmp_path: Path) -> None:
    other = load_checkpoint(make_tiny_checkpoint(tmp_path / "xl.safetensors", "sdxl"), Placement()).model
    with pytest.raises(ValueError, match=r"does not fit this sdxl model: it wants text of width 32, the model has 64"):
        Control(net, HINT).blocks(replace(call(other), context=torch.zeros(2, 77, 64)))


def test_an_sdxl_control_takes_the_vector_too(tmp_path: Path) -> None:
    model = load_checkpoint(make_tiny_checkpoint(tmp_path / "xl.safetensors", "sdxl"), Placement()).model
    net = load_control_net(make_tiny_control(tmp_path / "net.safetensors", tiny_control("sdxl")), Placement())
    generator = torch.Generator().manual_seed(8)
    text = [(torch.randn(1, 77, 64, generator=generator), {"pooled_output": torch.randn(1, 32, generator=generator)})]
    plain = guided(model, text, text)
    steered = guided(model, *put_on([text, text], net, HINT, 1.0))
    assert torch.isfinite(steered).all()
    assert not torch.allclose(plain, steered, atol=1e-3)


def test_a_hint_that_is_no_picture_is_told(net: ControlNet) -> None:
    with pytest.raises(ValueError, match=r"shape \(64, 64\); it should be pictures \(B, H, W, 3\)"):
        Control(net, torch.zeros(64, 64))


def test_residuals_of_different_networks_do_not_add_up() -> None:
    one = Residuals((torch.zeros(1),), torch.zeros(1))
    with pytest.raises(ValueError, match="1 and 2 blocks do not belong to one model"):
        one.plus(Residuals((torch.zeros(1), torch.zeros(1)), torch.zeros(1)))
