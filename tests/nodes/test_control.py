"""The ControlNet nodes find their files, steer a whole sampling run, and do nothing at strength zero."""

from collections.abc import Callable, Iterator

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.diffusion.drive import alone
from engine.diffusion.hinted import Steering
from engine.weights import shelf
from engine.weights.folders import Folders
from engine.weights.shelf import Shelf
from nodes import conditioning, control, load, sample, text
from tests.tiny.adapters import tiny_adapter
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.controls import make_tiny_control, tiny_control_lora

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


@pytest.mark.parametrize("tensors", [lambda: tiny_adapter("light_adapter"), tiny_control_lora], ids=["t2i", "lora"])
def test_other_kinds_steer_a_run_in_the_same_nodes_under_a_mask_too(
    loaded: load.Loaded, disk: Folders, tensors: Callable[[], dict[str, Tensor]]
) -> None:
    save_file(tensors(), disk.models / "controlnet" / "other.safetensors")
    assert loaded.clip is not None
    words, none = (text.clip_text_encode(each, loaded.clip) for each in ("a fox", ""))
    net = control.control_net_loader("other.safetensors")
    plain, steered = sampled(loaded, words, none), sampled(loaded, *both_with(net, words, none))
    assert not torch.allclose(plain, steered, atol=1e-3)
    assert torch.allclose(sampled(loaded, control.control_net_apply(words, net, HINT, 0.8), none), steered, atol=1e-4)
    chained = both_with(control.control_net_loader("edges.safetensors"), *both_with(net, words, none))
    assert not torch.allclose(sampled(loaded, *chained), steered, atol=1e-3)
    never = control.control_net_apply_advanced(words, none, net, HINT, start_percent=1.0, end_percent=1.0)
    assert torch.equal(sampled(loaded, *never), plain)
    left = torch.zeros(1, 8, 8)
    left[..., :4] = 1
    positive = [*set_mask(both_with(net, words, none).positive, left), *set_mask(words, 1 - left)]
    half = sampled(loaded, positive, none)
    assert half.isfinite().all()
    assert not torch.allclose(half, plain, atol=1e-3)
    assert not torch.allclose(half, steered, atol=1e-3)


def both_with(net: Steering, positive: text.Conditioning, negative: text.Conditioning) -> control.Steered:
    return control.control_net_apply_advanced(positive, negative, net, HINT, 0.8)


def set_mask(entries: text.Conditioning, mask: Tensor) -> text.Conditioning:
    return conditioning.conditioning_set_mask(entries, mask, set_cond_area="default")


def test_a_file_is_read_once(loaded: load.Loaded) -> None:
    assert control.control_net_loader("edges.safetensors") is control.control_net_loader("edges.safetensors")


def test_a_file_that_is_not_there_is_named(loaded: load.Loaded) -> None:
    with pytest.raises(FileNotFoundError, match=r"close: 'edges\.safetensors'"):
        control.control_net_loader("edge.safetensors")
