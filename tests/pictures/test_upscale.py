"""Pictures are enlarged in tiles that show no seams, and in smaller ones where memory does not suffice."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from engine.device.memory import OutOfMemory
from engine.node.context import Executing, Interrupted, entered
from engine.pictures.upscale import upscale

CPU = torch.device("cpu")


@dataclass
class Doubling:
    """Enlarges by interpolation, and runs out of memory above so many pixels a side."""

    most: int = 1 << 20
    input_channels: int = 3
    scale: int = 2
    dtype: torch.dtype = torch.float32
    seen: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])

    def __call__(self, image: Tensor) -> Tensor:
        self.seen.append(tuple(image.shape))
        if max(image.shape[2:]) > self.most:
            raise torch.OutOfMemoryError("out of memory, says the test")
        return interpolate(image, scale_factor=2, mode="bilinear")


def picture(height: int, width: int, channels: int = 3) -> Tensor:
    return torch.rand(1, height, width, channels, generator=torch.Generator().manual_seed(1))


def whole(image: Tensor) -> Tensor:
    return interpolate(image.movedim(-1, 1), scale_factor=2, mode="bilinear").movedim(1, -1)


def call(report: Callable[..., None], is_cancelled: Callable[[], bool] = lambda: False) -> Executing:
    return Executing("prompt", "1", None, report, is_cancelled)


def test_tiles_fit_together_without_seams() -> None:
    image = picture(40, 700)
    model = Doubling()
    made = upscale(model, image, CPU)
    assert model.seen == [(1, 3, 40, 512), (1, 3, 40, 220)]
    assert (made - whole(image)).abs().max() < 0.02  # the middles of overlaps see both neighbours
    assert (made - whole(image))[:, :, 64:900].abs().max() < 1e-6


def test_tiles_are_halved_until_memory_holds_them() -> None:
    model = Doubling(most=130)
    made = upscale(model, picture(20, 300), CPU)
    assert [shape[3] for shape in model.seen] == [300, 256, 128, 128, 108]
    assert made.shape == (1, 40, 600, 3)


def test_memory_too_small_for_the_least_tile_is_told_with_the_size_asked_for() -> None:
    with pytest.raises(OutOfMemory, match=r"upscaling 1 picture to 600 x 400 in tiles of 128"):
        upscale(Doubling(most=100), picture(200, 300), CPU)


def test_other_errors_of_a_model_are_not_taken_for_a_shortage() -> None:
    class Broken(Doubling):
        def __call__(self, image: Tensor) -> Tensor:
            super().__call__(image)
            raise RuntimeError("sizes do not match")

    model = Broken()
    with pytest.raises(RuntimeError, match="sizes do not match"):
        upscale(model, picture(8, 8), CPU)
    assert len(model.seen) == 1


def test_every_tile_is_reported_and_a_cancelled_run_stops() -> None:
    told: list[tuple[float, float]] = []
    with entered(call(lambda value, total, _: told.append((value, total)))):
        upscale(Doubling(), picture(8, 700).expand(2, -1, -1, -1), CPU)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    model = Doubling()
    with entered(call(lambda *_: None, lambda: bool(model.seen))), pytest.raises(Interrupted):
        upscale(model, picture(8, 700), CPU)
    assert len(model.seen) == 1


@pytest.mark.parametrize(("channels", "of"), [(1, 3), (3, 4), (4, 3), (4, 4)])
def test_models_see_the_channels_that_they_know_and_give_colour(channels: int, of: int) -> None:
    model = Doubling(input_channels=channels)
    made = upscale(model, picture(6, 6, of), CPU)
    assert model.seen == [(1, channels, 6, 6)]
    assert made.shape == (1, 12, 12, 3)
    assert (made[..., 0] == made[..., 1]).all() == (channels == 1)


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(ValueError, match=r"batch, height, width, 3"):
        upscale(Doubling(), picture(6, 6, 2), CPU)
