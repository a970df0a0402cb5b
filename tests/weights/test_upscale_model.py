"""Upscale models load in the layouts that they are shared in, and other files are refused by name."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from spandrel.architectures.Compact import Compact
from torch import Tensor

from engine.weights.read import BadFile, Reading, use
from engine.weights.upscale_model import load_upscale_model


def compact(scale: int = 2, channels: int = 3) -> dict[str, Tensor]:
    torch.manual_seed(5)
    network = Compact(num_in_ch=channels, num_out_ch=channels, num_feat=8, num_conv=1, upscale=scale)
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def test_a_safetensors_file_loads_under_inference_mode_and_computes_in_float32(tmp_path: Path) -> None:
    path = tmp_path / "compact.safetensors"
    save_file({name: tensor.half() for name, tensor in compact(4).items()}, path)
    with torch.inference_mode():
        model = load_upscale_model(path)
        made = model(torch.rand(1, 3, 5, 7))
    assert (model.scale, model.dtype, made.shape) == (4, torch.float32, (1, 3, 20, 28))
    assert not any(each.is_inference() or each.requires_grad for each in model.model.parameters())


def test_of_a_pickle_that_was_allowed_the_averaged_weights_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "compact.pth"
    averaged = compact()
    torch.save({"params": {name: tensor + 1 for name, tensor in averaged.items()}, "params_ema": averaged}, path)
    with pytest.raises(BadFile, match=r"compact.pth: is a pickled checkpoint"):
        load_upscale_model(path)
    use(Reading(allow_pickle=True))
    try:
        model = load_upscale_model(path)
    finally:
        use(Reading())
    for name, tensor in model.model.state_dict().items():
        assert torch.equal(tensor, averaged[name])


@pytest.mark.parametrize(
    ("tensors", "told"),
    [
        ({"lora_unet.lora_up.weight": torch.zeros(2, 2)}, "no upscale model that is known; supported are ESRGAN"),
        ({"body.0.weight": torch.zeros(8, 3, 3, 3), "body.1.weight": torch.zeros(8)}, "do not fit together"),
        ({}, "no upscale model that is known"),
        (compact(channels=6), "pictures of 6 channels; supported are 1, 3 and 4"),
    ],
    ids=["another kind", "incomplete", "empty", "channels"],
)
def test_other_files_are_refused_by_name(tmp_path: Path, tensors: dict[str, Tensor], told: str) -> None:
    path = tmp_path / "wrong.safetensors"
    save_file(tensors, path)
    with pytest.raises(BadFile, match=f"wrong.safetensors: .*{told}"):
        load_upscale_model(path)
