"""Names become paths, and nothing leads out of its folder."""

import os
from pathlib import Path

import pytest

from engine.weights import folders
from engine.weights.folders import Folders, contained, is_inside, of_content, split_annotation


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """Folders that hold nothing, not even the models that come along."""
    monkeypatch.setattr(folders, "BUNDLED", tmp_path / "nothing")
    return Folders.under(tmp_path)


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_files_are_listed_sorted_with_their_folders_and_by_their_suffix(disk: Folders) -> None:
    for name in ("b.safetensors", "sub/a.CKPT", "notes.txt", ".git/x.safetensors"):
        put(disk.models / "checkpoints" / name)
    assert disk.files("checkpoints") == ["b.safetensors", str(Path("sub/a.CKPT"))]


def test_listing_follows_what_happens_on_disk(disk: Folders) -> None:
    put(disk.models / "loras/a.safetensors")
    assert disk.files("loras") == ["a.safetensors"]
    new = put(disk.models / "loras/deep/er/b.safetensors")
    assert len(disk.files("loras")) == 2
    new.unlink()
    assert disk.files("loras") == ["a.safetensors"]


def test_unchanged_folders_are_not_walked_again(disk: Folders) -> None:
    file = put(disk.models / "loras/a.safetensors")
    long_ago = 1_000_000_000_000_000_000
    os.utime(file.parent, ns=(long_ago, long_ago))
    assert disk.files("loras") == ["a.safetensors"]
    file.rename(file.with_name("b.safetensors"))
    os.utime(file.parent, ns=(long_ago, long_ago))
    assert disk.files("loras") == ["a.safetensors"]
    os.utime(file.parent, ns=(long_ago, long_ago + 1))
    assert disk.files("loras") == ["b.safetensors"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_followed_and_a_circle_of_them_ends(disk: Folders, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere/a.safetensors")
    root = disk.models / "vae"
    root.mkdir(parents=True)
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "circle").symlink_to(root)
    assert disk.files("vae") == ["linked/a.safetensors"]
    assert disk.find("vae", "linked/a.safetensors") is not None


def test_old_names_mean_the_new_folders(disk: Folders) -> None:
    put(disk.models / "unet/old.safetensors")
    put(disk.models / "clip/text.safetensors")
    assert disk.files("unet") == disk.files("diffusion_models") == ["old.safetensors"]
    assert disk.find("clip", "text.safetensors") == disk.models / "clip/text.safetensors"


def test_packs_may_insert_names_and_extend_lists(disk: Folders, tmp_path: Path) -> None:
    put(tmp_path / "mine/thing.onnx")
    disk.names["detectors"] = ([str(tmp_path / "mine")], {".onnx"})
    assert disk.files("detectors") == ["thing.onnx"]
    put(tmp_path / "more/second.onnx")
    disk.names["detectors"][0].append(str(tmp_path / "more"))
    assert disk.files("detectors") == ["second.onnx", "thing.onnx"]
    disk.add("detectors", tmp_path / "more", first=True)
    assert disk.roots("detectors") == [tmp_path / "more", tmp_path / "mine"]


def test_pipelines_in_folders_are_listed_as_folders(disk: Folders) -> None:
    put(disk.models / "diffusers/org/pipe/model_index.json")
    put(disk.models / "diffusers/org/pipe/unet/model.safetensors")
    assert disk.files("diffusers") == [str(Path("org/pipe"))]
    assert disk.find("diffusers", "org/pipe") == disk.models / "diffusers/org/pipe"


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/etc/passwd", "C:\\x", "..\\x", "\\\\host\\share\\x", "a\0b", "", "C:x"]
)
def test_a_name_that_leads_out_is_refused(name: str, disk: Folders) -> None:
    put(disk.models.parent / "a")
    assert not is_inside(name)
    assert disk.find("checkpoints", name) is None
    with pytest.raises(ValueError, match="not a path inside"):
        contained(disk.output, name)


def test_a_missing_file_is_told_with_folders_and_close_names(disk: Folders) -> None:
    put(disk.models / "checkpoints/dreamer_v8.safetensors")
    with pytest.raises(FileNotFoundError, match=r"looked in .*checkpoints.*close: 'dreamer_v8.safetensors'"):
        disk.require("checkpoints", "dreamer_v7.safetensors")


def test_an_unknown_folder_is_told_with_the_known_ones(disk: Folders) -> None:
    with pytest.raises(KeyError, match="checkpoints"):
        disk.files("chekpoints")
    assert disk.find("chekpoints", "a") is None


def test_annotations_choose_the_directory(disk: Folders) -> None:
    assert split_annotation("x.png [output]") == ("x.png", "output")
    assert split_annotation("x [draft].png") == ("x [draft].png", None)
    assert disk.annotated("x.png [temp]") == disk.temp / "x.png"
    assert disk.annotated("sub/x.png") == disk.input / "sub/x.png"
    assert disk.annotated("x.png", disk.output) == disk.output / "x.png"
    with pytest.raises(ValueError, match="not a path inside"):
        disk.annotated("../x.png [output]")


def test_the_counter_goes_on_from_the_highest_in_use(disk: Folders) -> None:
    assert disk.save_target("a").counter == 1
    for name in ("a_00007_.png", "a_00003_.latent", "ab_00099_.png", "a_text_.png"):
        put(disk.output / name)
    assert disk.save_target("a").counter == 8
    put(disk.output / "b_2_00004_.png")
    assert disk.save_target("b_%batch_num%").counter == 5


def test_a_prefix_may_hold_folders_sizes_and_dates(disk: Folders) -> None:
    target = disk.save_target("day/%width%x%height%_%year%_%nothing%", None, 640, 480)
    assert target.subfolder == "day"
    assert target.folder == disk.output / "day"
    assert target.folder.is_dir()
    assert target.filename.startswith("640x480_2")
    assert target.filename.endswith("_%nothing%")
    assert target.names("png")(12).endswith("_00012_.png")


@pytest.mark.parametrize("prefix", ["../out", "/tmp/x", "a/../../b", "..\\b\\c"])
def test_a_prefix_that_leads_out_is_refused(prefix: str, disk: Folders) -> None:
    with pytest.raises(ValueError, match="not a path inside"):
        disk.save_target(prefix)


def test_files_are_told_apart_by_their_content() -> None:
    files = ["a.png", "b.webp", "c.mp4", "d.txt", "e", "f.glb", "g.flac"]
    assert of_content(files, ("image",)) == ["a.png", "b.webp"]
    assert of_content(files, ("video", "audio", "model")) == ["c.mp4", "f.glb", "g.flac"]
