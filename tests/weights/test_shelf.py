"""A file is read once, until it changes or room is needed."""

from pathlib import Path

from engine.weights.shelf import Shelf


def read_counted(shelf: Shelf, path: Path, log: list[str], *settings: str) -> str:
    def read() -> str:
        log.append(path.name)
        return path.read_text()

    return shelf.get(read, (path,), *settings)


def test_a_file_is_read_again_only_when_it_or_a_setting_changed(tmp_path: Path) -> None:
    shelf, log = Shelf(1000), list[str]()
    path = tmp_path / "a"
    path.write_text("one")
    assert [read_counted(shelf, path, log) for _ in range(3)] == ["one"] * 3
    assert log == ["a"]
    read_counted(shelf, path, log, "in float16")
    assert log == ["a", "a"]
    path.write_text("longer")
    assert read_counted(shelf, path, log) == "longer"


def test_what_was_not_used_longest_makes_room(tmp_path: Path) -> None:
    shelf, log = Shelf(10), list[str]()
    for name in "abc":
        (tmp_path / name).write_text("12345")
    for name in "abacba":
        read_counted(shelf, tmp_path / name, log)
    assert log == ["a", "b", "c", "b", "a"]


def test_one_file_is_kept_however_large_it_is(tmp_path: Path) -> None:
    shelf, log = Shelf(1), list[str]()
    (tmp_path / "a").write_text("12345")
    for _ in range(2):
        read_counted(shelf, tmp_path / "a", log)
    assert log == ["a"]
    shelf.clear()
    read_counted(shelf, tmp_path / "a", log)
    assert log == ["a", "a"]
