"""Whole workflows with pictures as prompts run from files to a saved picture, in the numbers of accelerators."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from engine.app import App, start
from engine.device import place
from engine.run.events import Executed, RunFinished
from engine.settings import CachePolicy, Settings
from engine.weights import shelf
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.image_prompts import make_tiny_ip_adapter, tiny_ip_adapter
from tests.tiny.styles import make_tiny_style
from tests.tiny.visions import make_tiny_unclip, make_tiny_vision

Prompt = dict[str, dict[str, Any]]

SEEN: Prompt = {
    "look": {"class_type": "LoadImage", "inputs": {"image": "seen.png"}},
    "eye": {"class_type": "CLIPVisionLoader", "inputs": {"clip_name": "eye.safetensors"}},
    "see": {
        "class_type": "CLIPVisionEncode",
        "inputs": {"clip_vision": ["eye", 0], "image": ["look", 0], "crop": "center"},
    },
}
STYLE: Prompt = {
    **SEEN,
    "style": {"class_type": "StyleModelLoader", "inputs": {"style_model_name": "style.safetensors"}},
    "positive": {
        "class_type": "StyleModelApply",
        "inputs": {
            "conditioning": ["words", 0],
            "style_model": ["style", 0],
            "clip_vision_output": ["see", 0],
            "strength": 2.0,
            "strength_type": "attn_bias",
        },
    },
}
UNCLIP: Prompt = {
    **SEEN,
    "load": {"class_type": "unCLIPCheckpointLoader", "inputs": {"ckpt_name": "unclip.safetensors"}},
    "see": {
        "class_type": "CLIPVisionEncode",
        "inputs": {"clip_vision": ["load", 3], "image": ["look", 0], "crop": "none"},
    },
    "positive": {
        "class_type": "unCLIPConditioning",
        "inputs": {
            "conditioning": ["words", 0],
            "clip_vision_output": ["see", 0],
            "strength": 1.0,
            "noise_augmentation": 0.1,
        },
    },
}


def adapted(**settings: Any) -> Prompt:
    """A prompt with an IP-Adapter on the model."""
    inputs: dict[str, Any] = {"model": ["load", 0], "ipadapter": ["adapter", 0], "image": ["look", 0]}
    inputs |= {"clip_vision": ["eye", 0], "weight": 0.8, "weight_type": "linear", "combine_embeds": "concat"}
    inputs |= {"start_at": 0.0, "end_at": 0.9, "embeds_scaling": "V only", "attn_mask": ["look", 1]}
    return {
        **{name: SEEN[name] for name in ("look", "eye")},
        "adapter": {"class_type": "IPAdapterModelLoader", "inputs": {"ipadapter_file": "plus.safetensors"}},
        "model": {"class_type": "IPAdapterAdvanced", "inputs": inputs | settings},
    }


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    base = tmp_path_factory.mktemp("base")
    make_tiny_checkpoint(base / "models" / "checkpoints" / "sd15.safetensors")
    make_tiny_unclip(base / "models" / "checkpoints" / "unclip.safetensors")
    make_tiny_vision(base / "models" / "clip_vision" / "eye.safetensors")
    make_tiny_style(base / "models" / "style_models" / "style.safetensors")
    make_tiny_ip_adapter(base / "models" / "ipadapter" / "plus.safetensors", tiny_ip_adapter(kind="resampled"))
    (base / "input").mkdir()
    pixels = torch.rand(40, 56, 4, generator=torch.Generator().manual_seed(1)).mul(255).byte().numpy()
    Image.fromarray(pixels).save(base / "input" / "seen.png")
    yield start(Settings(base=base, device="cpu", precision="bf16", cache=CachePolicy("lru", 50)))
    place.use(None)
    shelf.use(None)


def graph(more: Prompt) -> Prompt:
    """A workflow from text to picture, in which these nodes stand in for its own or beside them."""
    model, positive = ("model" if "model" in more else "load"), ("positive" if "positive" in more else "words")
    return {
        "load": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
        "words": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["load", 1]}},
        "none": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["load", 1]}},
        "empty": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 2}},
        "sample": {
            "class_type": "KSampler",
            "inputs": {
                "model": [model, 0],
                "positive": [positive, 0],
                "negative": ["none", 0],
                "latent_image": ["empty", 0],
                "seed": 5,
                "steps": 2,
                "cfg": 4.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
            },
        },
        "decode": {"class_type": "VAEDecode", "inputs": {"samples": ["sample", 0], "vae": ["load", 2]}},
        "save": {"class_type": "SaveImage", "inputs": {"images": ["decode", 0], "filename_prefix": "made"}},
        **more,
    }


def painted(app: App, prompt: Prompt, folder: Path) -> list[bytes]:
    """The pixels of the pictures that a workflow saves."""
    file = folder / "prompt.json"
    file.write_text(json.dumps(prompt), "utf-8")
    asked = app.read(file)
    verdict = app.check(asked.graph)
    assert not verdict.node_errors
    happened = list(app.run(verdict, asked.extra_data))
    assert isinstance(happened[-1], RunFinished), happened[-1]
    (shown,) = [event.output for event in happened if isinstance(event, Executed) and event.output]
    return [Image.open(app.folders.output / saved["filename"]).tobytes() for saved in shown["images"]]


@pytest.mark.parametrize("more", [STYLE, UNCLIP, adapted()], ids=["style", "unclip", "adapter"])
def test_a_picture_is_a_prompt_from_file_to_file(app: App, more: Prompt, tmp_path: Path) -> None:
    with_picture = graph(more)
    without = graph({name: each for name, each in more.items() if name in ("load",)})
    made, plain = painted(app, with_picture, tmp_path), painted(app, without, tmp_path)
    assert len(made) == len(plain) == 2
    assert all(one != other for one, other in zip(made, plain, strict=True))


def test_choices_that_cannot_be_followed_are_told_before_the_run(app: App, tmp_path: Path) -> None:
    file = tmp_path / "prompt.json"
    file.write_text(json.dumps(graph(adapted(weight_type="ease in"))), "utf-8")
    errors = app.check(app.read(file).graph).node_errors
    assert list(errors) == ["model"]
    assert "weight_type 'ease in' cannot be followed today; take one of linear" in str(errors["model"])
