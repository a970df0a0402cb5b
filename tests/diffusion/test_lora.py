"""A LoRA changes what a model predicts and how text is encoded, by as much as is asked, and nothing else."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from engine.device.place import Placement
from engine.diffusion import patched
from engine.diffusion.families import load
from engine.diffusion.families.load import Checkpoint
from engine.diffusion.families.save import checkpoint_tensors
from engine.diffusion.lora import add_lora
from engine.diffusion.model import Family, Model
from engine.diffusion.patched import KEPT, make_twin
from engine.diffusion.text.clip import Clip
from engine.weights.deltas import Difference
from engine.weights.lora import Lora, read_lora
from engine.weights.patch import Patch, Target
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.layouts import WIDTH
from tests.tiny.loras import make_tiny_lora, tiny_lora

Tiny = Callable[[str], Checkpoint]
Read = Callable[[dict[str, Tensor]], Lora]

TO_Q = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.weight"
PATH = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    folder = tmp_path_factory.mktemp("tiny")

    def loaded(family: str) -> Checkpoint:
        return load.load_checkpoint(make_tiny_checkpoint(folder / f"{family}.safetensors", family), Placement())

    return cache(loaded)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    folders = (tmp_path / str(n) for n in count())
    return lambda tensors: read_lora(make_tiny_lora(next(folders) / "some.safetensors", tensors))


def predict(model: Model) -> Tensor:
    generator = torch.Generator("cpu").manual_seed(1)
    x = torch.randn(1, 4, 8, 8, generator=generator)
    width = WIDTH if model.family.name != "sdxl" else 2 * WIDTH
    context = torch.randn(1, 77, width, generator=generator)
    extras = model.family.extras({"pooled_output": torch.ones(1, WIDTH)}, x, None)
    with torch.no_grad():
        return model.predict(x, torch.tensor([2.0]), context, extras)


def encode(clip: Clip | None) -> Tensor:
    assert clip is not None
    return clip.encode(clip.tokenize("a fox")).cond


def test_a_lora_changes_model_and_text_and_leaves_both_as_they_were(tiny: Tiny, read: Read) -> None:
    loaded = tiny("sd15")
    before, text_before = predict(loaded.model), encode(loaded.clip)
    model, clip = add_lora(loaded.model, loaded.clip, read(tiny_lora()), 1.0, 1.0)
    assert (predict(model) - before).norm() / before.norm() > 0.01
    assert (encode(clip) - text_before).norm() / text_before.norm() > 0.01
    assert torch.equal(predict(loaded.model), before)
    assert torch.equal(encode(loaded.clip), text_before)
    assert torch.equal(predict(replace(model, patches=())), before)


def test_model_and_text_have_strengths_of_their_own_and_zero_is_no_change(tiny: Tiny, read: Read) -> None:
    loaded, lora = tiny("sd15"), read(tiny_lora())
    model, clip = add_lora(loaded.model, loaded.clip, lora, 0.0, 1.0)
    assert model is loaded.model
    assert not torch.equal(encode(clip), encode(loaded.clip))
    model, clip = add_lora(loaded.model, loaded.clip, lora, 1.0, 0.0)
    assert clip is loaded.clip
    assert not torch.equal(predict(model), predict(loaded.model))


def test_the_weights_are_those_of_the_formula(tiny: Tiny, read: Read) -> None:
    model, tensors = tiny("sd15").model, tiny_lora()
    changed, _ = add_lora(model, None, read(tensors), -0.7, 0.0)
    up, down = (tensors[f"{PATH}.{name}.weight"].float() for name in ("lora_up", "lora_down"))
    wanted = model.network.state_dict()[TO_Q] - 0.7 * 0.5 * (up @ down)
    torch.testing.assert_close(changed.patched.state_dict()[TO_Q], wanted)


def test_opposite_strengths_cancel_up_to_rounding(tiny: Tiny, read: Read) -> None:
    model, lora = tiny("sd15").model, read(tiny_lora())
    there, _ = add_lora(model, None, lora, 0.8, 0.0)
    back, _ = add_lora(there, None, lora, -0.8, 0.0)
    torch.testing.assert_close(predict(back), predict(model), rtol=1e-3, atol=1e-4)
    assert not torch.allclose(predict(there), predict(model), rtol=1e-3, atol=1e-4)


def test_loras_are_applied_in_the_order_in_which_they_were_added(tiny: Tiny, read: Read) -> None:
    model = tiny("sd15").model
    module = "diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q"
    adding = read({f"{module}.diff": torch.ones(64, 64)})
    setting = read({f"{module}.set_weight": torch.full((64, 64), 5.0)})
    set_last, _ = add_lora(add_lora(model, None, adding, 1.0, 0.0)[0], None, setting, 1.0, 0.0)
    added_last, _ = add_lora(add_lora(model, None, setting, 1.0, 0.0)[0], None, adding, 1.0, 0.0)
    assert set_last.patched.state_dict()[TO_Q].unique().tolist() == [5.0]
    assert added_last.patched.state_dict()[TO_Q].unique().tolist() == [6.0]


def test_both_encoders_of_sdxl_are_patched(tiny: Tiny, read: Read) -> None:
    loaded = tiny("sdxl")
    unet = {name: tensor for name, tensor in tiny_lora(2 * WIDTH).items() if "down_blocks_1_att" in name}
    first, second = (
        {n: t for n, t in tiny_lora(text=f"lora_te{k}").items() if n.startswith("lora_te")} for k in (1, 2)
    )
    model, clip = add_lora(loaded.model, loaded.clip, read(unet | first | second), 1.0, 1.0)
    assert not torch.equal(predict(model), predict(loaded.model))
    changed, plain = encode(clip), encode(loaded.clip)
    assert not torch.equal(changed[..., :WIDTH], plain[..., :WIDTH])
    assert not torch.equal(changed[..., WIDTH:], plain[..., WIDTH:])


def test_a_file_for_another_family_is_refused_by_name(tiny: Tiny, read: Read) -> None:
    flux = read(
        {
            "lora_unet_double_blocks_0_img_attn_proj.lora_up.weight": torch.ones(4, 1),
            "lora_unet_double_blocks_0_img_attn_proj.lora_down.weight": torch.ones(1, 4),
        }
    )
    wrong = (
        r"some\.safetensors: none of its 1 modules fits this sd15 model; it seems to be made for Flux.*double_blocks"
    )
    with pytest.raises(ValueError, match=wrong):
        add_lora(tiny("sd15").model, tiny("sd15").clip, flux, 1.0, 1.0)


def test_a_file_that_fits_in_part_is_used_and_told_of_once(
    tiny: Tiny, read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    tensors = tiny_lora(context=2048)  # its text is wider than that of the model
    lora = read(tensors | {"bundle_emb.cat": torch.ones(1, WIDTH)})
    with caplog.at_level(logging.WARNING):
        model, _ = add_lora(tiny("sd15").model, tiny("sd15").clip, lora, 1.0, 1.0)
    (told,) = caplog.messages
    assert told.startswith("some.safetensors: 5 of its 7 modules fit this sd15 model; it seems to be made for SDXL")
    assert "attn2_to_k" in told
    assert len(model.patches) == 3


def test_changes_of_text_are_not_missed_where_there_is_only_a_model(
    tiny: Tiny, read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        model, clip = add_lora(tiny("sd15").model, None, read(tiny_lora()), 1.0, 1.0)
    assert caplog.messages == []
    assert clip is None
    assert len(model.patches) == 4
    text = {name: tensor for name, tensor in tiny_lora().items() if name.startswith("lora_te")}
    with caplog.at_level(logging.WARNING):
        assert add_lora(model, None, read(text), 1.0, 0.0)[0] is model
    assert caplog.messages == ["some.safetensors changes text encoders only, and here it is put on a model alone"]


def test_a_model_of_a_family_without_known_names_is_refused(tiny: Tiny, read: Read) -> None:
    class Other:
        name = "other"

    model = replace(tiny("sd15").model, family=cast(Family, Other()))
    with pytest.raises(ValueError, match="models of the family other"):
        add_lora(model, None, read(tiny_lora()), 1.0, 0.0)


def test_a_saved_checkpoint_holds_the_patched_weights(tiny: Tiny, read: Read) -> None:
    loaded = tiny("sd15")
    model, clip = add_lora(loaded.model, loaded.clip, read(tiny_lora()), 1.0, 1.0)
    plain, changed = checkpoint_tensors(loaded.model, loaded.clip), checkpoint_tensors(model, clip)
    differ = {name for name, tensor in plain.items() if not torch.equal(tensor.float(), changed[name].float())}
    assert len(differ) == 6


def test_a_twin_shares_every_weight_that_is_not_patched(tiny: Tiny) -> None:
    network = tiny("sd15").model.network
    twin = make_twin(network, [Patch(Target(TO_Q), Difference(torch.ones(64, 64)), 1.0)])
    theirs = dict(twin.named_parameters())
    apart = [name for name, own in network.named_parameters() if theirs[name] is not own]
    assert apart == [TO_Q]
    assert not theirs[TO_Q].requires_grad


def test_twins_are_made_once_and_the_last_ones_are_kept(tiny: Tiny, read: Read) -> None:
    model, lora = tiny("sd15").model, read(tiny_lora())
    first, _ = add_lora(model, None, lora, 1.0, 0.0)
    same, _ = add_lora(model, None, lora, 1.0, 0.0)
    twin = first.patched
    assert same.patched is twin
    others = [add_lora(model, None, lora, 1.0 + n, 0.0)[0] for n in range(1, KEPT + 1)]
    assert len({id(each.patched) for each in others}) == KEPT
    assert first.patched is not twin
    assert patched.with_patches(model.network, ()) is model.network


def test_weights_kept_in_eight_bits_are_patched_in_eight_bits(tmp_path: Path, read: Read) -> None:
    path = make_tiny_checkpoint(tmp_path / "sd15.safetensors")
    model = load.load_diffusion_model(path, Placement(), storage=torch.float8_e4m3fn)
    before = predict(model)
    changed, _ = add_lora(model, None, read(tiny_lora()), 1.0, 0.0)
    weights: dict[str, Any] = dict(changed.patched.named_parameters())
    assert weights[TO_Q].dtype == torch.float8_e4m3fn
    exact, _ = add_lora(load.load_diffusion_model(path, Placement()), None, read(tiny_lora()), 1.0, 0.0)
    difference = predict(changed) - predict(exact)
    assert difference.norm() / predict(exact).norm() < 0.1
    assert weights[TO_Q].dtype == torch.float8_e4m3fn
    assert torch.equal(predict(model), before)
