"""Tiny checkpoints, made once for all tests of a session."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from engine.device import held
from engine.device.place import Placement
from engine.diffusion.families import load
from engine.diffusion.families.load import Checkpoint
from tests.tiny.checkpoints import make_tiny_checkpoint


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The file of a tiny checkpoint of this family."""
    folder = tmp_path_factory.mktemp("tiny")
    return cache(lambda family: make_tiny_checkpoint(folder / f"{family}.safetensors", family))


@pytest.fixture(scope="session")
def tiny(tiny_file: Callable[[str], Path]) -> Callable[[str], Checkpoint]:
    """A tiny checkpoint of this family, loaded on the CPU. All weights are near: tests call its networks themselves."""
    load_once = cache(lambda family: load.load_checkpoint(tiny_file(family), Placement()))

    def loaded(family: str) -> Checkpoint:
        checkpoint = load_once(family)
        towers = checkpoint.clip.towers.values() if checkpoint.clip else ()
        parts = (
            checkpoint.model.network,
            *(tower.network for tower in towers),
            checkpoint.vae and checkpoint.vae.module,
        )
        for holding in map(held.of, parts):
            if holding is not None:
                holding.bring()
        return checkpoint

    return loaded
