"""The nodes that look at pictures find their files and see the centre or all of a picture."""

import pytest
import torch

from engine.weights.folders import Folders
from nodes.clip_vision import clip_vision_encode, clip_vision_loader
from tests.tiny.visions import make_tiny_vision

pytestmark = pytest.mark.usefixtures("inference")
PICTURE = torch.rand(1, 28, 70, 3, generator=torch.Generator().manual_seed(1))


def test_a_picture_is_looked_at_from_end_to_end(disk: Folders) -> None:
    make_tiny_vision(disk.models / "clip_vision" / "eye.safetensors")
    eye = clip_vision_loader("eye.safetensors")
    assert clip_vision_loader("eye.safetensors") is eye
    centre, whole = (clip_vision_encode(eye, PICTURE, crop) for crop in ("center", "none"))
    assert centre.image_embeds.shape == (1, 24)
    assert centre["last_hidden_state"].shape == centre.penultimate_hidden_states.shape == (1, 5, 32)
    assert torch.equal(clip_vision_encode(eye, PICTURE[:, :, 21:49], "center").image_embeds, centre.image_embeds)
    assert not torch.allclose(whole.image_embeds, centre.image_embeds, atol=1e-3)


def test_a_file_that_is_not_there_is_named(disk: Folders) -> None:
    make_tiny_vision(disk.models / "clip_vision" / "eye.safetensors")
    with pytest.raises(FileNotFoundError, match=r"close: 'eye\.safetensors'"):
        clip_vision_loader("eyes.safetensors")
