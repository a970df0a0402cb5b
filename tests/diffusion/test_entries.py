"""Where, when and how strongly conditioning entries count."""

from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion.conditioning import combine
from engine.diffusion.entries import Area, Entry, resolve
from tests.diffusion.analytic_model import AnalyticModel, text

LATENT = torch.zeros(2, 4, 16, 24)


def resolved(latent: Tensor = LATENT, **lists: Any) -> dict[str, tuple[Entry, ...]]:
    return resolve(lists, AnalyticModel(), latent, None)


def only(**settings: Any) -> Entry:
    return resolved(positive=text(**settings))["positive"][0]


def test_areas_are_cut_to_the_latent() -> None:
    assert only(area=(100, 100, 4, 6)).area == Area(12, 18, 4, 6)


def test_shares_are_rounded_and_at_least_one_cell() -> None:
    assert only(area=("percentage", 0.01, 0.5, 0.25, 0.1)).area == Area(1, 12, 4, 2)


@pytest.mark.parametrize("area", [(8, 8, 16, 0), (8, 8, 0, 24), (8, 8, -1, 0)])
def test_an_area_outside_the_latent_is_refused(area: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="lies outside the latent of 24 x 16 cells"):
        only(area=area)


def test_an_area_for_video_is_refused_for_images() -> None:
    with pytest.raises(ValueError, match="height, width, y and x"):
        only(area=("percentage", 1.0, 0.5, 0.5, 0.0, 0.0, 0.0))


def test_areas_fade_in_where_they_do_not_touch_the_border() -> None:
    weight = only(area=(16, 12, 0, 12), strength=2.0).weight
    assert weight.shape == (1, 1, 16, 12)
    assert weight[0, 0, :, 0].tolist() == pytest.approx([2 / 3] * 16)
    assert weight[0, 0, 5].tolist() == pytest.approx([2 / 3, 4 / 3] + [2.0] * 10)


def test_masked_areas_do_not_fade_in() -> None:
    mask = torch.zeros(1, 16, 24)
    mask[:, 4:, 6:] = 1
    entry = only(mask=mask, mask_strength=0.5, strength=3.0, set_area_to_bounds=True)
    assert entry.area == Area(12, 18, 4, 6)
    assert torch.equal(entry.weight, torch.full((2, 1, 12, 18), 1.5))


def test_masks_are_repeated_or_cut_to_the_batch() -> None:
    masks = torch.stack([torch.full((16, 24), float(value)) for value in (1, 2, 3)])
    assert only(mask=masks).weight[:, 0, 0, 0].tolist() == [1, 2]
    assert only(mask=masks[:1]).weight[:, 0, 0, 0].tolist() == [1, 1]


def test_an_empty_mask_has_bounds_all_the_same() -> None:
    assert only(mask=torch.zeros(1, 99, 77), set_area_to_bounds=True).area == Area(8, 8, 0, 0)


def test_time_ranges_include_their_ends() -> None:
    entry = only(start_percent=0.2, end_percent=0.6)
    levels = AnalyticModel().levels
    start, end = levels.at_percent(0.2), levels.at_percent(0.6)
    assert [entry.is_active(sigma) for sigma in (start * 1.01, start, end, end * 0.99)] == [False, True, True, False]
    assert only(start_percent=0.0, end_percent=1.0).is_active(1e6)


def test_other_lists_get_their_own_text_for_an_area() -> None:
    area = text("A", area=(4, 4, 2, 2), strength=0.7, start_percent=0.5)
    lists = resolved(positive=combine(text("C"), area), negative=text("B", tokens=154, width=512))
    assert len(lists["positive"]) == 2
    _, copy = lists["negative"]
    assert copy.area == Area(4, 4, 2, 2)
    assert copy.tokens.shape[1] == 154
    assert copy.weight.max() == pytest.approx(0.7)
    assert copy.start == AnalyticModel().levels.at_percent(0.5)


def test_the_smallest_area_around_another_lends_its_text() -> None:
    area = text("A", area=(4, 4, 4, 4))
    others = [text("B", area=(8, 8, 2, 2)), text("C", area=(6, 6, 3, 3)), text("A"), text("B", area=(2, 2, 4, 4))]
    lists = resolved(positive=area, negative=combine(*others))
    assert lists["negative"][4].tokens[0, 0, 0] == "ABC".index("C")


def test_an_area_that_the_other_list_has_is_not_added_again() -> None:
    lists = resolved(positive=text("A", area=(4, 4, 2, 2)), negative=text("B", area=(4, 4, 2, 2)))
    assert len(lists["negative"]) == 1


def test_without_a_match_nothing_is_added() -> None:
    lists = resolved(positive=text("A", area=(4, 4, 0, 0)), negative=text("B", area=(4, 4, 8, 8)))
    assert [len(each) for each in lists.values()] == [1, 1]


def test_roles_are_told_to_the_family() -> None:
    roles: list[str] = []

    class Watching(AnalyticModel):
        def extras(self, entry: Any, latent: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
            roles.append(entry["role"])
            return {"concat": torch.zeros(2, 1, 16, 24), "y": torch.zeros(1, 5)}

    lists = {"positive": text("A", area=(4, 4, 2, 2)), "negative": text("B"), "empty": text(prompt_type="negative")}
    entry = resolve(lists, Watching(), LATENT, None)["positive"][0]
    assert set(zip(lists, (roles[0], roles[1], roles[-1]), strict=True)) == {
        ("positive", "positive"),
        ("negative", "negative"),
        ("empty", "negative"),
    }
    assert entry.extras["concat"].shape == (2, 1, 4, 4)
    assert entry.extras["y"].shape == (1, 5)


@pytest.mark.parametrize("entry", [torch.zeros(3), (None, {}), (torch.zeros(77, 4), {})])
def test_what_is_no_entry_is_refused(entry: Any) -> None:
    with pytest.raises(ValueError, match="conditioning entry"):
        resolved(positive=[entry])
