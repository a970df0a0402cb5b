"""Control-LoRAs: what one makes of a model is the ControlNet that the sums of the weights make, and shares the rest."""

import gc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from weakref import ref

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.device.place import Placement
from engine.diffusion.calls import Call
from engine.diffusion.control import Control
from engine.diffusion.control_lora import ControlLora
from engine.diffusion.families.control_files import load_control_net, load_steering
from engine.diffusion.families.control_network import Residuals
from engine.diffusion.families.load import Checkpoint, load_checkpoint
from engine.diffusion.lora import add_lora
from engine.diffusion.model import Model
from engine.weights.control_names import LORA, is_own
from engine.weights.lora import read_lora
from tests.tiny.checkpoints import make_tiny_checkpoint, tiny_tensors
from tests.tiny.controls import make_tiny_control, tiny_control_lora
from tests.tiny.loras import make_tiny_lora

HINT = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(3))
NETWORK = "model.diffusion_model."


def loaded(path: Path, tensors: dict[str, Tensor]) -> ControlLora:
    made = load_steering(make_tiny_control(path, tensors), Placement())
    assert isinstance(made, ControlLora)
    return made


def told(control: Control, model: Model) -> Residuals:
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(2, 4, 8, 8, generator=generator)
    context = torch.randn(2, 77, 64 if control.net.on(model).shape.vector else 32, generator=generator)
    vector = {"y": torch.randn(2, 1568, generator=generator)} if control.net.on(model).shape.vector else {}
    with torch.inference_mode():
        made = control.residuals(Call(model, x, torch.full((2,), 3.0), context, vector, (2,)))
    assert made is not None
    return made


def by_hand(family: str) -> dict[str, Tensor]:
    """The ControlNet that the model's weights and the file's make."""
    parts, base = tiny_control_lora(family), tiny_tensors(family)
    made: dict[str, Tensor] = {}
    for name, tensor in base.items():
        part = name.removeprefix(NETWORK)
        if part == name or part.startswith(("output_blocks", "out.")):
            continue
        module = part.removesuffix(".weight")
        if f"{module}.up" in parts:
            up, down = (parts[f"{module}.{each}"].float().flatten(1) for each in ("up", "down"))
            made[part] = tensor.float() + (up @ down).reshape(tensor.shape)
        else:
            made[part] = parts.get(part, tensor).float()
    return made | {name: tensor.float() for name, tensor in parts.items() if is_own(name)}


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_it_is_the_control_net_of_the_sums(family: str, tmp_path: Path, tiny: Callable[[str], Checkpoint]) -> None:
    model = tiny(family).model
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    lora = loaded(tmp_path / "lora.safetensors", tiny_control_lora(family))
    save_file(by_hand(family), tmp_path / "whole.safetensors")
    whole = load_control_net(tmp_path / "whole.safetensors", Placement())
    ours, expected = told(Control(lora, HINT, 0.7), model), told(Control(whole, HINT, 0.7), model)
    for one, other in zip((*ours.skips, ours.middle), (*expected.skips, expected.middle), strict=True):
        torch.testing.assert_close(one, other)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.network.state_dict().items())


def test_it_is_made_once_and_shares_what_it_does_not_change(tmp_path: Path, tiny: Callable[[str], Checkpoint]) -> None:
    model = tiny("sd15").model
    lora = loaded(tmp_path / "lora.safetensors", tiny_control_lora())
    net = lora.on(model)
    assert lora.on(replace(model)) is net
    theirs, ours = dict(model.network.named_parameters()), dict(net.network.encoder.named_parameters())
    shared = {name for name, weight in ours.items() if weight is theirs[name]}
    assert shared == {f"time_embedding.linear_{n}.weight" for n in (1, 2)}
    assert not any(name.startswith(("up_blocks", "conv_out")) for name in ours)


def test_it_is_let_go_with_its_model(tmp_path: Path) -> None:
    model = load_checkpoint(make_tiny_checkpoint(tmp_path / "m.safetensors"), Placement()).model
    lora = loaded(tmp_path / "lora.safetensors", tiny_control_lora())
    net = ref(lora.on(model))
    gc.collect()
    assert net() is not None
    del model
    gc.collect()
    assert net() is None


def test_a_lora_on_the_model_counts_for_it_too(tmp_path: Path, tiny: Callable[[str], Checkpoint]) -> None:
    model = tiny("sd15").model
    patched, _ = add_lora(model, None, read_lora(make_tiny_lora(tmp_path / "l.safetensors")), 1.0, 0.0)
    lora = loaded(tmp_path / "lora.safetensors", tiny_control_lora())
    plain, changed = told(Control(lora, HINT), model), told(Control(lora, HINT), patched)
    assert lora.on(patched) is not lora.on(model)
    assert lora.on(patched) is lora.on(patched)
    assert not torch.allclose(plain.middle, changed.middle, atol=1e-3)
    assert torch.equal(told(Control(lora, HINT), model).middle, plain.middle)


def test_files_and_models_that_do_not_fit_are_told(tmp_path: Path, tiny: Callable[[str], Checkpoint]) -> None:
    lora = loaded(tmp_path / "lora.safetensors", tiny_control_lora())
    with pytest.raises(ValueError, match=r"lora\.safetensors does not fit this sdxl model: it changes "):
        lora.on(tiny("sdxl").model)
    parts = tiny_control_lora()
    del parts["zero_convs.2.0.bias"]
    short = loaded(tmp_path / "short.safetensors", parts)
    with pytest.raises(ValueError, match=r"it lacks zero_convs\.2\.0\.bias"):
        short.on(tiny("sd15").model)
    wide = loaded(tmp_path / "wide.safetensors", tiny_control_lora() | {"zero_convs.2.0.bias": torch.zeros(7)})
    with pytest.raises(ValueError, match="its layers are of other widths"):
        wide.on(tiny("sd15").model)
    assert LORA not in lora.own
