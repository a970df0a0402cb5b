"""Image and mask nodes do what their names say, and what the reference does where it left pictures."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.node.declare import as_result, declared
from engine.weights.folders import Folders
from nodes import compositing, image, image_edit, mask

PARITY = [
    *(f"image_scale_{method}" for method in ("area", "bicubic", "bilinear", "lanczos", "nearest_exact")),
    *("image_blur_sharpen", "mask_composite", "outpaint_mask"),
]
FILES = ("compositing", "image", "image_edit", "inpaint", "load_image", "mask", "save_image")


def random(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("case", PARITY)
def test_pictures_of_the_reference_are_met(case: str, spec_dir: Path, disk: Folders) -> None:
    disk.input = spec_dir / "parity/input"
    types = {
        type_.id: type_ for file in FILES for each in declared(import_module(f"nodes.{file}")) for type_ in [each()]
    }
    prompt = json.loads((spec_dir / "parity/prompts.json").read_text("utf-8"))[case]
    made: dict[str, Any] = {}

    def value(id: str) -> Any:
        if id not in made:
            node = prompt[id]
            given = {k: value(v[0])[v[1]] if isinstance(v, list) else v for k, v in node["inputs"].items()}
            made[id] = as_result(types[node["class_type"]].make()(**given)).values
        return made[id]

    value("7")
    ours = np.array(Image.open(disk.output / f"{case}_00001_.png")).astype(int)
    theirs = np.array(Image.open(spec_dir / f"parity/images/{case}_0.png")).astype(int)
    assert ours.shape == theirs.shape
    assert abs(ours - theirs).max() <= 1


@pytest.mark.parametrize(("width", "height", "shape"), [(0, 0, (8, 12)), (6, 0, (4, 6)), (0, 16, (16, 24))])
def test_one_side_follows_the_other(width: int, height: int, shape: tuple[int, int]) -> None:
    scaled = image.image_scale(random(1, 8, 12, 3), "bilinear", width=width, height=height, crop="disabled")
    assert scaled.shape[1:3] == shape


def test_images_are_scaled_to_pixels_sides_and_frames() -> None:
    x = random(2, 64, 128, 3)
    assert image.image_scale_by(x, "area", 0.5).shape == (2, 32, 64, 3)
    assert image.image_scale_to_total_pixels(x, "area", 0.125).shape == (2, 256, 512, 3)
    assert image.image_scale_to_max_dimension(x, "lanczos", 32).shape == (2, 16, 32, 3)
    frame = image.resize_and_pad_image(
        x, target_width=32, target_height=32, padding_color="white", interpolation="area"
    )
    assert frame.shape == (2, 32, 32, 3)
    assert (frame[:, :8] == 1).all()
    assert (frame[:, 8:24] < 1).any()


def test_an_absurd_image_ends_in_words() -> None:
    with pytest.raises(MemoryError, match="999999 images of 16384 x 16384"):
        image.empty_image(16384, 16384, 999_999)
    with pytest.raises(MemoryError, match="resizing"):
        image.image_scale(torch.zeros(99_999, 1, 1, 3), "bilinear", width=16384, height=16384, crop="disabled")


def test_batches_are_joined_taken_and_repeated() -> None:
    one, two = random(1, 4, 6, 3), random(2, 8, 8, 4)
    joined = image.image_batch(one, two)
    assert joined.shape == (3, 4, 6, 4)
    assert (joined[0, ..., 3] == 1).all()
    assert torch.equal(image.image_from_batch(joined, 1, 5), joined[1:])
    assert image.repeat_image_batch(one, 3).shape[0] == 3
    images: Any = [one, one, two]
    made = image.rebatch_images(images, 2)
    assert [each.shape[0] for each in made] == [2, 2]
    assert tuple(image.get_image_size(two)) == (8, 8, 2)


def test_images_are_cut_mirrored_and_turned() -> None:
    x = random(1, 4, 6, 3)
    assert torch.equal(image_edit.image_crop(x, 99, 2, 4, 1), x[:, 1:3, 4:])
    assert torch.equal(image_edit.image_flip(x, "y-axis: horizontally")[0, 0, 0], x[0, 0, 5])
    assert torch.equal(image_edit.image_rotate(x, "90 degrees")[0, 0, 3], x[0, 0, 0])
    assert torch.equal(image_edit.image_invert(x), 1 - x)


@pytest.mark.parametrize(
    ("direction", "shape"), [("right", (4, 17)), ("left", (4, 17)), ("down", (14, 6)), ("up", (14, 6))]
)
def test_images_are_stitched_with_a_bar_between(direction: Any, shape: tuple[int, int]) -> None:
    one, two = torch.zeros(1, 4, 6, 3), torch.full((2, 8, 6, 3), 0.5)
    matched = image_edit.image_stitch(one, direction, True, 2, "red", two)
    wanted = {"right": (4, 11), "left": (4, 11), "down": shape, "up": shape}[direction]
    assert matched.shape == (2, *wanted, 3)
    assert (matched == torch.tensor([1.0, 0, 0])).all(-1).any()
    free = image_edit.image_stitch(one, direction, False, 0, "white", two)
    assert free.shape[1:3] == ((8, 12) if direction in ("left", "right") else (12, 6))


def test_blends_are_between_their_images() -> None:
    a, b = torch.full((1, 2, 2, 3), 0.25), torch.full((1, 2, 2, 3), 0.5)
    wanted = {
        "normal": 0.5,
        "multiply": 0.125,
        "screen": 0.625,
        "overlay": 0.25,
        "soft_light": 0.25,
        "difference": 0.25,
    }
    for mode, value in wanted.items():
        full: Any = image_edit.image_blend(a, b, blend_factor=1.0, blend_mode=mode)  # pyright: ignore[reportArgumentType]
        assert full.unique().tolist() == pytest.approx([value])
        none = image_edit.image_blend(a, b, blend_factor=0.0, blend_mode=mode)  # pyright: ignore[reportArgumentType]
        assert torch.equal(none, a)


def test_filters_leave_flat_pictures_alone() -> None:
    flat = torch.full((1, 5, 5, 3), 0.5)
    torch.testing.assert_close(image_edit.image_blur(flat, 31, 1.0), flat)
    torch.testing.assert_close(image_edit.image_sharpen(flat, 2, 1.0, 5.0), flat)
    for operation in ("erode", "dilate", "open", "close"):
        torch.testing.assert_close(image_edit.morphology(flat, operation, 4), flat)
    for operation in ("gradient", "top_hat", "bottom_hat"):
        assert image_edit.morphology(flat, operation, 3).abs().max() == 0


def test_dilation_spreads_a_bright_pixel_over_the_square() -> None:
    dot = torch.zeros(1, 5, 5, 1)
    dot[0, 2, 2] = 1
    assert image_edit.morphology(dot, "dilate", 3).sum() == 9


@pytest.mark.parametrize("dither", ["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"])
def test_few_colours_are_few(dither: Any) -> None:
    few = image_edit.image_quantize(random(1, 20, 30, 3), colors=5, dither=dither)
    assert few.shape == (1, 20, 30, 3)
    assert len(few.view(-1, 3).unique(dim=0)) <= 5


def test_noise_depends_on_its_seed_alone() -> None:
    x = torch.full((1, 4, 4, 3), 0.5)
    assert torch.equal(image_edit.image_add_noise(x, 7, 0.1), image_edit.image_add_noise(x, 7, 0.1))
    assert not torch.equal(image_edit.image_add_noise(x, 7, 0.1), image_edit.image_add_noise(x, 8, 0.1))


def test_brightness_and_colour_part_and_meet_again() -> None:
    x = random(1, 4, 4, 3)
    parts = image_edit.image_rgb_to_yuv(x)
    torch.testing.assert_close(image_edit.image_yuv_to_rgb(*parts), x)
    grey = image_edit.image_rgb_to_yuv(torch.full((1, 1, 1, 3), 0.25))
    assert [plane[0, 0, 0, 0].item() for plane in grey] == pytest.approx([0.25, 0.5, 0.5])


def test_alpha_is_split_off_and_joined_as_a_mask() -> None:
    x = random(2, 4, 4, 4)
    colours, transparent = compositing.split_image_with_alpha(x)
    torch.testing.assert_close(transparent, 1 - x[..., 3])
    torch.testing.assert_close(compositing.join_image_with_alpha(colours, transparent), x)
    assert compositing.join_image_with_alpha(colours, torch.zeros(1, 64, 64)).shape == (2, 4, 4, 4)
    assert compositing.split_image_with_alpha(x[..., :3]).mask.sum() == 0


@pytest.mark.parametrize(
    ("mode", "colour", "alpha"),
    [("SRC", 1.0, 0.5), ("DST", 0.0, 0.75), ("CLEAR", 0.0, 0.0), ("SRC_OVER", 4 / 7, 0.875), ("DST_OUT", 0.0, 0.375),
     ("SRC_IN", 1.0, 0.375), ("XOR", 0.25, 0.5), ("ADD", 0.5, 1.0), ("MULTIPLY", 0.0, 0.375), ("SCREEN", 4 / 7, 0.875)],
)  # fmt: skip
def test_porter_duff_rules_mix_white_over_black(mode: Any, colour: float, alpha: float) -> None:
    white, black = torch.ones(1, 2, 2, 3), torch.zeros(1, 2, 2, 3)
    made = compositing.porter_duff_image_composite(
        white, torch.full((1, 2, 2), 0.5), black, torch.full((1, 2, 2), 0.25), mode
    )
    assert made.image.unique().tolist() == pytest.approx([colour])
    assert (1 - made.mask).unique().tolist() == pytest.approx([alpha])


def test_an_image_laid_over_the_border_is_cut() -> None:
    below, above = torch.zeros(2, 4, 4, 3), torch.ones(1, 3, 3, 4)
    laid = compositing.image_composite_masked(below, above, 2, 3)
    assert laid.shape == (2, 4, 4, 3)
    assert laid[0, ..., 0].sum() == 2
    assert compositing.image_composite_masked(below, above, 99, 99).sum() == 0
    assert compositing.image_composite_masked(below, above, 0, 0, True).min() == 1


def test_masks_are_made_turned_round_and_shown() -> None:
    half = mask.solid_mask(0.25, 6, 4)
    assert half.shape == (1, 4, 6)
    assert mask.invert_mask(half).unique().tolist() == [0.75]
    assert mask.mask_to_image(half[0]).shape == (1, 4, 6, 3)
    assert mask.threshold_mask(half, 0.25).sum() == 0
    assert mask.threshold_mask(half, 0.2).unique().tolist() == [1]


def test_masks_are_taken_from_channels_and_colours() -> None:
    red = image.empty_image(2, 2, 1, 0xFF0080)
    assert mask.image_to_mask(red, "red").sum() == 4
    assert mask.image_color_to_mask(red, 0xFF0080).sum() == 4
    assert mask.image_color_to_mask(red, 0xFF0081).sum() == 0
    with pytest.raises(ValueError, match="no alpha"):
        mask.image_to_mask(red, "alpha")


@pytest.mark.parametrize(
    ("operation", "wanted"), [("multiply", 0.42), ("add", 1), ("subtract", 0.1), ("and", 1), ("or", 1), ("xor", 0)]
)
def test_masks_are_combined_where_they_meet(operation: Any, wanted: float) -> None:
    below = torch.full((2, 4, 4), 0.7)
    made = mask.mask_composite(below, torch.full((3, 3), 0.6), x=2, y=2, operation=operation)
    assert made[1, 2:, 2:].unique().tolist() == pytest.approx([wanted])
    torch.testing.assert_close(made[:, :2], below[:, :2])


def test_a_mask_is_cropped_inside_only() -> None:
    assert mask.crop_mask(torch.ones(4, 6), 2, 1, 99, 2).shape == (1, 2, 4)
    with pytest.raises(ValueError, match="nothing at x 6"):
        mask.crop_mask(torch.ones(4, 6), 6, 0, 4, 4)


def test_no_node_changes_what_it_was_given() -> None:
    x, m = random(1, 8, 8, 3), random(1, 8, 8)
    kept = x.clone(), m.clone()
    mask.feather_mask(m, 2, 2, 2, 2)
    mask.grow_mask(m, 2, True)
    mask.mask_composite(m, m, x=1, y=1, operation="add")
    compositing.image_composite_masked(x, x, 1, 1, False, m)
    image_edit.image_add_noise(x, 1, 1.0)
    assert torch.equal(x, kept[0])
    assert torch.equal(m, kept[1])
