"""Hints without networks: each shows what it is for, at the size that was asked for."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from nodes import hints_colour, hints_lines

Hint = Callable[..., Tensor]
ALL: dict[str, Hint] = {
    "canny": hints_lines.canny_edge,
    "scribble": hints_lines.scribble_lines,
    "xdog": hints_lines.scribble_xdog,
    "binary": hints_lines.binary_lines,
    "lineart": hints_lines.standard_lineart,
    "tile": hints_colour.tile,
    "mosaic": hints_colour.colour_mosaic,
    "luminance": hints_colour.image_luminance,
    "intensity": hints_colour.image_intensity,
    "shuffle": hints_colour.content_shuffle,
}


def drawing() -> Tensor:
    """A dark frame on a bright ground (1, 90, 131, 3)."""
    picture = torch.full((1, 90, 131, 3), 0.9)
    picture[:, 20:70, 30:100] = torch.tensor([0.3, 0.1, 0.2])
    picture[:, 24:66, 34:96] = 0.9
    return picture


@pytest.mark.parametrize("hint", ALL.values(), ids=ALL.keys())
def test_the_shorter_side_is_as_asked_and_the_aspect_stays(hint: Hint) -> None:
    tall = torch.cat([drawing(), drawing().roll(25, 2) * 0.8]).transpose(1, 2)
    made = hint(tall, resolution=64)
    assert made.shape == (2, 93, 64, 3)
    assert made.dtype == torch.float32
    assert 0 <= made.min() <= made.max() <= 1
    assert not torch.equal(made[0], made[1])
    assert torch.equal(made[1:], hint(tall[1:], resolution=64))


@pytest.mark.parametrize("hint", ALL.values(), ids=ALL.keys())
def test_grey_pictures_and_pictures_with_alpha_are_seen(hint: Hint) -> None:
    grey = drawing()[..., :1]
    assert torch.equal(hint(grey, resolution=90), hint(grey.expand(-1, -1, -1, 3), resolution=90))
    clear = torch.cat([drawing(), torch.zeros(1, 90, 131, 1)], -1)
    assert torch.equal(hint(clear, resolution=90), hint(torch.ones(1, 90, 131, 3), resolution=90))


def test_edges_of_a_frame_are_drawn_on_both_sides_of_it() -> None:
    row = hints_lines.canny_edge(drawing(), resolution=90)[0, 45, :, 0]
    assert row.nonzero().flatten().tolist() == pytest.approx([30, 34, 95, 99], abs=1)
    with pytest.raises(ValueError, match="low_threshold 201 is above high_threshold 200"):
        hints_lines.canny_edge(drawing(), 201, 200)


@pytest.mark.parametrize("name", ["scribble", "xdog", "binary", "lineart"])
def test_dark_lines_become_bright_ones(name: str) -> None:
    made = ALL[name](drawing(), resolution=90)[0, ..., 0]
    assert made[45, 31:33].min() > 0.4
    assert made[5].max() == made[45, 60] == 0


def test_otsu_finds_the_threshold_that_no_guess_would() -> None:
    dim = drawing() * 0.3  # all of it darker than 100 of 255
    assert hints_lines.binary_lines(dim, 100, 90).min() == 1
    found = hints_lines.binary_lines(dim, 0, 90)
    assert torch.equal(found, hints_lines.binary_lines(dim, 255, 90))
    assert torch.equal(found > 0.5, hints_lines.binary_lines(drawing(), 100, 90) > 0.5)


def test_a_tile_keeps_colours_and_loses_details() -> None:
    checks = (torch.arange(128) // 2 % 2).float()
    picture = (checks[:, None] + checks[None] == 1).float()[None, ..., None].repeat(1, 1, 1, 3)
    made = hints_colour.tile(picture, 3, 128)
    assert made.std() < 0.02
    assert made.mean() == pytest.approx(0.5, abs=0.02)


def test_a_mosaic_has_one_colour_per_square() -> None:
    made = hints_colour.colour_mosaic(torch.rand(1, 128, 192, 3), 128)
    squares = made[0].unflatten(0, (2, 64)).unflatten(2, (3, 64)).movedim(2, 1)
    assert torch.equal(squares, squares[:, :, :1, :1].expand_as(squares))


def test_brightness_is_that_of_cielab_or_of_the_brightest_colour() -> None:
    blue = torch.zeros(1, 64, 64, 3)
    blue[..., 2] = 1
    assert hints_colour.image_luminance(blue, 1.0, 64).mean() == pytest.approx(0.323, abs=0.01)  # L* = 32.3
    assert hints_colour.image_intensity(blue, 1.0, 64).mean() == 1
    half = hints_colour.image_intensity(blue * 0.5, 2.0, 64)
    assert half.mean() == pytest.approx(0.25, abs=0.01)


def test_shuffling_keeps_colours_moves_everything_and_is_the_same_for_the_same_seed() -> None:
    picture = drawing()
    made = hints_colour.content_shuffle(picture, 90, 7)
    assert torch.equal(made, hints_colour.content_shuffle(picture, 90, 7))
    assert not torch.equal(made, hints_colour.content_shuffle(picture, 90, 8))
    assert (made - picture).abs().mean() > 0.02
    assert picture.min() - 0.01 <= made.min() <= made.max() <= picture.max() + 0.01


def test_a_size_that_memory_does_not_hold_is_refused_before_it_is_tried() -> None:
    with pytest.raises(MemoryError, match=r"hints of 1 x 409600000 x 4096 needs .* GiB of memory"):
        hints_lines.scribble_lines(torch.zeros(1, 1, 100_000, 3), 4096)


def test_holes_are_marked_for_a_control_net_that_fills_them() -> None:
    images = torch.rand(2, 64, 96, 4)
    mask = torch.zeros(1, 32, 48)
    mask[:, 8:16, 8:16] = 1
    made = hints_colour.inpaint_hint(images, mask)
    assert made.shape == (2, 64, 96, 3)
    assert (made[:, 16:32, 16:32] == -1).all()
    assert (made == -1).sum() == 2 * 16 * 16 * 3
    assert torch.equal(made[made >= 0], images[..., :3][made >= 0])
    assert (hints_colour.inpaint_hint(images, mask, True)[:, 16:32, 16:32] == 0).all()
