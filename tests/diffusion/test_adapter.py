"""T2I adapters: files of every kind and layout steer a UNet as diffusers' own does, and chain with ControlNets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.device.place import Placement
from engine.diffusion.adapter import Adapter, AdapterControl
from engine.diffusion.calls import Call
from engine.diffusion.control import Control
from engine.diffusion.families.control_files import load_control_net, load_steering
from engine.diffusion.families.load import Checkpoint
from engine.diffusion.families.unet_walk import walk
from engine.diffusion.model import Model
from engine.weights.read import BadFile
from tests.tiny.adapters import Kind, tiny_adapter, tiny_peer
from tests.tiny.controls import make_tiny_control

KINDS: tuple[tuple[Kind, str, int], ...] = (
    ("full_adapter", "sd15", 3),
    ("full_adapter", "sd2", 1),
    ("light_adapter", "sd15", 3),
    ("light_adapter", "sd15", 1),
    ("full_adapter_xl", "sdxl", 3),
    ("full_adapter_xl", "sdxl", 1),
)


def written(path: Path, tensors: dict[str, Tensor]) -> Adapter:
    save_file(tensors, path)
    made = load_steering(path, Placement())
    assert isinstance(made, Adapter)
    return made


def inputs(model: Model, height: int, width: int) -> dict[str, Tensor]:
    unet: Any = model.network
    generator = torch.Generator().manual_seed(1)
    made = {
        "x": torch.randn(2, 4, height, width, generator=generator),
        "t": torch.tensor([700.0, 700.0]),
        "context": torch.randn(2, 7, unet.config.cross_attention_dim, generator=generator),
    }
    if unet.config.addition_embed_type:
        made["pooled"] = torch.randn(2, 32, generator=generator)
        made["sizes"] = torch.tensor([[64.0, 64, 0, 0, 64, 64]] * 2)
    return made


def theirs(model: Model, given: dict[str, Tensor], features: list[Tensor] | None) -> Tensor:
    unet: Any = model.network
    added = {"text_embeds": given["pooled"], "time_ids": given["sizes"]} if "pooled" in given else None
    return unet(
        given["x"],
        given["t"],
        given["context"],
        added_cond_kwargs=added,
        down_intrablock_additional_residuals=features,
    ).sample


def ours(model: Model, given: dict[str, Tensor], control: Any) -> Tensor:
    unet: Any = model.network
    vector = None
    if "pooled" in given:
        embedded = unet.add_time_proj(given["sizes"].flatten()).reshape(2, -1)
        vector = torch.cat([given["pooled"], embedded], dim=1)
    call = Call(
        model, given["x"], torch.full((2,), 3.0), given["context"], {} if vector is None else {"y": vector}, (2,)
    )
    return walk(unet, given["x"], given["t"], given["context"], vector, control.blocks(call))


@torch.inference_mode()
@pytest.mark.parametrize(("kind", "family", "channels"), KINDS)
def test_each_kind_steers_as_diffusers_own_does_from_either_layout(
    kind: Kind, family: str, channels: int, tmp_path: Path, tiny: Callable[[str], Checkpoint]
) -> None:
    model, peer = tiny(family).model, tiny_peer(kind, channels)
    net = written(tmp_path / "original.safetensors", tiny_adapter(kind, channels))
    grouped = written(tmp_path / "grouped.safetensors", peer.state_dict())
    hint = torch.rand(1, 64, 96, 3, generator=torch.Generator().manual_seed(3))
    seen = hint.movedim(-1, 1) if channels == 3 else hint.movedim(-1, 1).mean(dim=1, keepdim=True)
    given = inputs(model, 8, 12)
    expected = theirs(model, given, [0.6 * each for each in peer(seen.expand(2, -1, -1, -1))])
    made = ours(model, given, AdapterControl(net, hint, 0.6))
    assert torch.allclose(made, expected, atol=1e-5)
    assert torch.equal(made, ours(model, given, AdapterControl(grouped, hint, 0.6)))
    assert not torch.allclose(made, theirs(model, given, None), atol=1e-2)


@torch.inference_mode()
@pytest.mark.parametrize(("kind", "family"), [("full_adapter", "sd15"), ("full_adapter_xl", "sdxl")])
def test_a_latent_of_an_odd_size_is_steered_too(
    kind: Kind, family: str, tmp_path: Path, tiny: Callable[[str], Checkpoint]
) -> None:
    model, net = tiny(family).model, written(tmp_path / "net.safetensors", tiny_adapter(kind))
    given, hint = inputs(model, 7, 9), torch.rand(1, 56, 72, 3, generator=torch.Generator().manual_seed(3))
    made = ours(model, given, AdapterControl(net, hint))
    assert made.shape == given["x"].shape
    assert not torch.allclose(made, ours(model, given, AdapterControl(net, hint, 0.0)), atol=1e-2)


@torch.inference_mode()
def test_it_chains_with_control_nets_and_adapters_before_and_behind_it(
    tmp_path: Path, tiny: Callable[[str], Checkpoint]
) -> None:
    model, net = tiny("sd15").model, written(tmp_path / "net.safetensors", tiny_adapter())
    other = load_control_net(make_tiny_control(tmp_path / "other.safetensors"), Placement())
    given, hint = inputs(model, 8, 8), torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(3))
    one, two = AdapterControl(net, hint, 0.5), Control(other, hint)
    both = ours(model, given, AdapterControl(net, hint, 0.5, previous=two))
    assert torch.allclose(both, ours(model, given, Control(other, hint, previous=one)), atol=1e-5)
    assert not torch.allclose(both, ours(model, given, one), atol=1e-3)
    assert not torch.allclose(both, ours(model, given, two), atol=1e-3)
    twice = ours(model, given, AdapterControl(net, hint, 0.5, previous=one))
    assert torch.allclose(twice, ours(model, given, AdapterControl(net, hint)), atol=1e-5)
    late = AdapterControl(net, hint, 0.5, 0.9, 1.0, previous=two)
    assert torch.equal(ours(model, given, late), ours(model, given, two))


@torch.inference_mode()
def test_hints_go_to_the_rows_of_each_entry_in_turn(tmp_path: Path, tiny: Callable[[str], Checkpoint]) -> None:
    model, net = tiny("sd15").model, written(tmp_path / "net.safetensors", tiny_adapter())
    hints = torch.rand(2, 64, 64, 3, generator=torch.Generator().manual_seed(3))
    given = inputs(model, 8, 8)
    made = ours(model, given, AdapterControl(net, hints))
    for row, hint in enumerate(hints):
        assert torch.allclose(made[row], ours(model, given, AdapterControl(net, hint[None]))[row], atol=1e-5)


@torch.inference_mode()
def test_a_model_that_an_adapter_does_not_fit_is_told(tmp_path: Path, tiny: Callable[[str], Checkpoint]) -> None:
    net = written(tmp_path / "net.safetensors", tiny_adapter("full_adapter_xl"))
    model, hint = tiny("sd15").model, torch.zeros(1, 64, 64, 3)
    with pytest.raises(ValueError, match=r"net\.safetensors is a T2I adapter for SDXL.* does not fit this sd15 model"):
        ours(model, inputs(model, 8, 8), AdapterControl(net, hint))


def without(name: str) -> dict[str, Tensor]:
    tensors = tiny_adapter()
    del tensors[name]
    return tensors


WRONG: dict[str, tuple[dict[str, Tensor], str]] = {
    "other layers": (tiny_adapter() | {"body.0.skep.weight": torch.zeros(4)}, r"body\.0\.skep\.weight has no place"),
    "other hint": (tiny_adapter() | {"conv_in.weight": torch.zeros(32, 4, 3, 3)}, "its first layer sees 4 channels"),
    "fewer levels": (
        {name: each for name, each in tiny_adapter("light_adapter").items() if not name.startswith("body.3")},
        "it has 3 levels, not 4",
    ),
    "hole": (without("body.1.block2.bias"), r"the T2I adapter lacks body\.0\.resnets\.1\.block2\.bias"),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_adapter_of_another_make_is_refused_by_what_is_wrong(name: str, tmp_path: Path) -> None:
    tensors, told = WRONG[name]
    save_file(tensors, tmp_path / "net.safetensors")
    with pytest.raises(BadFile, match=told):
        load_steering(tmp_path / "net.safetensors", Placement())
