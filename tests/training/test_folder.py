"""A folder of pictures becomes a dataset; what is unusable is counted, and nothing at all is an error."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from engine.training.folder import open_folder


def put(path: Path, colour: object = "red", size: tuple[int, int] = (40, 30), caption: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGBA" if isinstance(colour, tuple) else "RGB", size, colour).save(path)  # pyright: ignore[reportArgumentType]
    if caption is not None:
        path.with_suffix(".txt").write_text(caption, "utf-8")


def test_captions_stand_beside_the_pictures_or_in_a_table(tmp_path: Path) -> None:
    put(tmp_path / "b.png", "blue", caption=" a blue \n sheet ")
    put(tmp_path / "a.jpg", "red")
    put(tmp_path / "below" / "c.png", "white")
    (tmp_path / "captions.csv").write_text('file_name,text\na.jpg,"red, all over"\nbelow/c.png,white\n', "utf-8")
    dataset = open_folder(tmp_path, (16, 8))
    assert [dataset[index].caption for index in range(len(dataset))] == ["red, all over", "a blue sheet", "white"]
    assert dataset[1].image.shape == (8, 16, 3)
    assert torch.equal(dataset[1].image[0, 0], torch.tensor([0.0, 0.0, 1.0]))
    assert dataset.skipped == ()


def test_pictures_of_all_sizes_are_scaled_and_cut_from_the_middle(tmp_path: Path) -> None:
    wide = Image.new("RGB", (90, 30), "black")
    wide.paste("white", (30, 0, 60, 30))
    wide.save(tmp_path / "wide.png")
    (tmp_path / "wide.txt").write_text("a white square")
    put(tmp_path / "tall.png", size=(10, 200), caption="red")
    put(tmp_path / "dot.png", size=(1, 1), caption="a dot")
    dataset = open_folder(tmp_path, (32, 32))
    assert {tuple(dataset[index].image.shape) for index in range(3)} == {(32, 32, 3)}
    assert dataset[2].image[8:24, 8:24].min() > 0.95


def test_what_cannot_be_used_is_left_out_with_a_count_and_a_reason(tmp_path: Path) -> None:
    put(tmp_path / "good.png", caption="good")
    put(tmp_path / "mute.png")
    put(tmp_path / "blank.png", caption="  ")
    (tmp_path / "broken.png").write_bytes((tmp_path / "good.png").read_bytes()[:60])
    (tmp_path / "broken.txt").write_text("broken")
    (tmp_path / "fake.jpg").write_text("no picture")
    (tmp_path / "fake.txt").write_text("fake")
    (tmp_path / "metadata.csv").write_text("file_name,text\ngone.png,nothing\n")
    dataset = open_folder(tmp_path, (16, 16))
    assert len(dataset) == 1
    assert {each.file: each.reason for each in dataset.skipped} == {
        "mute.png": "it has no caption",
        "blank.png": "its caption file is empty",
        "broken.png": "the picture is broken or no picture",
        "fake.jpg": "the picture is broken or no picture",
        "gone.png": "the table names a picture that is not there",
    }
    assert "left out 2: the picture is broken or no picture (for instance broken.png)" in dataset.summary()


def test_transparent_and_deep_pictures_become_colours(tmp_path: Path) -> None:
    put(tmp_path / "a.png", (255, 0, 0, 0), caption="nothing but paper")
    Image.new("I;16", (8, 8), 65535).save(tmp_path / "b.png")
    (tmp_path / "b.txt").write_text("bright")
    dataset = open_folder(tmp_path, (8, 8))
    assert dataset[0].image.min() == 1
    assert dataset[1].image.min() == 1


def test_an_empty_folder_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no picture in it"):
        open_folder(tmp_path, (8, 8))
    put(tmp_path / "mute.png")
    with pytest.raises(ValueError, match=r"left out 1: it has no caption \(for instance mute.png\)"):
        open_folder(tmp_path, (8, 8))


def test_a_folder_that_is_not_there_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder .*pictures"):
        open_folder(tmp_path / "pictures", (8, 8))


def test_a_table_without_its_columns_is_an_error_that_names_them(tmp_path: Path) -> None:
    put(tmp_path / "a.png")
    (tmp_path / "captions.csv").write_text("name,words\na.png,red\n")
    with pytest.raises(ValueError, match="has the columns name, words; it needs file_name and text"):
        open_folder(tmp_path, (8, 8))
