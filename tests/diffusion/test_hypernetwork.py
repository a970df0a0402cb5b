"""Hypernetworks: what attention reads is changed as trainers do, and nothing where none is."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from engine.diffusion.families.load import Checkpoint
from engine.diffusion.hypernetwork import add_hypernetwork
from engine.diffusion.hypertile import hypertile
from engine.diffusion.model import AttentionPlace, Block, Model, Sources
from engine.diffusion.perturbed_attention import only_itself
from engine.diffusion.self_attention_guidance import attention_received
from engine.run.size import size_of
from engine.weights.hypernetwork import Hypernetwork, read_hypernetwork
from engine.weights.read import BadFile, Reading, use
from tests.tiny.hypernetworks import flat_hypernetwork, layers, tiny_hypernetwork

GENERATOR = torch.Generator().manual_seed(2)
X, TEXT = torch.randn(2, 4, 8, 8, generator=GENERATOR), torch.randn(2, 7, 32, generator=GENERATOR)
SIGMA = torch.tensor([3.0, 1.0])
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model(tiny: Callable[[str], Checkpoint]) -> Model:
    return tiny("sd15").model


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Hypernetwork:
    path = tmp_path_factory.mktemp("h") / "style.safetensors"
    save_file(flat_hypernetwork(), path, {"activation_func": "relu"})
    return read_hypernetwork(path, CPU, torch.float32)


@torch.inference_mode()
def predicted(model: Model) -> Tensor:
    return model.predict(X, SIGMA, TEXT, {})


class Changing:
    """An attention processor of diffusers' kind that changes what keys and values are made of."""

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Any = None, **_: Any) -> Tensor:
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        width = source.shape[-1]
        keys, values = (source + layers(width, seed)(source) * self.strength for seed in (1, 2))
        q, k, v = (
            each.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for each in (attn.to_q(hidden_states), attn.to_k(keys), attn.to_v(values))
        )
        return attn.to_out[0](scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


@pytest.mark.parametrize("strength", [1.0, -0.4])
def test_all_attention_reads_what_the_layers_make_of_it(model: Model, net: Hypernetwork, strength: float) -> None:
    before = predicted(model)
    made = predicted(add_hypernetwork(model, net, strength))
    peer: Any = deepcopy(model.network)
    peer.set_attn_processor(Changing(strength))
    torch.testing.assert_close(made, predicted(replace(model, network=peer)), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(made, before, atol=1e-2)
    assert torch.equal(predicted(model), before)


def test_guidance_by_attention_sees_what_attention_reads(model: Model, net: Hypernetwork) -> None:
    unet: Any = model.network
    layer = unet.mid_block.attentions[0].transformer_blocks[0].attn1
    plain = AttentionPlace(Block("middle", 0), 0, (1, 7), (8, 8), layer)
    changed = add_hypernetwork(model, net, 0.5).hooks.attention
    there = replace(plain, sources=tuple(each for each in changed if isinstance(each, Sources)))
    tokens = torch.randn(1, 7, 64, generator=GENERATOR)
    keys, values = net.changed(tokens, tokens, 0.5)
    with torch.inference_mode():
        assert torch.equal(only_itself(tokens, layer, there), layer.to_out[0](layer.to_v(values)))
        one, other = (attention_received(tokens, place) for place in (there, plain))
        q, k = (
            each.unflatten(-1, (layer.heads, -1)).transpose(1, 2) for each in (layer.to_q(tokens), layer.to_k(keys))
        )
        shares = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(dim=-1)
        torch.testing.assert_close(one, shares.mean(dim=1).sum(dim=1))
    assert not torch.allclose(one, other, atol=1e-4)


def test_a_model_is_larger_by_what_was_put_on_it(model: Model, net: Hypernetwork) -> None:
    assert size_of(add_hypernetwork(model, net, 0.5)) == size_of(model) + size_of(net)


def test_strength_zero_gives_the_model_itself_and_hooks_that_change_nothing_no_bit(
    model: Model, net: Hypernetwork
) -> None:
    assert add_hypernetwork(model, net, 0.0) is model
    same = model.hooked(attention=(Sources(lambda keys, values: (keys, values)),))
    assert torch.equal(predicted(same), predicted(model))


def test_several_follow_one_another_and_go_with_other_hooks(model: Model, net: Hypernetwork) -> None:
    once = add_hypernetwork(model, net, 0.5)
    twice = add_hypernetwork(once, net, 0.5)
    assert not torch.allclose(predicted(twice), predicted(once), atol=1e-3)
    tiles = hypertile(32, 1, 0, scale_depth=False)
    tiled = predicted(once.hooked(attention=(tiles,)))
    assert torch.equal(tiled, predicted(add_hypernetwork(model.hooked(attention=(tiles,)), net, 0.5)))
    assert not torch.allclose(tiled, predicted(once), atol=1e-3)
    assert not torch.allclose(tiled, predicted(model.hooked(attention=(tiles,))), atol=1e-3)


def test_trainers_own_files_are_read_where_pickles_are_allowed(net: Hypernetwork, tmp_path: Path) -> None:
    torch.save(tiny_hypernetwork(), tmp_path / "style.pt")
    with pytest.raises(BadFile, match="start with --allow-pickle"):
        read_hypernetwork(tmp_path / "style.pt", CPU, torch.float32)
    use(Reading(allow_pickle=True))
    try:
        other = read_hypernetwork(tmp_path / "style.pt", CPU, torch.float32)
    finally:
        use(Reading())
    one, two = net.changed(TEXT, TEXT, 1.0), other.changed(TEXT, TEXT, 1.0)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(one, two, strict=True))


def test_the_activation_goes_to_the_end_where_the_file_says_so(tmp_path: Path) -> None:
    flat = {name: tensor for name, tensor in flat_hypernetwork().items() if ".linear.5." not in name}
    for goes, wanted in (("False", lambda x: x), ("True", torch.tanh)):
        save_file(flat, tmp_path / f"{goes}.safetensors", {"activation_func": "Tanh", "activate_output": goes})
        made = read_hypernetwork(tmp_path / f"{goes}.safetensors", CPU, torch.float32)
        own = layers(32, 1)
        expected = TEXT + wanted(own[4](own[2](torch.tanh(own[0](TEXT)))))
        torch.testing.assert_close(made.changed(TEXT, TEXT, 1.0)[0], expected)


FLAT = flat_hypernetwork()
WRONG: dict[str, tuple[dict[str, Tensor], dict[str, str], str]] = {
    "other": ({"a": torch.zeros(1)}, {}, "is no hypernetwork: wanted are tensors such as"),
    "half": ({name: each for name, each in FLAT.items() if not name.startswith("64.1")}, {}, "for width 64 it has not"),
    "gap": (FLAT | {"32.0.linear.4.weight": torch.zeros(32, 7)}, {}, "do not follow each other: 32, layer 4"),
    "odd": (FLAT | {"32.0.linear.4.weight": torch.zeros(())}, {}, "do not follow each other: 32, layer 4"),
    "bare": ({n: each for n, each in FLAT.items() if n != "32.0.linear.4.weight"}, {}, "each other: 32, layer 4"),
    "wide": ({n: each for n, each in FLAT.items() if int(n.split(".")[3]) < 4}, {}, "width 32 that make them 64 wide"),
    "word": (FLAT, {"activation_func": "snake"}, "wants the activation 'snake', which is not known; known are celu"),
}


@pytest.mark.parametrize("name", WRONG)
def test_files_of_another_make_are_refused_by_what_is_wrong(name: str, tmp_path: Path) -> None:
    tensors, words, told = WRONG[name]
    save_file(tensors, tmp_path / "file.safetensors", words)
    with pytest.raises(BadFile, match=told):
        read_hypernetwork(tmp_path / "file.safetensors", CPU, torch.float32)


def test_models_that_it_does_not_fit_are_told(
    model: Model, net: Hypernetwork, caplog: pytest.LogCaptureFixture
) -> None:
    wide: dict[int, torch.nn.Module] = {768: torch.nn.Identity()}
    with pytest.raises(ValueError, match=r"other\.pt changes tokens of the widths \[768\], and this sd15 model has"):
        add_hypernetwork(model, Hypernetwork("other.pt", wide, wide), 1.0)
    add_hypernetwork(model, replace(net, keys={**net.keys, **wide}), 1.0)
    assert "this sd15 model has no tokens of the widths [768]" in caplog.text
