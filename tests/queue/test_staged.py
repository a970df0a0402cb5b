"""Each staged file gets a name of its own, whoever counted it."""

from pathlib import Path

from engine.queue.job import File
from engine.queue.staged import manifest
from engine.weights.staging import Stage


def test_reserved_names_are_kept_and_names_that_others_took_are_changed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "a-1")
    (stage.folder / "sub").mkdir(parents=True)
    stage.write(stage.folder, lambda count: f"mine_{count}.png", 1, lambda path: path.write_text("x"))
    (stage.folder / "sub" / "packs_1.png").write_text("x")
    (stage.folder / "free.png").write_text("x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "packs_1.png").write_text("another's")
    files, renamed = manifest(stage)
    assert set(files) == {
        File("mine_1.png", "mine_1.png"),
        File("free.png", "free.png"),
        File("sub/packs_1.png", "sub/packs_1 (1).png"),
    }
    assert renamed == {"sub/packs_1.png": "sub/packs_1 (1).png"}
    assert not Stage(tmp_path, "b-1").reserve("sub/packs_1 (1).png")
