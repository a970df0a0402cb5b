"""Folders of its own for each test that asks for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.weights import folders
from engine.weights.folders import Folders


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Folders]:
    """An empty installation in a temporary directory, in use for one test."""
    before = folders.current()
    here = Folders.under(tmp_path)
    here.input.mkdir()
    folders.use(here)
    yield here
    folders.use(before)
