"""Latents keep their other keys, their noise numbers and their inputs while nodes work on them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.weights.folders import Folders
from nodes import latent as latents
from nodes import latent_batch as batches
from nodes import latent_math as maths
from nodes.latent_files import is_there, load_latent, save_latent


def numbered(*shape: int) -> torch.Tensor:
    return torch.arange(torch.Size(shape).numel()).float().view(shape)


def test_empty_latents_have_an_eighth_of_the_size() -> None:
    assert latents.empty_latent_image(520, 264, 2)["samples"].shape == (2, 4, 33, 65)
    assert latents.empty_sd3_latent_image(64, 64, 1)["samples"].shape == (1, 16, 8, 8)


def test_an_absurd_size_ends_in_words() -> None:
    with pytest.raises(MemoryError, match=r"16384 x 16384 pixels, batch 999999, needs .* GiB.* is free"):
        latents.empty_latent_image(16384, 16384, 999_999)


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [(0, 0, (16, 24)), (96, 0, (8, 12)), (0, 64, (8, 12)), (8, 8, (8, 8)), (130, 70, (8, 16))],
)
def test_a_latent_is_resized_to_pixels_of_which_one_side_may_follow(
    width: int, height: int, shape: tuple[int, int]
) -> None:
    samples = {"samples": torch.rand(1, 4, 16, 24), "noise_mask": torch.ones(1, 1, 8, 8)}
    resized = latents.latent_upscale(samples, "nearest-exact", width=width, height=height, crop="disabled")
    assert resized["samples"].shape[-2:] == shape
    assert "noise_mask" in resized


def test_latents_of_video_are_resized_frame_by_frame() -> None:
    video = torch.rand(1, 16, 3, 4, 4)
    resized = latents.latent_upscale_by({"samples": video}, "bislerp", 2.0)["samples"]
    assert resized.shape == (1, 16, 3, 8, 8)
    alone = latents.latent_upscale_by({"samples": video[:, :, 1]}, "bislerp", 2.0)["samples"]
    torch.testing.assert_close(resized[:, :, 1], alone)


def test_crop_flip_and_turn_move_cells() -> None:
    x = {"samples": numbered(1, 1, 16, 16)}
    assert latents.latent_crop(x, 64, 64, 8, 16)["samples"][0, 0, 0, 0] == 2 * 16 + 1
    assert latents.latent_crop(x, 64, 64, 4096, 0)["samples"].shape == (1, 1, 8, 8)
    assert latents.latent_flip(x, "x-axis: vertically")["samples"][0, 0, 0, 0] == 15 * 16
    assert latents.latent_rotate(x, "90 degrees")["samples"][0, 0, 0, 15] == 0


def test_a_composite_fades_at_sides_inside_the_picture_only() -> None:
    to, part = {"samples": torch.zeros(2, 4, 8, 8)}, {"samples": torch.ones(1, 4, 4, 4)}
    laid = latents.latent_composite(to, part, 0, 32, 16)["samples"]
    assert laid[1, 0, 4].tolist() == [0.5, 0.5, 0.5, 0.25, 0, 0, 0, 0]
    assert laid[1, 0, 7].tolist() == [1, 1, 1, 0.5, 0, 0, 0, 0]
    assert to["samples"].sum() == 0


def test_a_masked_composite_keeps_what_the_mask_leaves_out() -> None:
    to, part = {"samples": torch.zeros(1, 4, 8, 8)}, {"samples": torch.ones(1, 4, 4, 4)}
    mask = torch.zeros(1, 32, 32)
    mask[:, :, 16:] = 1
    laid = latents.latent_composite_masked(to, part, 48, 0, False, mask)["samples"]
    assert laid.sum() == 0
    laid = latents.latent_composite_masked(to, part, 32, 0, True, mask)["samples"]
    assert laid[0, 0].sum() == 0
    assert latents.latent_composite_masked(to, part, 0, 0, True, mask)["samples"][0, 0, 0].tolist() == [0] * 4 + [1] * 4


def test_a_part_of_a_batch_keeps_the_numbers_of_its_noise() -> None:
    batch = {"samples": torch.rand(4, 4, 2, 2), "noise_mask": numbered(4, 1, 1, 1)}
    part = batches.latent_from_batch(batch, 1, 2)
    assert part["batch_index"] == [1, 2]
    assert part["noise_mask"].flatten().tolist() == [1, 2]
    assert torch.equal(part["samples"], batch["samples"][1:3])
    assert batches.latent_from_batch(part, 1, 9)["batch_index"] == [2]
    assert batches.latent_from_batch(batch, 63, 1)["batch_index"] == [3]


def test_a_repeated_batch_counts_its_noise_on() -> None:
    repeated = batches.repeat_latent_batch({"samples": torch.rand(2, 4, 2, 2), "batch_index": [5, 7]}, 3)
    assert repeated["samples"].shape[0] == 6
    assert repeated["batch_index"] == [5, 7, 8, 10, 11, 13]
    assert "batch_index" not in batches.repeat_latent_batch({"samples": torch.rand(2, 4, 2, 2)}, 3)


def test_joined_batches_join_their_numbers() -> None:
    one = {"samples": torch.rand(2, 4, 4, 4)}
    two = {"samples": torch.rand(1, 4, 8, 8), "batch_index": [6]}
    joined = batches.latent_batch(one, two)
    assert joined["samples"].shape == (3, 4, 4, 4)
    assert joined["batch_index"] == [0, 1, 6]


def test_latents_are_rebatched_without_mixing_sizes() -> None:
    one = {"samples": torch.rand(3, 4, 4, 4)}
    two = {"samples": torch.rand(2, 4, 4, 4), "noise_mask": torch.ones(1, 8, 8)}
    three = {"samples": torch.rand(1, 4, 8, 8)}
    given: Any = [one, one, two, three], [4]
    made = batches.rebatch_latents(*given)
    assert [each["samples"].shape[0] for each in made] == [4, 2, 2, 1]
    assert [each["batch_index"] for each in made] == [[0, 1, 2, 3], [4, 5], [6, 7], [8]]
    assert made[2]["noise_mask"].shape == (2, 1, 8, 8)
    assert "noise_mask" not in made[0]


def test_all_of_a_batch_may_get_the_same_noise() -> None:
    batch = {"samples": torch.rand(3, 4, 2, 2), "batch_index": [4, 5, 6]}
    assert batches.latent_batch_seed_behavior(batch, "fixed")["batch_index"] == [4, 4, 4]
    assert "batch_index" not in batches.latent_batch_seed_behavior(batch, "random")
    assert batch["batch_index"] == [4, 5, 6]


def test_arithmetic_fits_the_second_latent_to_the_first() -> None:
    one, two = {"samples": torch.full((2, 4, 4, 4), 3.0), "type": "x"}, {"samples": torch.ones(1, 4, 8, 8)}
    assert maths.latent_add(one, two)["samples"].unique().tolist() == [4]
    assert maths.latent_subtract(one, two)["samples"].unique().tolist() == [2]
    assert maths.latent_multiply(one, -2)["samples"].unique().tolist() == [-6]
    assert maths.latent_blend(one, two, 0.25)["samples"].unique().tolist() == [1.5]
    assert maths.latent_add(one, two)["type"] == "x"
    with pytest.raises(ValueError, match="another model"):
        maths.latent_add(one, {"samples": torch.ones(1, 16, 4, 4)})


def test_interpolation_keeps_lengths_and_ends_at_its_inputs() -> None:
    one, two = {"samples": torch.randn(1, 4, 4, 4)}, {"samples": torch.randn(1, 4, 4, 4)}
    torch.testing.assert_close(maths.latent_interpolate(one, two, 1.0)["samples"], one["samples"])
    torch.testing.assert_close(maths.latent_interpolate(one, two, 0.0)["samples"], two["samples"])
    middle = maths.latent_interpolate(one, two, 0.5)["samples"].norm(dim=1)
    torch.testing.assert_close(middle, (one["samples"].norm(dim=1) + two["samples"].norm(dim=1)) / 2)
    nothing = {"samples": torch.zeros(1, 4, 4, 4)}
    assert maths.latent_interpolate(nothing, nothing, 0.5)["samples"].isfinite().all()


def test_strips_are_joined_and_cut_out() -> None:
    one, two = {"samples": numbered(1, 1, 2, 2)}, {"samples": -numbered(1, 1, 2, 3)}
    assert maths.latent_concat(one, two, "-x")["samples"][0, 0, 0].tolist() == [0, -1, -2, 0, 1]
    with pytest.raises(ValueError, match="sides differ"):
        maths.latent_concat(one, two, "y")
    with pytest.raises(ValueError, match="no time axis"):
        maths.latent_cut(one, "t", 0, 1)
    assert maths.latent_cut(two, "x", -2, 5)["samples"][0, 0, 0].tolist() == [-1, -2]
    assert maths.latent_cut(two, "x", 9, 5)["samples"][0, 0, 0].tolist() == [-2]


def test_a_saved_latent_comes_back_with_its_prompt_in_the_header(disk: Folders) -> None:
    samples = torch.randn(2, 4, 3, 5)
    result = save_latent({"samples": samples}, "l/x", {"1": {}}, {"workflow": {"a": "é"}})
    assert result.ui == {"latents": [{"filename": "x_00001_.latent", "subfolder": "l", "type": "output"}]}
    assert torch.equal(load_latent("l/x_00001_.latent [output]")["samples"], samples)
    raw = (disk.output / "l/x_00001_.latent").read_bytes()
    assert b"latent_format_version_0" in raw
    assert b"\\\\u00e9" in raw


def test_older_latent_files_are_scaled_back(disk: Folders) -> None:
    save_file({"latent_tensor": torch.full((1, 4, 2, 2), 0.18215)}, disk.input / "old.latent")
    torch.testing.assert_close(load_latent("old.latent")["samples"], torch.ones(1, 4, 2, 2))


def test_what_is_no_latent_file_is_told(disk: Folders, tmp_path: Path) -> None:
    (disk.input / "x.latent").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="x.latent is not a latent file"):
        load_latent("x.latent")
    save_file({"weight": torch.ones(1)}, disk.input / "y.latent")
    assert "weight" in load_file(disk.input / "y.latent")
    with pytest.raises(ValueError, match="it holds weight"):
        load_latent("y.latent")
    assert "no latent file" in str(is_there("z.latent"))
