"""Tiny text encoders with random weights, and a folder of embeddings."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.device.place import Placement
from engine.diffusion.text.clip import Clip
from engine.diffusion.text.towers import LAYOUTS, clip_from_tensors
from engine.weights import folders
from tests.diffusion.text.tiny_encoder import WIDTHS, tiny_tensors


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
    """Embeddings of 1, 3, 12 and 2 vectors for each encoder: vector i of a file holds i everywhere."""
    folder = models / "embeddings"
    (folder / "sub").mkdir()
    for name, count in {"one": 1, "three": 3, "twelve": 12, "sub/xl": 2}.items():
        numbers = torch.arange(count).float()[:, None]
        vectors = {f"clip_{tower}": numbers.repeat(1, width) for tower, width in WIDTHS.items()}
        save_file(vectors, folder / f"{name}.safetensors")
    return folder
