"""The dataset nodes, called as a workflow calls them."""

import pytest
import torch
from PIL import Image

from engine.node.declare import describe
from engine.weights.folders import Folders
from nodes import dataset


def test_scenes_are_shown_on_a_contact_sheet_with_their_captions() -> None:
    scenes = dataset.scene_dataset(count=6, seed=1, size=32)
    sheet, captions = dataset.dataset_preview(scenes, start=1, count=4, columns=3)
    assert sheet.shape == (1, 2 * 33 + 1, 3 * 33 + 1, 3)
    assert captions == [scenes[index].caption for index in range(1, 5)]
    assert torch.equal(sheet[0, 1:33, 34:66], scenes[2].image)


def test_a_preview_ends_with_the_dataset_and_does_not_begin_after_it() -> None:
    scenes = dataset.scene_dataset(count=3, size=16)
    assert len(dataset.dataset_preview(scenes, start=2, count=9).captions) == 1
    with pytest.raises(ValueError, match="start is 3, and .* has 3 examples"):
        dataset.dataset_preview(scenes, start=3)


def test_a_folder_below_the_inputs_is_a_dataset(disk: Folders) -> None:
    folder = disk.input / "flowers"
    folder.mkdir()
    Image.new("RGB", (20, 20), "red").save(folder / "a.png")
    (folder / "a.txt").write_text("a red flower")
    Image.new("RGB", (20, 20)).save(folder / "b.png")
    before = dataset.content("flowers")
    opened, summary = dataset.folder_dataset("flowers", 16, 24)
    assert opened.size == (16, 24)
    assert opened[0].caption == "a red flower"
    assert "left out 1: it has no caption" in summary
    (folder / "b.txt").write_text("a black flower")
    assert dataset.content("flowers") != before


def test_a_folder_outside_the_inputs_is_refused(disk: Folders) -> None:
    with pytest.raises(ValueError, match="not a path inside"):
        dataset.folder_dataset("../models")


def test_the_link_is_called_dataset_and_captions_come_as_a_list() -> None:
    assert [each.type for each in describe(dataset.scene_dataset).outputs] == ["DATASET"]
    image, captions = describe(dataset.dataset_preview).outputs
    assert (image.type, image.is_list) == ("IMAGE", False)
    assert (captions.name, captions.type, captions.is_list) == ("captions", "STRING", True)
