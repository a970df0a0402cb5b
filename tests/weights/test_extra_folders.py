"""The ecosystem's file of more folders: read as it is, and told apart from what only looks like it."""

import logging
from pathlib import Path

import pytest

from engine.weights import extra_folders
from engine.weights.extra_folders import ExtraFolder, ExtraFoldersError
from engine.weights.folders import BUNDLED, Folders

USUAL = """
# All of it as people have it.
a111:
    base_path: $PLACE/webui
    checkpoints: models/Stable-diffusion
    loras: |
        models/Lora

        models/LyCORIS
    clip: models/clip
nothing:
    # base_path: elsewhere
other:
    is_default: true
    base_path: shared
    unet: unet
    loras: |-
        first
        second
    custom_nodes: packs
    detectors: ../detectors
"""


def read(text: str, folder: Path) -> list[ExtraFolder]:
    file = folder / "extra_model_paths.yaml"
    file.write_text(text, "utf-8")
    return extra_folders.read(file)


def test_a_usual_file_names_its_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", str(tmp_path / "place"))
    webui, shared = tmp_path / "place" / "webui" / "models", tmp_path / "shared"
    assert read(USUAL, tmp_path) == [
        ("checkpoints", webui / "Stable-diffusion", False),
        ("loras", webui / "Lora", False),
        ("loras", webui / "LyCORIS", False),
        ("clip", webui / "clip", False),
        ("unet", shared / "unet", True),
        ("loras", shared / "first", True),
        ("loras", shared / "second", True),
        ("custom_nodes", shared / "packs", True),
        ("detectors", tmp_path / "detectors", True),
    ]


def test_default_folders_come_first_and_the_others_before_what_comes_with_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", str(tmp_path / "place"))
    folders = Folders.under(tmp_path)
    extra_folders.apply(read(USUAL, tmp_path), folders)
    webui, shared = tmp_path / "place" / "webui" / "models", tmp_path / "shared"
    assert folders.roots("loras")[:5] == [
        *(shared / "first", shared / "second"),
        tmp_path / "models" / "loras",
        *(webui / "Lora", webui / "LyCORIS"),
    ]
    ours = [tmp_path / "models" / "checkpoints", webui / "Stable-diffusion", BUNDLED / "checkpoints"]
    assert folders.roots("checkpoints") == ours
    assert folders.roots("clip") == folders.roots("text_encoders")
    assert webui / "clip" in folders.roots("text_encoders")
    assert folders.roots("diffusion_models")[0] == shared / "unet"
    assert folders.names["detectors"] == ([str(tmp_path / "detectors")], set())


def test_home_and_absolute_paths_are_understood(tmp_path: Path) -> None:
    absolute = tmp_path.absolute() / "there"
    assert read(f"a:\n  loras: ~/loras\nb:\n  base_path: '~'\n  vae: vae\n  gligen: '{absolute}'\n", tmp_path) == [
        ("loras", Path.home() / "loras", False),
        ("vae", Path.home() / "vae", False),
        ("gligen", absolute, False),
    ]


def test_an_empty_file_names_none(tmp_path: Path) -> None:
    assert read("# nothing yet\n", tmp_path) == []


def test_a_folder_that_is_not_there_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "here").mkdir()
    with caplog.at_level(logging.WARNING):
        read("a:\n  loras: here\n  vae: gone\n", tmp_path)
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'extra_model_paths.yaml'}: the folder for vae is not there: {tmp_path / 'gone'}"
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "is no YAML"),
        ("a:\n\tloras: x", "is no YAML"),
        ("[" * 10_000, "is no YAML"),
        ("- a", "wanted are sections"),
        ("loras: models", "loras: wanted are lines such as"),
        ("a:\n  loras: 5", "a: loras: wanted is a text; .*it is 5"),
        ("a:\n  loras: [x, y]", "a: loras: wanted is a text; of several folders each has its line"),
        ("a:\n  loras:", "a: loras: wanted is a text; .*it is nothing"),
        ("a:\n  base_path: 5\n  loras: x", "a: base_path: wanted is a text"),
        ("a:\n  is_default: perhaps\n  loras: x", "a: is_default: wanted is true or false"),
        ("a:\n  5: x", "a: the name of a folder: wanted is a text"),
        ("a: !!python/object:os.system {}", "is no YAML"),
    ],
)
def test_what_cannot_be_meant_is_told_by_file_section_and_key(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ExtraFoldersError, match=rf"extra_model_paths\.yaml: {told}"):
        read(text, tmp_path)
