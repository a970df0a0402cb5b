"""The unCLIP nodes load a checkpoint with its encoder, and a picture changes what is sampled."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion.drive import alone
from engine.weights.folders import Folders
from nodes.clip_vision import clip_vision_encode
from nodes.sample import ksampler
from nodes.text import clip_text_encode
from nodes.unclip import Loaded, unclip_checkpoint_loader, unclip_conditioning
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.visions import make_tiny_unclip

pytestmark = pytest.mark.usefixtures("inference")
PICTURES = torch.rand(2, 32, 32, 3, generator=torch.Generator().manual_seed(1))


def sampled(loaded: Loaded, positive: Any, negative: Any) -> Tensor:
    settings: dict[str, Any] = {"seed": 5, "steps": 2, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"}
    latent = {"samples": torch.zeros(1, 4, 8, 8)}
    return alone(ksampler(loaded.model, **settings, positive=positive, negative=negative, latent_image=latent))[
        "samples"
    ]


def test_pictures_are_followed_from_end_to_end(disk: Folders) -> None:
    make_tiny_unclip(disk.models / "checkpoints" / "unclip.safetensors")
    loaded = unclip_checkpoint_loader("unclip.safetensors")
    assert loaded.clip is not None
    words, none = (clip_text_encode(each, loaded.clip) for each in ("a fox", ""))
    one, two = (clip_vision_encode(loaded.clip_vision, each[None], "center") for each in PICTURES)  # pyright: ignore[reportArgumentType]
    plain = sampled(loaded, words, none)
    followed = unclip_conditioning(words, one, 1.0, 0.1)
    both = unclip_conditioning(followed, two, 0.5, 0.0)
    made = [sampled(loaded, each, none) for each in (followed, both)]
    assert all(each.isfinite().all() for each in made)
    assert not torch.allclose(made[0], plain, atol=1e-3)
    assert not torch.allclose(made[1], made[0], atol=1e-3)
    assert torch.equal(sampled(loaded, followed, none), made[0])
    assert "unclip_conditioning" not in words[0][1]
    assert unclip_conditioning(words, one, 0.0, 0.0) is words


def test_a_checkpoint_without_an_encoder_says_so_where_it_is_used(disk: Folders) -> None:
    make_tiny_checkpoint(Path(disk.models) / "checkpoints" / "sd2.safetensors", "sd2")
    loaded = unclip_checkpoint_loader("sd2.safetensors")
    assert loaded.clip_vision is None
    with pytest.raises(ValueError, match="no encoder of pictures .* CLIPVisionLoader"):
        clip_vision_encode(loaded.clip_vision, PICTURES, "center")  # pyright: ignore[reportArgumentType]
