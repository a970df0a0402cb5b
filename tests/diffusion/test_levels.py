import math
from collections.abc import Callable

import pytest
import torch

from engine.diffusion.levels import DiscreteLevels, EdmLevels, FlowLevels, FluxLevels
from tests.diffusion.analytic import LEVELS, Golden


def test_tables_and_maps_are_those_of_the_reference(golden: Golden) -> None:
    for record in golden("model_sampling"):
        levels = LEVELS[record["model"]]
        rel = 1e-3 if record["model"] == "cascade" else 2e-6
        near = lambda value, rel=rel: pytest.approx(value, rel=rel, abs=1e-6)  # noqa: E731
        assert len(levels.table) == record["table_length"]
        assert levels.sigma_min == near(record["sigma_min"])
        assert levels.sigma_max == near(record["sigma_max"])
        for index, sigma in record["table"]:
            assert levels.table[index].item() == near(sigma), (record["model"], index)
        for sigma, t in record["timestep_of_sigma"]:
            assert levels.timestep(torch.tensor(sigma)).item() == near(t), (record["model"], sigma)
        for t, sigma in record["sigma_of_timestep"]:
            assert levels.sigma(torch.tensor(float(t))).item() == near(sigma), (record["model"], t)
        for percent, sigma in record["percent_to_sigma"]:
            assert levels.at_percent(percent) == near(sigma), (record["model"], percent)


def test_noising_and_finishing_are_those_of_the_reference(golden: Golden) -> None:
    latent, noise, x = torch.full((1, 1, 1, 1), 0.3), torch.full((1, 1, 1, 1), 0.8), torch.full((1, 1, 1, 1), 1.5)
    for record in golden("model_sampling"):
        levels = LEVELS[record["model"]]
        for case in record["precondition"]:
            sigma = torch.tensor([case["sigma"]])
            assert levels.noised(latent, noise, sigma).item() == pytest.approx(case["noised"], rel=1e-6)
            assert levels.noised(latent, noise, sigma, is_full=True).item() == pytest.approx(
                case["noised_max"], rel=1e-6
            )
            if "finished" in case:
                assert levels.finished(x, sigma).item() == pytest.approx(case["finished"], rel=1e-5)


@pytest.mark.parametrize("model", LEVELS)
def test_tables_ascend_in_float32(model: str) -> None:
    table = LEVELS[model].table
    assert table.dtype == torch.float32
    assert (table.diff() >= 0).all()


def test_each_image_of_a_batch_has_its_own_level() -> None:
    latent, noise = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 3, 3)
    for levels in (DiscreteLevels(), FlowLevels()):
        sigma = torch.tensor([0.3, 0.8])
        both = levels.noised(latent, noise, sigma)
        assert torch.equal(both[1], levels.noised(latent, noise, sigma[1])[1])
        assert torch.equal(levels.timestep(sigma)[1], levels.timestep(sigma[1]))


def test_the_highest_level_counts_as_full_up_to_rounding() -> None:
    levels = DiscreteLevels()
    assert levels.is_full(14.614643)
    assert levels.is_full(torch.tensor(20.0))
    assert not levels.is_full(14.6)


def test_flux_shift_grows_with_the_image() -> None:
    assert FluxLevels.for_size(1024, 1024).mu == pytest.approx(1.15)
    assert FluxLevels.for_size(256, 256).mu == pytest.approx(0.5)


def test_levels_are_values() -> None:
    assert DiscreteLevels() == DiscreteLevels()
    assert DiscreteLevels(zero_terminal=True) != DiscreteLevels()


@pytest.mark.parametrize(
    "make",
    [
        lambda: FlowLevels(shift=0),
        lambda: FlowLevels(shift=math.nan),
        lambda: FluxLevels(math.inf),
        lambda: EdmLevels(5.0, 1.0),
        lambda: DiscreteLevels().at_percent(math.nan),
        lambda: DiscreteLevels(betas="square").table,  # pyright: ignore[reportArgumentType]
    ],
)
def test_absurd_levels_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="should|none of"):
        make()
