"""The IP-Adapter nodes find their file, and pictures are read as strongly, when and where it is said."""

from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion.drive import alone
from engine.diffusion.model import Model
from engine.weights.folders import Folders
from nodes.clip_vision import clip_vision_loader
from nodes.ip_adapter import ip_adapter, ip_adapter_advanced, ip_adapter_model_loader, is_supported
from nodes.sample import ksampler
from tests.tiny.image_prompts import make_tiny_ip_adapter, tiny_ip_adapter
from tests.tiny.layouts import WIDTH
from tests.tiny.visions import make_tiny_vision

pytestmark = pytest.mark.usefixtures("inference")
PICTURES = torch.rand(2, 32, 40, 3, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def parts(disk: Folders) -> tuple[Any, Any]:
    """An adapter and the encoder that it reads."""
    make_tiny_vision(disk.models / "clip_vision" / "eye.safetensors")
    make_tiny_ip_adapter(disk.models / "ipadapter" / "ip.safetensors")
    return ip_adapter_model_loader("ip.safetensors"), clip_vision_loader("eye.safetensors")


def prompt(seed: int) -> Any:
    return [[torch.randn(1, 77, WIDTH, generator=torch.Generator().manual_seed(seed)), {}]]


def sampled(model: Model, cfg: float = 3.0) -> Tensor:
    settings: dict[str, Any] = {"seed": 5, "steps": 2, "cfg": cfg, "sampler_name": "euler", "scheduler": "normal"}
    latent = {"samples": torch.zeros(1, 4, 8, 8)}
    run = ksampler(model, **settings, positive=prompt(1), negative=prompt(2), latent_image=latent)
    return alone(run)["samples"]


def test_a_picture_is_read_and_the_model_itself_stays_as_it_was(model: Model, parts: tuple[Any, Any]) -> None:
    adapter, eye = parts
    before = sampled(model)
    read = sampled(ip_adapter(model, adapter, PICTURES[:1], 0.8, clip_vision=eye))
    assert read.isfinite().all()
    assert not torch.allclose(read, before, atol=1e-3)
    assert torch.equal(sampled(model), before)
    assert torch.equal(sampled(ip_adapter_advanced(model, adapter, PICTURES[:1], 0.8, clip_vision=eye)), read)
    assert ip_adapter(model, adapter, PICTURES, 0.0, clip_vision=eye) is model


def test_each_setting_counts(model: Model, parts: tuple[Any, Any]) -> None:
    adapter, eye = parts

    def made(pictures: Tensor = PICTURES, **settings: Any) -> Tensor:
        return sampled(ip_adapter_advanced(model, adapter, pictures, clip_vision=eye, **settings))

    ways = [
        made(),
        made(weight=0.5),
        made(weight=0.5, embeds_scaling="K+V"),
        made(combine_embeds="average"),
        made(combine_embeds="add"),
        made(end_at=0.4),
        made(image_negative=PICTURES.flip(2)[:1]),
        made(attn_mask=torch.cat([torch.ones(1, 16, 8), torch.zeros(1, 16, 8)], dim=2)),
        sampled(model),
    ]
    for at, one in enumerate(ways):
        assert one.isfinite().all()
        assert all(not torch.allclose(one, other, atol=1e-4) for other in ways[at + 1 :])
    assert torch.equal(made(start_at=1.0, end_at=1.0, weight=3.0)[0], sampled(model)[0])
    torch.testing.assert_close(made(attn_mask=torch.zeros(1, 16, 16)), sampled(model), atol=1e-4, rtol=1e-4)


def test_a_resampler_reads_places(model: Model, parts: tuple[Any, Any], disk: Folders) -> None:
    make_tiny_ip_adapter(disk.models / "ipadapter" / "plus.safetensors", tiny_ip_adapter(kind="resampled"))
    patched = ip_adapter(model, ip_adapter_model_loader("plus.safetensors"), PICTURES, clip_vision=parts[1])
    assert not torch.allclose(sampled(patched), sampled(model), atol=1e-3)


def test_what_cannot_be_followed_is_told_before_the_run(model: Model, parts: tuple[Any, Any]) -> None:
    adapter, eye = parts
    assert is_supported("linear", "concat", "V only") is True
    assert is_supported() is True
    told = is_supported(combine_embeds="norm average")
    assert told == "combine_embeds 'norm average' cannot be followed today; take one of concat, add, average"
    with pytest.raises(ValueError, match="weight_type 'ease in' cannot be followed today; take one of linear"):
        ip_adapter_advanced(model, adapter, PICTURES, weight_type="ease in", clip_vision=eye)
    with pytest.raises(ValueError, match="connect a CLIPVisionLoader"):
        ip_adapter(model, adapter, PICTURES)
