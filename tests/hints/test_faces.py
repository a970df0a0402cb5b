"""Meshes of faces need a mediapipe that has them; another one is in nobody's way."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.hints import library
from nodes.hints_pose import face_mesh


def package(folder: Path, *below: str) -> None:
    """A mediapipe in a folder, with these folders in it."""
    for each in ("", *below):
        (folder / "mediapipe" / each).mkdir(parents=True, exist_ok=True)
    (folder / "mediapipe" / "__init__.py").write_text("")


@pytest.fixture(autouse=True)
def nothing_imported() -> Iterator[None]:
    before = sys.modules.pop("mediapipe", None)
    importlib.invalidate_caches()
    yield
    sys.modules.pop("mediapipe", None)
    if before is not None:
        sys.modules["mediapipe"] = before


@pytest.mark.skipif(library.knows_faces(), reason="a mediapipe with face meshes is installed")
def test_what_must_be_installed_is_said() -> None:
    with pytest.raises(
        ModuleNotFoundError, match=r"face meshes need mediapipe up to 0.10.21, .*pip install 'mediapipe<="
    ):
        face_mesh(torch.rand(1, 64, 64, 3))


def test_a_mediapipe_without_face_meshes_is_hidden_from_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert not library.knows_faces()
    with library._usable_mediapipe(), pytest.raises(ImportError):
        importlib.import_module("mediapipe")
    assert importlib.import_module("mediapipe").__file__ == str(tmp_path / "mediapipe" / "__init__.py")


def test_one_with_face_meshes_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "python/solutions")
    monkeypatch.syspath_prepend(tmp_path)
    assert library.knows_faces()
    with library._usable_mediapipe():
        assert importlib.import_module("mediapipe").__file__ == str(tmp_path / "mediapipe" / "__init__.py")
