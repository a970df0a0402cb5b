"""What is cut out around a mask comes back to where it was, and nothing else changes by a bit."""

import pytest
import torch
from torch import Tensor

from engine.pictures.crop_and_stitch import Box, Stitch
from nodes.inpaint_crop import crop_for_inpainting, stitch_inpainted

HEIGHT, WIDTH = 120, 180


def picture(count: int = 1, channels: int = 3) -> Tensor:
    return torch.rand(count, HEIGHT, WIDTH, channels, generator=torch.Generator().manual_seed(5))


def mask_of(*rectangles: tuple[int, int, int, int]) -> Tensor:
    """A mask for each rectangle of left, top, width and height."""
    masks = torch.zeros(len(rectangles), HEIGHT, WIDTH)
    for mask, (left, top, width, height) in zip(masks, rectangles, strict=True):
        mask[top : top + height, left : left + width] = 1
    return masks


MIDDLE = (80, 50, 20, 16)


def test_the_cut_has_the_size_that_was_asked_for_and_its_aspect() -> None:
    cut = crop_for_inpainting(picture(), mask_of(MIDDLE), 96, 64, grow_mask=0, seam=0, context=2.0, padding=4)
    assert cut.image.shape == (1, 64, 96, 3)
    assert cut.mask.shape == (1, 64, 96)
    assert cut.stitch.boxes == (Box(42, 66, 32, 48),)  # twice 16 high, and as wide as the aspect wants
    assert cut.mask.mean() == pytest.approx(20 * 16 / (32 * 48), abs=0.005)
    assert cut.mask[0, 32, 48] == 1
    assert cut.mask[0, 0].max() == 0


def test_padding_counts_where_the_factor_gives_less() -> None:
    cut = crop_for_inpainting(picture(), mask_of(MIDDLE), 64, 64, grow_mask=0, seam=0, context=1.0, padding=10)
    assert cut.stitch.boxes == (Box(38, 70, 40, 40),)


@pytest.mark.parametrize("rectangle", [MIDDLE, (0, 0, 12, 9), (170, 110, 10, 10), (0, 40, 180, 20)])
def test_only_what_the_mask_and_its_seam_reach_is_changed(rectangle: tuple[int, int, int, int]) -> None:
    image, mask = picture(channels=4), mask_of(rectangle)
    cut = crop_for_inpainting(image, mask, 64, 64, grow_mask=3, seam=8)
    made = stitch_inpainted(cut.stitch, torch.zeros(1, 64, 64, 3))
    changed = (made != image).any(-1)[0]
    rows, columns = changed.any(1).nonzero().flatten(), changed.any(0).nonzero().flatten()
    left, top, width, height = rectangle
    assert rows[0] >= max(0, top - 11)
    assert rows[-1] < min(HEIGHT, top + height + 11)
    assert columns[0] >= max(0, left - 11)
    assert columns[-1] < min(WIDTH, left + width + 11)
    assert (made[..., :3][mask > 0] < 1e-6).all()  # all that was selected is new
    assert torch.equal(made[..., 3], image[..., 3])


def test_the_seam_falls_evenly_from_new_to_old() -> None:
    image = torch.ones(1, HEIGHT, WIDTH, 3)
    cut = crop_for_inpainting(image, mask_of(MIDDLE), 64, 64, grow_mask=2, seam=10)
    made = stitch_inpainted(cut.stitch, torch.zeros(1, 64, 64, 3))
    across = made[0, 58, 100:, 0]  # from the right border of the mask on
    assert across[:2].max() < 1e-6
    assert (across[12:] == 1).all()
    steps = across[1:13].diff()
    assert (steps >= 0).all()
    assert steps.max() < 0.3


def test_at_the_border_of_the_picture_the_mask_does_not_fade() -> None:
    cut = crop_for_inpainting(torch.ones(1, HEIGHT, WIDTH, 3), mask_of((0, 40, 30, 30)), 64, 64, seam=12)
    assert stitch_inpainted(cut.stitch, torch.zeros(1, 64, 64, 3))[0, 45:65, 0].max() < 1e-6


def test_what_is_painted_lands_where_it_belongs() -> None:
    y, x = torch.meshgrid(torch.linspace(0, 1, HEIGHT), torch.linspace(0, 1, WIDTH), indexing="ij")
    image = torch.stack([x, y, (x + y) / 2], -1)[None]
    for rectangle in (MIDDLE, (0, 0, 30, 20), (140, 90, 40, 30)):
        cut = crop_for_inpainting(image, mask_of(rectangle), 256, 256)
        assert (stitch_inpainted(cut.stitch, cut.image) - image).abs().max() < 0.01


def test_a_picture_too_small_for_the_aspect_goes_on_at_its_border() -> None:
    image = picture()
    cut = crop_for_inpainting(
        image, mask_of((0, 0, WIDTH, HEIGHT)), 64, 128, grow_mask=0, seam=0, context=1.0, padding=0
    )
    assert cut.stitch.boxes == (Box(-120, 0, 360, 180),)
    made = stitch_inpainted(cut.stitch, torch.full((1, 128, 64, 3), 0.25))
    assert torch.allclose(made, torch.full_like(image, 0.25))


def test_every_picture_of_a_batch_has_a_box_of_its_own() -> None:
    images, masks = picture(3), mask_of(MIDDLE, (10, 10, 40, 40), (150, 100, 8, 8))
    cut = crop_for_inpainting(images, masks, 64, 64)
    assert len(set(cut.stitch.boxes)) == 3
    painted = torch.rand(3, 64, 64, 3)
    made = stitch_inpainted(cut.stitch, painted)
    for i in range(3):
        alone = crop_for_inpainting(images[i : i + 1], masks[i : i + 1], 64, 64)
        assert torch.equal(cut.image[i : i + 1], alone.image)
        assert torch.equal(made[i : i + 1], stitch_inpainted(alone.stitch, painted[i : i + 1]))


def test_one_mask_serves_all_pictures_and_fits_whatever_its_size() -> None:
    images = picture(2)
    small = mask_of(MIDDLE)[:, ::2, ::2]
    cut = crop_for_inpainting(images, small, 64, 64)
    assert cut.stitch.boxes[0] == cut.stitch.boxes[1]
    assert cut.mask.shape == (2, 64, 64)


def test_several_paintings_of_one_cut_give_as_many_pictures() -> None:
    image = picture()
    cut = crop_for_inpainting(image, mask_of(MIDDLE), 64, 64)
    painted = torch.rand(3, 64, 64, 3)
    made = stitch_inpainted(cut.stitch, painted)
    assert made.shape == (3, HEIGHT, WIDTH, 3)
    assert torch.equal(made[2:], stitch_inpainted(cut.stitch, painted[2:]))
    two = Stitch(torch.cat([image, image]), cut.stitch.weights.repeat(2, 1, 1), cut.stitch.boxes * 2)
    with pytest.raises(ValueError, match="3 painted images do not go with 2 that were cropped"):
        stitch_inpainted(two, painted)


def test_a_painting_of_another_size_is_brought_to_the_box() -> None:
    cut = crop_for_inpainting(torch.ones(1, HEIGHT, WIDTH, 3), mask_of(MIDDLE), 64, 64)
    made = stitch_inpainted(cut.stitch, torch.zeros(1, 192, 192, 3))
    assert torch.equal(made, stitch_inpainted(cut.stitch, torch.zeros(1, 64, 64, 3)))


def test_a_grey_picture_is_painted_in_colour() -> None:
    image = picture(channels=1)
    cut = crop_for_inpainting(image, mask_of(MIDDLE), 64, 64)
    assert cut.image.shape == (1, 64, 64, 3)
    assert stitch_inpainted(cut.stitch, cut.image).shape == (1, HEIGHT, WIDTH, 3)


def test_an_empty_mask_is_an_error_or_keeps_the_picture_as_is_chosen() -> None:
    images, masks = picture(2), mask_of(MIDDLE, (0, 0, 0, 0))
    with pytest.raises(ValueError, match="mask 2 of 2 selects nothing: paint what is to be painted anew"):
        crop_for_inpainting(images, masks, 64, 64)
    with pytest.raises(ValueError, match="the mask selects nothing"):
        crop_for_inpainting(images[:1], masks[1:], 64, 64)
    cut = crop_for_inpainting(images, masks, 96, 64, empty_mask="keeps the picture")
    assert cut.stitch.boxes[1] == Box(0, 0, 120, 180)
    assert cut.mask[1].max() == 0
    made = stitch_inpainted(cut.stitch, torch.zeros(2, 64, 96, 3))
    assert torch.equal(made[1], images[1])
    assert not torch.equal(made[0], images[0])
