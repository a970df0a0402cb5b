"""An upscale model learns details of its pictures, and begins at repeating pixels."""

from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor

from engine.pictures.upscale import upscale
from engine.training.pictures import Pictures, draw_all
from engine.training.recipe import Recipe
from engine.training.upscaler import (
    Numbers,
    Size,
    UpscalerTask,
    bicubic,
    fresh_network,
    measured,
    psnr,
    shrunk,
    stored,
    train_upscaler,
)
from tests.training.toys import Discs

SMALL = Size(2, 8, 1)
CPU = torch.device("cpu")


def recipe(steps: int) -> Recipe:
    return Recipe(steps=steps, batch=4, rate=3e-3, warm_up=10, average=0.9, precision="float32", preview_every=0)


def discs() -> Pictures:
    return draw_all(Discs(20))


def test_a_fresh_network_repeats_pixels() -> None:
    small = torch.rand(1, 3, 4, 5, generator=Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(fresh_network(SMALL, 0)(small), small.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_training_beats_bicubic_interpolation_on_pictures_it_did_not_see() -> None:
    made = train_upscaler(discs(), recipe(500), Size(2, 16, 2), crop=32)
    assert made.measured == 2
    assert made.psnr > made.psnr_bicubic + 1
    figures = [
        (psnr(upscale(made.model, small.movedim(1, -1), CPU).movedim(-1, 1), large), psnr(bicubic(small, 2), large))
        for large in measured(discs(), [18, 19], 2)
        for small in (shrunk(large, 2),)
    ]
    assert (made.psnr, made.psnr_bicubic) == pytest.approx([sum(each) / 2 for each in zip(*figures, strict=True)])
    assert made.run.shown.size[0] >= 64


@pytest.mark.parametrize(("numbers", "dtype"), [("float16", torch.float16), ("float32", torch.float32)])
def test_the_model_given_is_the_one_that_its_file_holds(numbers: Numbers, dtype: torch.dtype) -> None:
    made = train_upscaler(discs(), recipe(2), Size(4, 8, 1), 16, 0.5, numbers)
    assert {each.dtype for each in made.tensors.values()} == {dtype}
    assert made.model.scale == 4
    for name, weight in made.model.model.state_dict().items():
        assert torch.equal(weight, made.tensors[name].float())


def test_a_run_that_was_interrupted_goes_on_where_it_stopped(tmp_path: Path) -> None:
    store = tmp_path / "run.safetensors"
    train_upscaler(discs(), recipe(3), SMALL, 16, store=store)
    resumed = train_upscaler(discs(), recipe(6), SMALL, 16, store=store)
    assert len(resumed.run.losses) == 6


def test_edges_weigh_in_the_loss_where_they_are_asked_for() -> None:
    pictures = discs()
    plain, edged = (UpscalerTask(fresh_network(SMALL, 0), pictures, 2, 16, 18, edges) for edges in (0.0, 1.0))
    batch = plain.fetch([0, 1], Generator().manual_seed(2))
    generator = Generator()
    assert edged.loss(batch, generator) > plain.loss(batch, generator) > 0


def test_crops_come_in_all_eight_positions_and_small_ones_belong_to_them() -> None:
    task = UpscalerTask(fresh_network(SMALL, 0), discs(), 2, 32, 18)
    whole = task.pictures.planes[:1].float() / 255
    positions = [_position(whole, turns, mirrored) for turns in range(4) for mirrored in (False, True)]
    seen: set[int] = set()
    for seed in range(60):
        small, large = task.fetch([0], Generator().manual_seed(seed))
        assert torch.equal(small, shrunk(large, 2))
        seen |= {place for place, each in enumerate(positions) if torch.equal(each, large)}
    assert seen == set(range(8))


@pytest.mark.parametrize("crop", [15, 0, 64])
def test_crops_that_do_not_fit_are_refused(crop: int) -> None:
    with pytest.raises(ValueError, match=f"crop is {crop}; it should be a multiple of 2 and fit into pictures of 32"):
        train_upscaler(discs(), recipe(1), SMALL, crop)


def test_weights_beyond_float16_are_told_with_what_to_do() -> None:
    network = fresh_network(SMALL, 0)
    with torch.no_grad():
        next(network.parameters()).mul_(1e6)
    with pytest.raises(ValueError, match="save the upscale model as float32"):
        stored(network, torch.float16)
    assert stored(network, torch.float32)["body.0.weight"].abs().max() > 65504


def _position(planes: Tensor, turns: int, mirrored: bool) -> Tensor:
    turned = planes.rot90(turns, (-2, -1))
    return turned.flip(-1) if mirrored else turned
