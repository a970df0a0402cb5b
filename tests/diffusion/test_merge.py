"""Merged models are what the formula says, at the ends exactly one of the two, and leave both as they were."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.device.place import Placement
from engine.diffusion.families.load import Checkpoint, load_checkpoint
from engine.diffusion.families.save import checkpoint_tensors, write
from engine.diffusion.lora import add_lora
from engine.diffusion.merge import Mix, between, by_prefix, merge_clips, merge_models
from engine.diffusion.model import Family, Model
from engine.diffusion.text.clip import Clip
from engine.weights.lora import Lora, read_lora
from tests.tiny.checkpoints import make_other_checkpoint, make_tiny_checkpoint, other_tensors, tiny_tensors
from tests.tiny.loras import make_tiny_lora

TO_Q = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.weight"
FC1 = "text_model.encoder.layers.1.mlp.fc1.weight"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("merge")


@pytest.fixture(scope="module")
def first(folder: Path) -> Checkpoint:
    return load_checkpoint(make_tiny_checkpoint(folder / "first.safetensors"), Placement())


@pytest.fixture(scope="module")
def second(folder: Path) -> Checkpoint:
    return load_checkpoint(make_other_checkpoint(folder / "second.safetensors"), Placement())


@pytest.fixture(scope="module")
def lora(folder: Path) -> Lora:
    return read_lora(make_tiny_lora(folder / "lora.safetensors"))


def encoders(loaded: Checkpoint) -> Clip:
    assert loaded.clip is not None
    return loaded.clip


def weights(model: Model) -> dict[str, Tensor]:
    return dict(model.patched.state_dict())


def text_weights(clip: Clip) -> dict[str, Tensor]:
    return dict(clip.towers["l"].patched.state_dict())


def same(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(each, theirs[name]) for name, each in ours.items())


def predict(model: Model) -> Tensor:
    generator = torch.Generator("cpu").manual_seed(1)
    x, context = torch.randn(1, 4, 8, 8, generator=generator), torch.randn(1, 77, 32, generator=generator)
    with torch.no_grad():
        return model.predict(x, torch.tensor([2.0]), context, {})


def mixed(first: Checkpoint, second: Checkpoint, mix: Mix) -> Model:
    return merge_models(first.model, second.model, lambda _: mix)


def test_every_weight_is_mixed_by_the_ratio(first: Checkpoint, second: Checkpoint) -> None:
    one, other = weights(first.model), weights(second.model)
    made = weights(mixed(first, second, between(0.3)))
    for name, weight in made.items():
        torch.testing.assert_close(weight, 0.3 * one[name] + 0.7 * other[name], msg=name)


def test_the_ends_are_exactly_one_of_the_two(first: Checkpoint, second: Checkpoint) -> None:
    assert mixed(first, second, between(1.0)) is first.model
    at_zero = mixed(first, second, between(0.0))
    assert same(weights(at_zero), weights(second.model))
    assert torch.equal(predict(at_zero), predict(second.model))
    assert merge_clips(encoders(first), encoders(second), between(1.0)) is first.clip
    text = merge_clips(encoders(first), encoders(second), between(0.0))
    assert same(text_weights(text), text_weights(encoders(second)))


def test_both_models_stay_as_they_were_bit_for_bit(first: Checkpoint, second: Checkpoint) -> None:
    before = [predict(each.model) for each in (first, second)]
    kept = {name: weight.clone() for name, weight in first.model.network.state_dict().items()}
    merged = mixed(first, second, between(0.5))
    assert not torch.allclose(predict(merged), before[0], atol=1e-3)
    assert same(dict(first.model.network.state_dict()), kept)
    assert torch.equal(predict(replace(merged, patches=())), before[0])
    assert [torch.equal(predict(each.model), was) for each, was in zip((first, second), before, strict=True)] == [
        True,
        True,
    ]


def test_differences_are_added_and_taken_away(first: Checkpoint, second: Checkpoint) -> None:
    difference = merge_models(second.model, first.model, lambda _: Mix(1.0, -1.0))
    back = merge_models(first.model, difference, lambda _: Mix(1.0, 1.0))
    wanted = weights(second.model)
    for name, weight in weights(back).items():
        torch.testing.assert_close(weight, wanted[name], msg=name)
    tripled = merge_models(second.model, first.model, lambda _: Mix(3.0, -3.0))
    torch.testing.assert_close(weights(tripled)[TO_Q], 3 * (wanted[TO_Q] - first.model.network.state_dict()[TO_Q]))


def test_parts_have_ratios_of_their_own_and_the_rest_goes_with_the_first(first: Checkpoint, second: Checkpoint) -> None:
    recipe = by_prefix({"input": 0.25, "middle": 0.5, "out": 1.0})
    one, other = first.model.network.state_dict(), second.model.network.state_dict()
    made = weights(merge_models(first.model, second.model, recipe))
    for name, kept in (
        ("conv_in.weight", 0.25),
        (TO_Q, 0.25),
        ("mid_block.resnets.0.conv1.bias", 0.5),
        ("up_blocks.0.resnets.0.conv1.weight", 1.0),
        ("conv_out.weight", 1.0),
        ("time_embedding.linear_1.weight", 0.25),
    ):
        torch.testing.assert_close(made[name], kept * one[name] + (1 - kept) * other[name], msg=name)


def test_of_two_beginnings_the_longer_counts() -> None:
    recipe = by_prefix({"time_embed.": 0.1, "input_blocks.1": 0.2, "input_blocks.1.0.": 0.3, "out": 0.4})
    assert recipe("input_blocks.1.1.norm.weight") == between(0.2)
    assert recipe("input_blocks.1.0.in_layers.0.bias") == between(0.3)
    assert recipe("output_blocks.1.0.in_layers.0.bias") == recipe("out.2.bias") == between(0.4)
    assert recipe("label_emb.0.0.weight") == between(0.1)


def test_loras_count_in_the_order_in_which_they_were_put_on(first: Checkpoint, second: Checkpoint, lora: Lora) -> None:
    one, other = first.model.network.state_dict()[TO_Q], second.model.network.state_dict()[TO_Q]
    changed = weights(add_lora(first.model, None, lora, 1.0, 0.0)[0])[TO_Q]
    delta = changed - one
    with_lora, _ = add_lora(first.model, None, lora, 1.0, 0.0)
    before = merge_models(with_lora, second.model, lambda _: between(0.5))
    torch.testing.assert_close(weights(before)[TO_Q], 0.5 * (one + delta) + 0.5 * other)
    after, _ = add_lora(mixed(first, second, between(0.5)), None, lora, 1.0, 0.0)
    torch.testing.assert_close(weights(after)[TO_Q], 0.5 * one + 0.5 * other + delta)
    of_the_other, _ = add_lora(second.model, None, lora, 2.0, 0.0)
    there = merge_models(first.model, of_the_other, lambda _: between(0.5))
    torch.testing.assert_close(weights(there)[TO_Q], 0.5 * one + 0.5 * (other + 2 * delta))


def test_merges_of_merges_are_what_the_formula_says(first: Checkpoint, second: Checkpoint) -> None:
    half = mixed(first, second, between(0.5))
    quarter = merge_models(first.model, half, lambda _: between(0.5))
    wanted = 0.75 * first.model.network.state_dict()[TO_Q] + 0.25 * second.model.network.state_dict()[TO_Q]
    torch.testing.assert_close(weights(quarter)[TO_Q], wanted)


def test_text_encoders_are_mixed_with_their_loras(first: Checkpoint, second: Checkpoint, lora: Lora) -> None:
    one, other = (text_weights(encoders(each))[FC1].float() for each in (first, second))
    _, clip = add_lora(second.model, second.clip, lora, 0.0, 1.0)
    assert clip is not None
    delta = text_weights(clip)[FC1].float() - other
    made = merge_clips(encoders(first), clip, Mix(2.0, -2.0))
    torch.testing.assert_close(
        text_weights(made)[FC1].float(), 2 * (one - other - delta), rtol=2e-3, atol=2e-3
    )  # encoders are kept in float16
    tokens = made.tokenize("a fox")
    halves = merge_clips(encoders(first), encoders(second), between(0.5))
    assert not torch.equal(halves.encode(tokens).cond, encoders(first).encode(tokens).cond)


def test_sdxl_has_two_encoders_and_both_are_mixed(tmp_path: Path) -> None:
    first = load_checkpoint(make_tiny_checkpoint(tmp_path / "a.safetensors", "sdxl"), Placement())
    second = load_checkpoint(make_other_checkpoint(tmp_path / "b.safetensors", "sdxl"), Placement())
    text = merge_clips(encoders(first), encoders(second), between(0.0))
    tokens = text.tokenize("a fox")
    assert torch.equal(text.encode(tokens).cond, encoders(second).encode(tokens).cond)
    assert same(weights(mixed(first, second, between(0.0))), weights(second.model))


def test_a_merged_model_is_saved_and_comes_back_the_same(first: Checkpoint, second: Checkpoint, tmp_path: Path) -> None:
    model = mixed(first, second, between(0.4))
    clip = merge_clips(encoders(first), encoders(second), between(0.4))
    write(tmp_path / "merged.safetensors", checkpoint_tensors(model, clip, first.vae), {})
    again = load_checkpoint(tmp_path / "merged.safetensors", Placement())
    assert again.model.patches == ()
    assert torch.equal(predict(again.model), predict(model))
    tokens = clip.tokenize("a fox")
    saved, made = encoders(again).encode(tokens).cond, clip.encode(tokens).cond
    assert (saved - made).norm() / made.norm() < 1e-3  # what is read from files is rounded to float16, norms too


def test_an_inpainting_model_is_made_from_a_difference(
    first: Checkpoint, second: Checkpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inpaint = load_checkpoint(make_tiny_checkpoint(tmp_path / "in.safetensors", "inpaint"), Placement()).model
    difference = merge_models(second.model, first.model, lambda _: Mix(1.0, -1.0))
    with caplog.at_level(logging.WARNING):
        made = weights(merge_models(inpaint, difference, lambda _: Mix(1.0, 1.0)))
    assert caplog.messages == [
        "the models that are merged take 9 and 4 channels: the first layer stays that of the first model"
    ]
    base = inpaint.network.state_dict()
    assert torch.equal(made["conv_in.weight"], base["conv_in.weight"])
    torch.testing.assert_close(made[TO_Q], base[TO_Q] + weights(difference)[TO_Q])


def test_models_of_different_shapes_are_refused_in_words(first: Checkpoint, tmp_path: Path) -> None:
    xl = load_checkpoint(make_tiny_checkpoint(tmp_path / "xl.safetensors", "sdxl"), Placement())
    wrong = r"the first model \(sd15\) and the second \(sdxl\) cannot be merged: only the first has .*; merge models of"
    with pytest.raises(ValueError, match=wrong):
        mixed(first, xl, between(0.5))
    sd2 = load_checkpoint(make_tiny_checkpoint(tmp_path / "sd2.safetensors", "sd2"), Placement())
    with pytest.raises(ValueError, match=r"\(sd2\) cannot be merged: .* is \[32, 32, 1, 1\] in the one and \[32, 32\]"):
        mixed(first, sd2, between(0.5))
    with pytest.raises(ValueError, match=r"the first model has clip_l, the second clip_l, clip_g; merge those of mod"):
        merge_clips(encoders(first), encoders(xl), between(0.5))


def test_a_family_without_known_names_is_refused(first: Checkpoint) -> None:
    class Other:
        name = "other"

    model = replace(first.model, family=cast(Family, Other()))
    with pytest.raises(ValueError, match="models of the family other cannot be merged today"):
        merge_models(first.model, model, lambda _: between(0.5))


def test_the_second_checkpoint_differs_in_every_weight_but_has_the_same_names() -> None:
    one, other = tiny_tensors(), other_tensors()
    assert one.keys() == other.keys()
    assert sum(torch.equal(one[name], other[name]) for name in one) == 0


def test_half_precision_files_are_mixed_in_float32(first: Checkpoint, tmp_path: Path) -> None:
    tensors = {name: tensor.to(torch.bfloat16) for name, tensor in other_tensors().items()}
    save_file(tensors, tmp_path / "half.safetensors")
    second = load_checkpoint(tmp_path / "half.safetensors", Placement(dtype=torch.bfloat16))
    made = weights(mixed(first, second, between(0.3)))[TO_Q]
    wanted = 0.3 * first.model.network.state_dict()[TO_Q] + 0.7 * second.model.network.state_dict()[TO_Q].float()
    assert made.dtype == torch.float32
    torch.testing.assert_close(made, wanted)
