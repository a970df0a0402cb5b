"""The node that trains a ControlNet writes a file that the loader reads, and gives the same network on."""

import json
from collections.abc import Iterator

import pytest
import torch

from engine.diffusion.control import ControlNet
from engine.weights import shelf
from engine.weights.folders import Folders
from engine.weights.shelf import Shelf
from nodes import control, train, train_control
from tests.training.toys import Discs


@pytest.fixture(autouse=True)
def own_shelf() -> Iterator[None]:
    shelf.use(Shelf(1 << 30))
    yield
    shelf.use(None)


def fresh() -> train.Fresh:
    return train.new_sd_model("32, 64", "1, 0", vae_widths="32, 32, 32, 32", text_width=16, text_layers=1)


def test_a_trained_control_net_is_saved_and_loaded_again(disk: Folders) -> None:
    made = fresh()
    with torch.inference_mode():  # as a run calls nodes
        trained = train_control.train_control_net(
            made.model, made.clip, made.vae, Discs(4), Discs(4), steps=2, batch=2, preview_every=0, checkpoint="net"
        )
    assert (disk.output / "training" / "net.safetensors").exists()
    disk.add("controlnet", disk.output / "controlnet")
    loaded = control.control_net_loader("heddle_00001_.safetensors")
    assert isinstance(trained.control_net, ControlNet)
    assert isinstance(loaded, ControlNet)
    for name, weight in trained.control_net.network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], weight)
    assert json.loads(trained.summary).keys() == {"steps", "minutes", "loss", "compared", "without"}
    assert trained.curve.shape[0] == 1


def test_hints_of_other_pictures_are_refused_before_any_work(disk: Folders) -> None:
    made = fresh()
    with pytest.raises(ValueError, match="has 5 hints and discs has 4 pictures"):
        train_control.train_control_net(made.model, made.clip, made.vae, Discs(4), Discs(5))
