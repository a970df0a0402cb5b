"""Large latents in tiles: where tiles lie, how their predictions are averaged, and what each of them is shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.device import room
from engine.diffusion import sampling
from engine.diffusion.calls import Piece, predictions
from engine.diffusion.denoiser import Denoiser
from engine.diffusion.drive import alone
from engine.diffusion.entries import resolve
from engine.diffusion.families.control_files import load_steering
from engine.diffusion.families.load import Checkpoint
from engine.diffusion.guidance import CfgGuider
from engine.diffusion.model import Aside, BlockHook, Model
from engine.diffusion.self_attention_guidance import blurred
from engine.diffusion.tiled_calls import tiled_predictions
from engine.diffusion.tiling import Tiling
from tests.diffusion.analytic_model import AnalyticModel
from tests.tiny.adapters import tiny_adapter
from tests.tiny.controls import make_tiny_control, tiny_control

Tiny = Callable[[str], Checkpoint]
SIGMA = torch.tensor([3.0, 3.0])


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


X, TEXT = noise(2, 4, 12, 20), noise(1, 77, 32, seed=2)


def in_tiles(model: Model, *numbers: Any) -> Model:
    return replace(model, hooks=replace(model.hooks, tiling=Tiling(*numbers)))


@dataclass(frozen=True)
class Watched(AnalyticModel):
    """Gives back half of what it sees, and keeps that."""

    seen: list[Tensor] = field(default_factory=list[Tensor])

    def predict(
        self,
        x: Tensor,
        sigma: Tensor,
        context: Tensor,
        extras: Mapping[str, Tensor],
        blocks: tuple[BlockHook, ...] = (),
    ) -> Tensor:
        self.seen.append(x)
        return x / 2


def watched(*numbers: Any, **more: Any) -> Watched:
    model = Watched(**more)
    return replace(model, hooks=replace(model.hooks, tiling=Tiling(*numbers)))


@pytest.mark.parametrize(("side", "tile", "overlap"), [(64, 32, 8), (65, 32, 31), (33, 32, 0), (100, 7, 3), (5, 9, 2)])
def test_tiles_are_alike_cover_all_and_overlap_by_as_much_as_asked_or_more(side: int, tile: int, overlap: int) -> None:
    windows = Tiling(tile, tile, overlap).windows(side, 4 * tile, level=1.0)
    rows = sorted({window.y for window in windows})
    tall = min(tile, side)
    assert {window.height for window in windows} == {tall}
    assert (rows[0], rows[-1] + tall) == (0, side)
    assert all(second <= first + tall - overlap for first, second in zip(rows, rows[1:], strict=False))


@pytest.mark.parametrize("level", [0.03, 1.0, 14.6])
def test_tiles_that_move_lie_side_by_side_but_at_the_borders(level: float) -> None:
    tiling = Tiling(8, 12, 0, moves=True)
    windows = tiling.windows(64, 60, level=level)
    covered = torch.zeros(64, 60)
    for window in windows:
        assert (window.height, window.width) == (8, 12)
        window.crop(covered).add_(1)
    assert covered.min() == 1
    assert (covered[8:-8, 12:-12] == 1).all()
    assert windows == tiling.windows(64, 60, level=level)
    assert windows != tiling.windows(64, 60, level=level / 2)
    assert len(tiling.windows(8, 12, level=level)) == 1


def test_tiles_that_do_not_reach_past_their_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match=r"tiles of 16 x 8 cells cannot overlap by 8"):
        Tiling(8, 16, 8)


@torch.no_grad()
@pytest.mark.parametrize("weighting", ["even", "gaussian"])
def test_one_tile_that_covers_the_latent_changes_no_bit(weighting: str, tiny: Tiny) -> None:
    model = tiny("sd15").model
    piece = Piece(model, X, SIGMA, TEXT, {})
    (whole,) = predictions([piece])
    (one,) = tiled_predictions([replace(piece, model=in_tiles(model, 12, 20, 4, 2, weighting))])
    assert torch.equal(one, whole)


@torch.no_grad()
def test_predictions_of_tiles_are_averaged_where_they_overlap(tiny: Tiny) -> None:
    model = tiny("inpaint").model
    concat = noise(2, 5, 12, 20, seed=3)
    (made,) = tiled_predictions([Piece(in_tiles(model, 8, 12, 4), X, SIGMA, TEXT, {"concat": concat})])
    total, count = torch.zeros_like(X), torch.zeros(12, 20)
    for rows in (slice(0, 8), slice(4, 12)):
        for columns in (slice(0, 12), slice(8, 20)):
            tile = X[..., rows, columns].contiguous()
            beside = {"concat": concat[..., rows, columns].contiguous()}
            total[..., rows, columns] += model.predict(tile, SIGMA, TEXT.expand(2, -1, -1), beside)
            count[rows, columns] += 1
    assert torch.allclose(made, total / count, atol=1e-5)
    assert not torch.allclose(made, predictions([Piece(model, X, SIGMA, TEXT, {"concat": concat})])[0], atol=1e-3)


@torch.no_grad()
def test_a_gaussian_weighs_the_middle_of_tiles_most(tiny: Tiny) -> None:
    model = tiny("sd15").model
    x, text = X[..., :8, :], TEXT.expand(2, -1, -1)
    (made,) = tiled_predictions([Piece(in_tiles(model, 8, 12, 4, 4, "gaussian"), x, SIGMA, TEXT, {})])
    left, right = (model.predict(each.contiguous(), SIGMA, text, {}) for each in (x[..., :12], x[..., 8:]))

    def weight(y: int, x: int) -> float:
        """Equation 4 of the paper, in a tile of 8 x 12 cells with a variance of 0.01 of its sides' squares."""
        return torch.tensor(-((y - 3.5) ** 2) / (2 * 0.01 * 64) - (x - 5.5) ** 2 / (2 * 0.01 * 144)).exp().item()

    for y, column in ((0, 0), (2, 8), (4, 9), (7, 11)):
        ours, theirs = weight(y, column), weight(y, column - 8) if column >= 8 else 0.0
        told = left[..., y, column] * ours + (right[..., y, column - 8] * theirs if theirs else 0.0)
        assert torch.allclose(made[..., y, column], told / (ours + theirs), atol=1e-5)


def test_so_many_tiles_of_a_step_go_through_the_model_together_and_both_prompts_with_them() -> None:
    model = watched(8, 8, 0, 3)
    pieces = [Piece(model, X[:1, :, :8], SIGMA[:1], text, {}) for text in (TEXT, TEXT * 2)]
    wide = replace(pieces[0], x=noise(1, 4, 8, 40, seed=5))
    assert torch.equal(tiled_predictions([wide])[0], wide.x / 2)
    assert [len(each) for each in model.seen] == [3, 2]
    model.seen.clear()
    for piece, made in zip(pieces, tiled_predictions(pieces), strict=True):
        assert torch.allclose(made, piece.x / 2)
    assert [tuple(each.shape) for each in model.seen] == [(6, 4, 8, 8)]


def test_a_latent_of_which_memory_holds_a_tile_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_ram", lambda: (64 << 20) + (1 << 19))  # one tile, and copies of the latent
    model = watched(8, 8, 0, 4, bytes_per_cell=1 << 20)
    empty = {"samples": torch.zeros(1, 4, 16, 16)}
    made = alone(sampling.ksampler(model, 5, 1, 1.0, "euler", "normal", [(TEXT, {})], [(TEXT, {})], empty))
    assert made["samples"].isfinite().all()
    assert {tuple(each.shape) for each in model.seen} == {(1, 4, 8, 8)}


@torch.no_grad()
@pytest.mark.parametrize("tensors", [tiny_control, tiny_adapter])
def test_a_tile_is_steered_by_its_part_of_the_hint(
    tensors: Callable[[], dict[str, Tensor]], tiny: Tiny, tmp_path: Path
) -> None:
    model = tiny("sd15").model
    net = load_steering(make_tiny_control(tmp_path / "net.safetensors", tensors()))
    hint = torch.rand(1, 96, 160, 3, generator=torch.Generator().manual_seed(3))
    tiled = Piece(in_tiles(model, 12, 10, 0), X, SIGMA, TEXT, {}, net.control(hint, 1.0, 0.0, 1.0, None))
    for _ in range(2):  # what was seen of the hint is kept for the next step
        (made,) = tiled_predictions([tiled])
        for part, pixels in ((slice(0, 10), slice(0, 80)), (slice(10, 20), slice(80, 160))):
            control = net.control(hint[:, :, pixels], 1.0, 0.0, 1.0, None)
            (wanted,) = predictions([Piece(model, X[..., part], SIGMA, TEXT, {}, control)])
            assert torch.allclose(made[..., part], wanted, atol=1e-5)


@torch.no_grad()
def test_areas_and_masks_count_in_tiles_as_in_the_whole(tiny: Tiny) -> None:
    """A network that looks no further than a cell sees the same in tiles: areas, masks and weights must not move."""
    model, mask = Watched(), torch.rand(1, 12, 20, generator=torch.Generator().manual_seed(3))
    positive = [(TEXT, {"area": (6, 14, 2, 4), "strength": 2.0}), (TEXT * 2, {"mask": mask}), (TEXT * 3, {})]
    negative = [(TEXT * 4, {})]

    def guided(model: Any) -> Tensor:
        guider = CfgGuider(model, positive, negative, 3.0)
        return Denoiser(guider, resolve(guider.lists, model, X, None))(X, SIGMA[0]).x0

    tiled = watched(5, 7, 2, 2)
    assert torch.allclose(guided(tiled), guided(model), atol=1e-5)
    assert {tuple(each.shape[2:]) for each in tiled.seen} == {(5, 7)}


def test_a_guidance_that_watches_the_whole_picture_is_refused(tiny: Tiny) -> None:
    model = in_tiles(tiny("sd15").model, 8, 8, 0)
    aside: Aside = blurred("Self-Attention Guidance", 2.0)
    model = replace(model, hooks=replace(model.hooks, asides=(aside,)))
    guider = CfgGuider(model, [(TEXT, {})], [(TEXT, {})], 3.0)
    denoise = Denoiser(guider, resolve(guider.lists, model, X, None))
    with torch.no_grad(), pytest.raises(ValueError, match="Self-Attention Guidance has to see the whole picture"):
        denoise(X, SIGMA[0])
