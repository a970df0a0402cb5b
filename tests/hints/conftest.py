"""What tests of hints ask for: an installation of their own, and networks kept by nobody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.weights import folders, shelf
from engine.weights.folders import Folders
from engine.weights.shelf import Shelf


@pytest.fixture
def annotators(tmp_path: Path) -> Iterator[Path]:
    """The empty folder for annotators of an installation in a temporary directory."""
    before = folders.current()
    folders.use(Folders.under(tmp_path))
    shelf.use(Shelf(1 << 30))
    folder = tmp_path / "models" / "annotators"
    folder.mkdir(parents=True)
    yield folder
    shelf.use(None)
    folders.use(before)
