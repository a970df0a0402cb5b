"""ControlNet files in every layout become the same network, which computes what diffusers' own does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from safetensors.torch import save_file
from torch import Tensor

from engine.device.place import Placement
from engine.diffusion.families.control_files import control_net_tensors, load_control_net
from engine.diffusion.families.load import Checkpoint
from engine.weights.read import BadFile
from tests.tiny.controls import make_tiny_control, tiny_control
from tests.tiny.layouts import LAYOUTS

UNET = LAYOUTS["sd15"].unet


def theirs() -> ControlNetModel:
    torch.manual_seed(0)
    net = ControlNetModel(
        block_out_channels=UNET.widths,
        layers_per_block=2,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        cross_attention_dim=UNET.context,
        attention_head_dim=8,
    ).eval()
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.05 * torch.randn(weight.shape))
    return net


def inputs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 4, 8, 8, generator=generator)
    text = torch.randn(2, 77, UNET.context, generator=generator)
    return x, torch.tensor([3.0, 700.0]), text, torch.rand(2, 3, 64, 64, generator=generator)


@torch.no_grad()
def test_it_computes_what_diffusers_own_does_from_diffusers_file(tmp_path: Path) -> None:
    net = theirs()
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    made = load_control_net(tmp_path / "net.safetensors", Placement())
    x, t, text, hint = inputs()
    told = made.network(x, t, text, made.network.features(hint), None)
    skips, middle = net(x, t, text, controlnet_cond=hint, return_dict=False)
    assert len(told.skips) == len(skips) == 12
    for ours, each in zip((*told.skips, told.middle), (*skips, middle), strict=True):
        assert torch.allclose(ours, each, atol=1e-5)


@pytest.mark.parametrize("prefix", ["", "control_model."])
def test_the_original_layout_is_read_with_and_without_prefix_and_written_again(tmp_path: Path, prefix: str) -> None:
    tensors = tiny_control("sd15", prefix)
    made = load_control_net(make_tiny_control(tmp_path / "net.safetensors", tensors), Placement())
    assert (made.shape.widths, made.shape.context) == (UNET.widths, UNET.context)
    written = control_net_tensors(made.network)
    assert {name.removeprefix("control_model.") for name in written} == {each.removeprefix(prefix) for each in tensors}
    for name, tensor in tensors.items():
        assert torch.equal(written["control_model." + name.removeprefix(prefix)], tensor)


@pytest.mark.parametrize("family", ["sd2", "sdxl"])
def test_other_families_are_read_too(tmp_path: Path, family: str) -> None:
    made = load_control_net(make_tiny_control(tmp_path / "net.safetensors", tiny_control(family)), Placement())
    unet = LAYOUTS[family].unet
    assert (made.shape.encoder, made.shape.vector) == (unet.encoder, unet.vector)


def test_a_file_of_differences_takes_the_weights_of_a_model(tmp_path: Path, tiny: Callable[[str], Checkpoint]) -> None:
    tensors = tiny_control() | {"difference": torch.zeros(())}
    path = make_tiny_control(tmp_path / "net.safetensors", tensors)
    with pytest.raises(BadFile, match="load it with DiffControlNetLoader"):
        load_control_net(path, Placement())
    base = tiny("sd15").model
    made = load_control_net(path, Placement(), base)
    unet: Any = base.network
    expected = tensors["control_model.input_blocks.0.0.weight"].float() + unet.conv_in.weight
    assert torch.equal(made.network.encoder.conv_in.weight, expected)
    with pytest.raises(BadFile, match="does not fit this one"):
        load_control_net(path, Placement(), tiny("sdxl").model)


ZERO = torch.zeros
WRONG = {
    "lora": ({"x.lora_down.weight": ZERO(4, 4)}, "is a LoRA"),
    "checkpoint": ({"model.diffusion_model.out.2.weight": ZERO(4, 4)}, "load it with CheckpointLoaderSimple"),
    "style": ({"style_embedding": ZERO(1, 8, 4)}, "is a T2I style adapter"),
    "flux": ({"controlnet_blocks.0.weight": ZERO(4, 4)}, "for Flux or SD 3"),
    "other": ({"a": ZERO(3)}, "holds no ControlNet that is known"),
    "hint only": ({"control_model.input_hint_block.0.weight": ZERO(16, 3, 3, 3)}, "cannot be built: the encoder"),
    "strange": ({"controlnet_cond_embedding.conv_in.weight": ZERO(4), "who": ZERO(4)}, "'who' is no tensor"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_no_control_net_is_called_what_it_is(tmp_path: Path, name: str) -> None:
    tensors, told = WRONG[name]
    with pytest.raises(BadFile, match=told):
        load_control_net(make_tiny_control(tmp_path / "file.safetensors", tensors), Placement())


def test_what_an_incomplete_file_lacks_is_named(tmp_path: Path) -> None:
    tensors = tiny_control()
    del tensors["control_model.zero_convs.3.0.bias"]
    with pytest.raises(BadFile, match=r"the ControlNet lacks zero_convs\.3\.0\.bias"):
        load_control_net(make_tiny_control(tmp_path / "net.safetensors", tensors), Placement())


def test_a_file_called_shuffle_tells_means(tmp_path: Path) -> None:
    names = {"a_shuffle": True, "b_shuffle_fp16": True, "shuffled": False}
    for name, expected in names.items():
        made = load_control_net(make_tiny_control(tmp_path / f"{name}.safetensors"), Placement())
        assert made.is_shuffle is expected
