"""Tiny text encoders with random weights, and a folder of embeddings."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.device.place import Placement
from engine.diffusion.text.clip import Clip
from engine.diffusion.text.towers import LAYOUTS, clip_from_tensors
from engine.weights import folders

WIDTHS = {"l": 16, "h": 24, "g": 32}
DEPTH = 3


def tiny_tensors(width: int, depth: int = DEPTH, projected: int | None = None, seed: int = 0) -> dict[str, Tensor]:
    """A text encoder in transformers' names, with weights large enough for every layer to matter."""
    generator = torch.Generator().manual_seed(seed)

    def matrix(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) * shape[-1] ** -0.5

    def linear(name: str, out: int, into: int) -> dict[str, Tensor]:
        return {f"{name}.weight": matrix(out, into), f"{name}.bias": matrix(out) * 0.1}

    def norm(name: str) -> dict[str, Tensor]:
        return {f"{name}.weight": 1 + 0.1 * matrix(width), f"{name}.bias": 0.1 * matrix(width)}

    tensors = {
        "text_model.embeddings.token_embedding.weight": matrix(49408, width),
        "text_model.embeddings.position_embedding.weight": matrix(77, width),
        **norm("text_model.final_layer_norm"),
    }
    for n in range(depth):
        layer = f"text_model.encoder.layers.{n}"
        for each in ("q_proj", "k_proj", "v_proj", "out_proj"):
            tensors |= linear(f"{layer}.self_attn.{each}", width, width)
        tensors |= linear(f"{layer}.mlp.fc1", 4 * width, width) | linear(f"{layer}.mlp.fc2", width, 4 * width)
        tensors |= norm(f"{layer}.layer_norm1") | norm(f"{layer}.layer_norm2")
    if projected:
        tensors["text_projection.weight"] = matrix(projected, width)
    return tensors


@pytest.fixture(scope="session")
def make_clip() -> Callable[[str], Clip]:
    """The tiny encoders of a layout; made once each."""
    made: dict[str, Clip] = {}

    def make(layout: str) -> Clip:
        if layout not in made:
            names = [part.tower for part in LAYOUTS[layout].parts]
            towers = {
                name: tiny_tensors(WIDTHS[name], projected=20 if name == "g" else None, seed=seed)
                for seed, name in enumerate(names)
            }
            made[layout] = clip_from_tensors(layout, towers, Placement())
        return made[layout]

    return make


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Path]:
    """An installation with an empty folder of embeddings, which is the one in use during the test."""
    before = folders.current()
    (tmp_path / "models" / "embeddings").mkdir(parents=True)
    folders.use(folders.Folders.under(tmp_path))
    yield tmp_path / "models"
    folders.use(before)


@pytest.fixture
def embeddings(models: Path) -> Path:
    """Embeddings of 1, 3, 12 and 2 vectors for encoders of width 16 and 32: vector i of a file holds i everywhere."""
    folder = models / "embeddings"
    (folder / "sub").mkdir()
    for name, count in {"one": 1, "three": 3, "twelve": 12, "sub/xl": 2}.items():
        numbers = torch.arange(count).float()[:, None]
        vectors = {f"clip_{tower}": numbers.repeat(1, width) for tower, width in WIDTHS.items()}
        save_file(vectors, folder / f"{name}.safetensors")
    return folder
