"""Staged files get their names once, whatever is cut off in between."""

import os
import shutil
from pathlib import Path

import pytest

from engine.queue.job import File
from engine.queue.publish import NotPublished, publish, staged_files

FILES = (File("a.png", "a_00001_.png"), File("sub/b.png", "sub/b_00001_.png"))


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    staging, output = tmp_path / "staging", tmp_path / "output"
    (staging / "sub").mkdir(parents=True)
    output.mkdir()
    for file in FILES:
        (staging / file.staged).write_text(file.staged)
    return staging, output


def published(output: Path) -> dict[str, str]:
    return {path.relative_to(output).as_posix(): path.read_text() for path in output.rglob("*") if path.is_file()}


WHOLE = {file.final: file.staged for file in FILES}


def test_files_move_to_their_names(places: tuple[Path, Path]) -> None:
    staging, output = places
    publish(staging, output, FILES)
    assert published(output) == WHOLE
    assert list(staged_files(staging)) == []


def test_publishing_twice_is_publishing_once(places: tuple[Path, Path]) -> None:
    staging, output = places
    publish(staging, output, FILES)
    publish(staging, output, FILES)
    assert published(output) == WHOLE


def test_a_cut_between_any_two_calls_is_mended_by_doing_it_again(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    staging, output = places
    publish(staging, output, FILES[:1])
    os.link(staging / FILES[1].staged, _made(output / FILES[1].final))  # named, and cut off before the staged one went
    publish(staging, output, FILES)
    assert published(output) == WHOLE
    assert list(staged_files(staging)) == []


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_a_foreign_file_is_never_replaced(places: tuple[Path, Path]) -> None:
    staging, output = places
    (output / FILES[0].final).write_text("mine")
    with pytest.raises(NotPublished, match=r"a_00001_\.png could not be published: File exists; it is kept as"):
        publish(staging, output, FILES)
    assert (output / FILES[0].final).read_text() == "mine"
    assert (staging / FILES[0].staged).exists()


def test_a_file_that_is_nowhere_is_an_error(places: tuple[Path, Path]) -> None:
    staging, output = places
    shutil.rmtree(staging)
    with pytest.raises(NotPublished, match="neither staged nor published"):
        publish(staging, output, FILES)


def test_what_is_still_being_written_is_not_staged(places: tuple[Path, Path]) -> None:
    staging, _ = places
    (staging / ".0123.part.png").write_text("half")
    assert list(staged_files(staging)) == ["a.png", "sub/b.png"]
