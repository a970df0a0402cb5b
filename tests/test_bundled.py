"""The models that come with the package: small, and found by the ordinary loaders after those of the user."""

from pathlib import Path

from engine.weights.folders import BUNDLED, Folders

MIB = 1024**2


def test_all_weights_are_small_enough_to_come_along() -> None:
    sizes = {path.name: path.stat().st_size for path in BUNDLED.rglob("*.safetensors")}
    assert sizes
    assert max(sizes.values()) <= 40 * MIB
    assert sum(sizes.values()) <= 90 * MIB


def test_models_of_the_user_come_first(tmp_path: Path) -> None:
    folders, name = Folders.under(tmp_path), "heddle-scenes-x2.safetensors"
    assert folders.require("upscale_models", name).is_relative_to(BUNDLED)
    mine = folders.models / "upscale_models" / name
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    assert folders.require("upscale_models", name) == mine
