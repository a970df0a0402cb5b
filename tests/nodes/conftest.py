"""What tests of nodes ask for: folders of their own, a tiny model, and no gradients."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.diffusion.families.load import load_checkpoint
from engine.diffusion.model import Model
from engine.weights import folders
from engine.weights.folders import Folders
from tests.tiny.checkpoints import make_tiny_checkpoint


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model of the SD 1.x kind, tiny and random."""
    return load_checkpoint(make_tiny_checkpoint(tmp_path_factory.mktemp("models") / "tiny.safetensors")).model


@pytest.fixture
def inference() -> Iterator[None]:
    """Runs a test without gradients, as nodes are."""
    with torch.inference_mode():
        yield


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Folders]:
    """An empty installation in a temporary directory, in use for one test."""
    before = folders.current()
    here = Folders.under(tmp_path)
    here.input.mkdir()
    folders.use(here)
    yield here
    folders.use(before)
