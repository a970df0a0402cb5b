"""Pictures come from files and go to files, and take their prompt along."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.node.spec import Result
from engine.pictures.files import read_picture
from engine.weights.folders import Folders
from nodes.load_image import content, input_pictures, is_there, load_image, load_image_mask, load_image_output
from nodes.save_image import mask_preview, preview_image, save_animated_png, save_animated_webp, save_image


def shown(result: Result) -> list[dict[str, str]]:
    assert result.ui is not None
    return list(result.ui["images"])


def gradient(batch: int = 1) -> torch.Tensor:
    return torch.linspace(0, 1, batch * 4 * 6 * 3).view(batch, 4, 6, 3)


def test_a_saved_picture_carries_its_prompt_and_comes_back(disk: Folders) -> None:
    prompt = {"1": {"class_type": "Ünïcode", "inputs": {"text": "雪 \u2028"}}}
    workflow = {"nodes": [], "extra": {"größe": 1.5}}
    result = save_image(gradient(2), "sub/p_%batch_num%", prompt, {"workflow": workflow, "note": "x"})
    assert shown(result) == [
        {"filename": "p_0_00001_.png", "subfolder": "sub", "type": "output"},
        {"filename": "p_1_00002_.png", "subfolder": "sub", "type": "output"},
    ]
    path = disk.output / "sub/p_1_00002_.png"
    with Image.open(path) as picture:
        texts: dict[Any, Any] = dict(picture.info)
    assert json.loads(texts["prompt"]) == prompt
    assert json.loads(texts["workflow"]) == workflow
    raw = path.read_bytes()
    assert raw.count(b"tEXt") == 3
    assert b"\\u96ea" in raw
    loaded = load_image("sub/p_1_00002_.png [output]")
    assert torch.equal(loaded.image, (gradient(2)[1:] * 255).to(torch.uint8).float() / 255)
    assert loaded.mask.shape == (1, 64, 64)


def test_values_are_cut_off_not_rounded_and_kept_in_range(disk: Folders) -> None:
    save_image(torch.tensor([-1.0, 0.999, 2.0, float("nan")]).view(1, 1, 4, 1).repeat(1, 1, 1, 3), "v")
    assert np.array(Image.open(disk.output / "v_00001_.png"))[0, :, 0].tolist() == [0, 254, 255, 0]


def test_saving_goes_on_counting_and_replaces_nothing(disk: Folders) -> None:
    names = [shown(save_image(gradient(), "p"))[0]["filename"] for _ in range(3)]
    assert names == ["p_00001_.png", "p_00002_.png", "p_00003_.png"]
    assert sorted(each.name for each in disk.output.iterdir()) == names


def test_a_picture_with_too_many_channels_is_refused(disk: Folders) -> None:
    with pytest.raises(ValueError, match=r"not \(1, 4, 4, 7\)"):
        save_image(torch.zeros(1, 4, 4, 7), "p")


def test_previews_go_to_the_temporary_folder(disk: Folders) -> None:
    (image,), (mask,) = shown(preview_image(gradient())), shown(mask_preview(torch.ones(5, 7)))
    assert image["type"] == mask["type"] == "temp"
    with Image.open(disk.temp / mask["filename"]) as picture:
        assert picture.size == (7, 5)


def test_animations_carry_their_frames_and_their_prompt(disk: Folders) -> None:
    frames = torch.rand(3, 8, 8, 3, generator=torch.Generator().manual_seed(0))
    save_animated_png(frames, "a", 10.0, prompt={"1": {}}, extra_pnginfo={"workflow": {"a": 1}})
    save_animated_webp(frames, "a", 10.0, method="fastest", prompt={"1": {}}, extra_pnginfo={"workflow": {"a": 1}})
    assert b"comf" in (disk.output / "a_00001_.png").read_bytes()
    assert torch.equal(load_image("a_00001_.png [output]").image, (frames * 255).to(torch.uint8).float() / 255)
    with Image.open(disk.output / "a_00002_.webp") as webp:
        exif = webp.getexif()
    assert exif[0x0110] == 'prompt:{"1": {}}'
    assert exif[0x010F] == 'workflow:{"a": 1}'
    assert load_image("a_00002_.webp [output]").image.shape == (3, 8, 8, 3)


def test_alpha_becomes_a_mask_that_is_one_where_transparent(disk: Folders) -> None:
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[0, 0] = (255, 0, 51, 51)
    Image.fromarray(pixels).save(disk.input / "a.png")
    loaded = load_image("a.png")
    assert loaded.image[0, 0, 0].tolist() == pytest.approx([1, 0, 0.2])
    assert loaded.mask[0, 0].tolist() == pytest.approx([0.8, 1, 1])
    assert torch.equal(load_image_mask("a.png", "alpha"), loaded.mask)
    assert torch.equal(load_image_mask("a.png", "blue"), loaded.image[..., 2])


def test_a_palette_with_a_transparent_colour_gives_a_mask(disk: Folders) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putpixel((1, 0), 1)
    picture.save(disk.input / "p.png", transparency=1)
    loaded = load_image("p.png")
    assert loaded.image[0, 0].tolist() == [[1, 0, 0], [0, 1, 0]]
    assert loaded.mask[0, 0].tolist() == [0, 1]


def test_sixteen_bit_greys_keep_their_precision(disk: Folders) -> None:
    Image.fromarray(np.array([[0, 257, 300, 65535]], np.uint16)).save(disk.input / "g.png")
    assert load_image("g.png").image[0, 0, :, 0].tolist() == pytest.approx([0, 257 / 65535, 300 / 65535, 1])


def test_pictures_are_turned_upright(disk: Folders) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (4, 2)).save(disk.input / "turned.jpg", exif=exif)
    assert load_image("turned.jpg").image.shape == (1, 4, 2, 3)


def test_what_is_no_picture_or_is_broken_is_told(disk: Folders) -> None:
    (disk.input / "words.png").write_text("hello")
    with pytest.raises(ValueError, match="words.png is not a picture"):
        load_image("words.png")
    save_image(torch.rand(1, 64, 64, 3), "whole")
    (disk.input / "half.png").write_bytes((disk.output / "whole_00001_.png").read_bytes()[:3000])
    with pytest.raises(ValueError, match="half.png is broken"):
        load_image("half.png")


def test_a_decompression_bomb_is_refused(disk: Folders) -> None:
    Image.new("1", (20000, 20000)).save(disk.input / "bomb.png")
    with pytest.raises(ValueError, match="too large to be a picture"):
        load_image("bomb.png")


def test_a_missing_picture_is_told_with_its_folder(disk: Folders) -> None:
    assert is_there("none.png") == f"invalid image file: there is no image file 'none.png' in the folder {disk.input}"
    assert "not a path inside" in str(is_there("../secret.png"))
    assert is_there(None) is True
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        load_image("none.png")


def test_the_fingerprint_follows_the_content_not_the_name(disk: Folders) -> None:
    Image.new("RGB", (2, 2)).save(disk.input / "a.png")
    Image.new("RGB", (2, 2)).save(disk.input / "b.png")
    assert content("a.png") == content("b.png")
    Image.new("RGB", (2, 2), "red").save(disk.input / "b.png")
    assert content("a.png") != content("b.png")


def test_only_pictures_are_offered(disk: Folders) -> None:
    for name in ("b.png", "a.jpg", "c.txt", "d.mp4"):
        (disk.input / name).touch()
    assert input_pictures() == ["a.jpg", "b.png"]


def test_outputs_can_be_loaded_again(disk: Folders) -> None:
    save_image(gradient(), "o")
    assert load_image_output("o_00001_.png").image.shape == (1, 4, 6, 3)
    assert load_image_output("o_00001_.png [output]").image.shape == (1, 4, 6, 3)


def test_the_reference_s_picture_is_read_with_its_alpha(spec_dir: Path) -> None:
    read = read_picture(spec_dir / "parity/input/photo.png")
    assert read.image.shape[:3] == read.mask.shape
