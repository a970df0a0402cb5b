"""Edges are where kornia finds them, and thresholds mean what they mean there."""

import json

import pytest
import torch
from torch import Tensor

from engine.pictures import canny
from nodes.image_edit import canny_edges
from tests.conftest import REFERENCES

THRESHOLDS = ((0.4, 0.8), (0.1, 0.2), (0.05, 0.9))


def drawn() -> Tensor:
    """A picture (1, 40, 48, 3): discs and a bar of several colours on a ramp."""
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(48.0), indexing="ij")
    picture = torch.stack([x / 96, y / 80, (x + y) / 176], dim=-1)
    for across, down, radius, colour in ((14, 13, 9, (0.9, 0.2, 0.1)), (34, 24, 11, (0.35, 0.4, 0.3))):
        picture[(x - across) ** 2 + (y - down) ** 2 < radius**2] = torch.tensor(colour)
    picture[30:34, 3:20] = 1
    return picture[None]


@pytest.mark.parametrize(("low", "high"), THRESHOLDS)
def test_edges_are_those_of_kornia(low: float, high: float) -> None:
    rows = json.loads((REFERENCES / "canny/edges.json").read_text("utf-8"))[f"{low} {high}"]
    theirs = torch.tensor([[each == "#" for each in row] for row in rows])
    ours = canny.edges(drawn(), low, high)[0, ..., 0] > 0
    assert theirs.sum() > 20
    assert (ours != theirs).sum() <= 0.01 * theirs.sum()  # OpenCV's gradients are rounded to integers


@pytest.mark.parametrize(("step", "is_found"), [(0.29, False), (0.32, True)])
def test_a_border_counts_with_26_times_its_difference(step: float, is_found: bool) -> None:
    picture = torch.zeros(1, 9, 12, 1)
    picture[:, :, 6:] = step
    found = canny_edges(picture)
    assert bool(found.any()) is is_found
    assert (found.sum(2) <= 1).all()  # one pixel wide


def test_a_weak_edge_stays_where_it_touches_a_strong_one() -> None:
    picture = torch.zeros(1, 40, 40, 3)
    picture[:, :, :8] = torch.linspace(0.2, 0.6, 40)[None, :, None, None]  # the border fades from bottom to top
    picture[:, 12:20, 28:34] = 0.2  # as weak, and alone
    found = canny_edges(picture, 0.4, 0.8)[0, ..., 0]
    assert found[:, :14].any(1).all()
    assert not found[:, 24:].any()


def test_every_picture_of_a_batch_has_its_edges_in_three_equal_channels() -> None:
    batch = torch.cat([drawn(), drawn().flip(1)])
    found = canny_edges(batch)
    assert found.shape == batch.shape
    assert torch.equal(found, found[..., :1].expand_as(found))
    assert found.unique().tolist() == [0, 1]
    assert torch.equal(found[:1], canny_edges(batch[:1]))
    assert torch.equal(found[1:], canny_edges(batch[1:]))


def test_alpha_is_not_looked_at_and_grey_is_grey() -> None:
    picture = drawn()
    with_alpha = torch.cat([picture, torch.rand(1, 40, 48, 1)], -1)
    assert torch.equal(canny_edges(with_alpha), canny_edges(picture))
    grey = picture[..., :1]
    assert torch.equal(canny_edges(grey), canny_edges(grey.expand_as(picture)))


def test_a_low_threshold_above_the_high_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"low_threshold 0.9 is above high_threshold 0.8: weak edges must be weaker"):
        canny_edges(drawn(), 0.9, 0.8)
