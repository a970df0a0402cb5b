"""The GLIGEN nodes find their file and steer a whole run, with guidance; texts of boxes go through the model's CLIP."""

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.diffusion.drive import alone
from engine.weights.folders import Folders
from nodes import gligen, load, sample, text
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.gligens import tiny_gligen

pytestmark = pytest.mark.usefixtures("inference")


def sampled(loaded: load.Loaded, positive: text.Conditioning, negative: text.Conditioning) -> Tensor:
    settings = {"sampler_name": "euler", "scheduler": "normal", "positive": positive, "negative": negative}
    run = sample.ksampler(loaded.model, 1, 2, 4.0, **settings, latent_image={"samples": torch.zeros(1, 4, 8, 8)})  # pyright: ignore[reportArgumentType]
    return alone(run)["samples"]


def test_boxes_steer_a_run_from_end_to_end(disk: Folders) -> None:
    make_tiny_checkpoint(disk.models / "checkpoints" / "sd15.safetensors")
    loaded = load.checkpoint_loader_simple("sd15.safetensors")
    assert loaded.clip is not None
    (disk.models / "gligen").mkdir(parents=True)
    save_file(tiny_gligen(loaded.model.network), disk.models / "gligen" / "boxes.safetensors")
    net = gligen.gligen_loader("boxes.safetensors")
    assert gligen.gligen_loader("boxes.safetensors") is net
    words, none = (text.clip_text_encode(each, loaded.clip) for each in ("a fox", ""))
    left = gligen.gligen_text_box_apply(words, loaded.clip, net, "a fox", 24, 64, 0, 0)
    right = gligen.gligen_text_box_apply(words, loaded.clip, net, "a fox", 24, 64, 40, 0)
    both = gligen.gligen_text_box_apply(left, loaded.clip, net, "a tree", 24, 64, 40, 0)
    made = [sampled(loaded, each, none) for each in (words, left, right, both)]
    assert all(each.isfinite().all() for each in made)
    for at, one in enumerate(made):
        assert all(not torch.allclose(one, other, atol=1e-3) for other in made[at + 1 :])
    assert torch.equal(sampled(loaded, words, none), made[0])
    assert "gligen" not in words[0][1]
