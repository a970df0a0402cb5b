"""The ControlNet nodes find their files, steer a whole sampling run, and do nothing at strength zero."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from engine.diffusion.drive import alone
from engine.weights import shelf
from engine.weights.folders import Folders
from engine.weights.shelf import Shelf
from nodes import control, load, sample, text
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.controls import make_tiny_control

HINT = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(3))


@pytest.fixture(autouse=True)
def own_shelf() -> Iterator[None]:
    shelf.use(Shelf(1 << 30))
    yield
    shelf.use(None)


@pytest.fixture
def loaded(disk: Folders) -> load.Loaded:
    make_tiny_checkpoint(disk.models / "checkpoints" / "sd15.safetensors")
    make_tiny_control(disk.models / "controlnet" / "edges.safetensors")
    return load.checkpoint_loader_simple("sd15.safetensors")


def sampled(loaded: load.Loaded, positive: text.Conditioning, negative: text.Conditioning) -> Tensor:
    asking = sample.ksampler(
        loaded.model,
        1,
        2,
        4.0,
        sampler_name="euler",
        scheduler="normal",
        positive=positive,
        negative=negative,
        latent_image={"samples": torch.zeros(1, 4, 8, 8)},
    )
    with torch.inference_mode():
        return alone(asking)["samples"]


def test_a_picture_steers_a_run_from_end_to_end(loaded: load.Loaded) -> None:
    assert loaded.clip is not None
    words, none = (text.clip_text_encode(each, loaded.clip) for each in ("a fox", ""))
    net = control.control_net_loader("edges.safetensors")
    both = control.control_net_apply_advanced(words, none, net, HINT, 0.8)
    steered = sampled(loaded, *both)
    assert not torch.allclose(sampled(loaded, words, none), steered, atol=1e-3)
    old = control.control_net_apply(words, net, HINT, 0.8)
    assert torch.allclose(sampled(loaded, old, none), steered, atol=1e-4)
    never = control.control_net_apply_advanced(words, none, net, HINT, 0.8, start_percent=1.0, end_percent=1.0)
    assert torch.equal(sampled(loaded, *never), sampled(loaded, words, none))


def test_at_strength_zero_prompts_are_given_back(loaded: load.Loaded) -> None:
    assert loaded.clip is not None
    words = text.clip_text_encode("a fox", loaded.clip)
    net = control.diff_control_net_loader(loaded.model, "edges.safetensors")
    assert control.control_net_apply(words, net, HINT, 0.0) is words
    assert control.control_net_apply_advanced(words, words, net, HINT, 0.0) == (words, words)


def test_a_file_is_read_once(loaded: load.Loaded) -> None:
    assert control.control_net_loader("edges.safetensors") is control.control_net_loader("edges.safetensors")


def test_a_file_that_is_not_there_is_named(loaded: load.Loaded) -> None:
    with pytest.raises(FileNotFoundError, match=r"close: 'edges\.safetensors'"):
        control.control_net_loader("edge.safetensors")
