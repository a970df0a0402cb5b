"""Training a LoRA: it changes what the model predicts, loads by the ordinary path, and says what the network learnt."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import Generator, nn

from engine.diffusion.families.save import write
from engine.diffusion.lora import add_lora
from engine.diffusion.text.clip import required
from engine.diffusion.vae import present
from engine.training.adapters import Adapted, Layers, adapt_unet
from engine.training.copies import trainable
from engine.training.denoising import Objective
from engine.training.lora import Rank, train_lora
from engine.training.pictures import draw_all
from engine.training.recipe import Recipe
from engine.weights.lora import read_lora
from tests.training.toys import Discs, tiny

RECIPE = Recipe(steps=4, batch=2, rate=0.01, warm_up=0, average=0, preview_every=0)


def test_an_adapter_begins_as_the_layer_alone_and_only_it_learns() -> None:
    layer = nn.Linear(6, 4).requires_grad_(False)
    adapter = Adapted(layer, 2, 1.0, Generator().manual_seed(0))
    x = torch.randn(3, 6)
    assert torch.equal(adapter(x), layer(x))
    assert {name for name, each in adapter.named_parameters() if each.requires_grad} == {"down", "up"}


@pytest.mark.parametrize("layers", get_args(Layers))
def test_a_trained_lora_goes_onto_the_model_by_the_ordinary_path(tmp_path: Path, layers: Layers) -> None:
    made = tiny()
    clip = required(made.clip)
    network = made.model.network
    with torch.no_grad():  # a fresh network puts out nothing, whatever its layers do
        for weight in network.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    with torch.inference_mode():  # as nodes are run
        trained = train_lora(
            made.model,
            clip,
            present(made.vae),
            draw_all(Discs(4)),
            RECIPE,
            Rank(2, 4.0, layers),
            Objective(trains_text=True),
        )
    write(tmp_path / "lora.safetensors", trained.tensors, {})
    lora = read_lora(tmp_path / "lora.safetensors")
    assert not lora.strange
    model, changed = add_lora(made.model, clip, lora, 1.0, 1.0)
    assert len(model.patches) == len([name for name in lora.modules if "unet" in name])
    words = clip.tokenize("a red disc")
    assert not torch.equal(required(changed).encode(words).cond, clip.encode(words).cond)
    x, sigma, text = torch.randn(1, 4, 4, 4), torch.tensor([2.0]), clip.encode(words).cond
    before, after = (each.predict(x, sigma, text, {}) for each in (made.model, model))
    assert not torch.equal(before, after)


def test_patches_of_a_file_mean_what_the_adapters_meant(tmp_path: Path) -> None:
    made = tiny()
    network = trainable(made.model.network)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    plain = replace(made.model, network=trainable(network))
    adapters = adapt_unet(network, "attention", 2, 3.0, Generator().manual_seed(0))
    tensors: dict[str, torch.Tensor] = {}
    with torch.no_grad():
        for name, adapter in adapters.items():
            assert isinstance(adapter, Adapted)
            for each in (adapter.up, adapter.down):
                each.copy_((torch.randn(each.shape) * 0.1).half())
            tensors[f"{name}.lora_up.weight"] = adapter.up.detach()
            tensors[f"{name}.lora_down.weight"] = adapter.down.detach()
            tensors[f"{name}.alpha"] = torch.tensor(3.0)
    write(tmp_path / "lora.safetensors", tensors, {})
    patched, _ = add_lora(plain, None, read_lora(tmp_path / "lora.safetensors"), 1.0, 0.0)
    x, sigma, text = torch.randn(1, 4, 4, 4), torch.tensor([2.0]), torch.randn(1, 77, 16)
    with torch.no_grad():
        adapted = replace(plain, network=network).predict(x, sigma, text, {})
        assert torch.allclose(patched.predict(x, sigma, text, {}), adapted, atol=1e-4)
        assert not torch.allclose(plain.predict(x, sigma, text, {}), adapted, atol=1e-4)


def test_sizes_that_change_nothing_are_named() -> None:
    with pytest.raises(ValueError, match="rank 0 and alpha"):
        Rank(0)
