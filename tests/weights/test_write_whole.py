"""Files appear whole or not at all, and take no other's name."""

from pathlib import Path

import pytest

from engine.weights.write_whole import write_new, written_whole


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with written_whole(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_a_new_file_takes_the_next_free_name(tmp_path: Path) -> None:
    (tmp_path / "a_2").write_text("theirs")
    paths = [write_new(tmp_path, lambda counter: f"a_{counter}", 2, lambda path: path.write_text("ours")) for _ in "ab"]
    assert [path.name for path in paths] == ["a_3", "a_4"]
    assert (tmp_path / "a_2").read_text() == "theirs"
    assert len(list(tmp_path.iterdir())) == 3
