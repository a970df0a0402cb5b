"""A staged file is nowhere to be seen, and its name is nobody else's."""

from collections.abc import Generator
from pathlib import Path

import pytest

from engine.compat.legacy import folder_paths
from engine.weights import folders
from engine.weights.folders import Folders
from engine.weights.staging import Stage


@pytest.fixture
def places(tmp_path: Path) -> Generator[Folders]:
    before = folders.current()
    mine = Folders.under(tmp_path)
    mine.output.mkdir()
    folders.use(mine)
    yield mine
    folders.use_stage(None)
    folders.use(before)


def save(places: Folders, prefix: str, text: str = "x", number: int = 0) -> Path:
    return places.save_target(prefix).write("txt", lambda path: path.write_text(text), number)


def test_what_is_staged_waits_apart_under_its_final_name(places: Folders) -> None:
    stage = Stage(places.output, "a-1")
    folders.use_stage(stage)
    path = save(places, "sub/pic")
    assert path == stage.folder / "sub" / "pic_00001_.txt"
    assert not (places.output / "sub").exists()
    assert stage.holds("sub/pic_00001_.txt")


def test_names_are_counted_over_what_is_published_staged_and_reserved(places: Folders) -> None:
    save(places, "pic")
    folders.use_stage(Stage(places.output, "a-1"))
    assert [save(places, "pic").name, save(places, "pic", number=1).name] == ["pic_00002_.txt", "pic_00004_.txt"]
    folders.use_stage(Stage(places.output, "b-1"))
    assert save(places, "pic").name == "pic_00005_.txt"


def test_two_leases_that_count_at_once_get_two_names(places: Folders) -> None:
    folders.use_stage(Stage(places.output, "a-1"))
    first = places.save_target("pic")
    folders.use_stage(Stage(places.output, "b-1"))
    second = places.save_target("pic")
    assert first.counter == second.counter
    names = [each.write("txt", lambda path: path.write_text("x")).name for each in (first, second)]
    assert names == ["pic_00001_.txt", "pic_00002_.txt"]


def test_a_released_name_is_free_and_a_foreign_one_stays(places: Folders) -> None:
    mine, other = Stage(places.output, "a-1"), Stage(places.output, "b-1")
    assert mine.reserve("n.txt")
    assert not other.reserve("n.txt")
    other.release("n.txt")
    assert not other.reserve("n.txt")
    mine.release("n.txt")
    assert other.reserve("n.txt")


def test_an_abandoned_stage_gives_its_names_free(places: Folders) -> None:
    stage, other = Stage(places.output, "a-1"), Stage(places.output, "b-1")
    folders.use_stage(stage)
    save(places, "sub/pic")
    other.reserve("other.txt")
    stage.abandon()
    assert not stage.folder.exists()
    assert other.reserve("sub/pic_00001_.txt")
    assert other.holds("other.txt")


def test_temporary_pictures_are_not_staged(places: Folders) -> None:
    folders.use_stage(Stage(places.output, "a-1"))
    assert places.save_target("pic", places.temp).folder == places.temp


def test_packs_that_write_by_themselves_are_staged_too(places: Folders) -> None:
    stage = Stage(places.output, "a-1")
    folders.use_stage(stage)
    folder, name, counter, subfolder, _ = folder_paths.get_save_image_path("sub/pic", str(places.output))
    assert (Path(folder), name, counter, subfolder) == (stage.folder / "sub", "pic", 1, "sub")
    Path(folder, f"{name}_{counter:05}_.png").write_text("x")
    assert folder_paths.get_save_image_path("sub/pic", str(places.output))[2] == 2
