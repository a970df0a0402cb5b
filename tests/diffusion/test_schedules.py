import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion import schedule_edits as edits
from engine.diffusion import schedules
from engine.diffusion import schedules_without_model as formulas
from engine.diffusion.names import SCHEDULER_NAMES
from tests.diffusion.analytic import LEVELS, Golden

WITHOUT_MODEL = {
    "align_your_steps": formulas.align_your_steps,
    "optimal_steps": formulas.optimal_steps,
    "karras": formulas.karras,
    "exponential": formulas.exponential,
    "polyexponential": formulas.polyexponential,
    "laplace": formulas.laplace,
    "vp": formulas.vp,
}
BY_MODEL = {"sd_turbo": schedules.sd_turbo, "beta": schedules.beta}


def remade(record: dict[str, Any]) -> Tensor:
    args = dict(record.get("args", {}))
    if (node := record.get("node")) in WITHOUT_MODEL:
        return WITHOUT_MODEL[node](**args)
    if node in BY_MODEL:
        return BY_MODEL[node](LEVELS[record["model"]], **args)
    if node == "split_denoise":
        whole = schedules.make_schedule(args["scheduler"], LEVELS[args["model"]], args["steps"])
        high, low = edits.split_denoise(whole, args["denoise"])
        assert_near(high, record["high"])
        return low
    if node == "extend_intermediate":
        whole = schedules.make_schedule(args["scheduler"], LEVELS[args["model"]], args["steps_base"])
        bounds = args["start_at_sigma"], args["end_at_sigma"]
        return edits.extend_intermediate(whole, args["steps"], *bounds, args["spacing"])
    levels = LEVELS[record["model"]]
    if "sampler" in record:
        return schedules.for_sampler(record["sampler"], record["scheduler"], levels, record["steps"], record["denoise"])
    return schedules.make_schedule(record["scheduler"], levels, record["steps"])


def assert_near(sigmas: Tensor, wanted: list[float], what: object = "") -> None:
    assert len(sigmas) == len(wanted), what
    assert torch.allclose(sigmas, torch.tensor(wanted), rtol=2e-6, atol=1e-7), (what, sigmas, wanted)


def test_schedules_are_those_of_the_reference(golden: Golden) -> None:
    for record in golden("sigmas"):
        sigmas = remade(record)
        assert sigmas.dtype == torch.float32
        assert_near(sigmas, record["sigmas"], {key: value for key, value in record.items() if key != "sigmas"})


@pytest.mark.parametrize("name", SCHEDULER_NAMES)
@pytest.mark.parametrize("model", ["sd1_eps", "zsnr_v", "edm", "sd3_flow", "flux", "cascade", "lcm"])
@pytest.mark.parametrize("steps", [1, 2, 7, 40])
def test_every_schedule_descends_to_zero(name: str, model: str, steps: int) -> None:
    sigmas = schedules.make_schedule(name, LEVELS[model], steps)
    assert sigmas.isfinite().all()
    assert sigmas[-1] == 0
    assert sigmas[0] <= LEVELS[model].sigma_max * 1.0001
    assert (sigmas.diff() <= 0).all()


def test_no_denoising_is_an_empty_schedule() -> None:
    assert len(schedules.for_sampler("euler", "karras", LEVELS["sd1_eps"], 20, 0.0)) == 0
    assert len(schedules.basic("karras", LEVELS["sd1_eps"], 20, 0.0)) == 0


def test_the_stand_alone_node_keeps_its_step_count_where_the_sampler_node_takes_one_more() -> None:
    levels = LEVELS["sd1_eps"]
    assert len(schedules.for_sampler("euler", "ddim_uniform", levels, 30)) == 32
    assert len(schedules.basic("ddim_uniform", levels, 30)) == 31


def test_a_cut_schedule_ends_in_zero_unless_it_leaves_noise() -> None:
    sigmas = torch.tensor([4.0, 3.0, 2.0, 1.0, 0.0])
    assert edits.between(sigmas, 1, 3, leaves_noise=True).tolist() == [3.0, 2.0, 1.0]
    assert edits.between(sigmas, 1, 3, leaves_noise=False).tolist() == [3.0, 2.0, 0.0]
    assert edits.between(sigmas, 0, 10000, leaves_noise=False).tolist() == sigmas.tolist()
    assert edits.between(sigmas, 4, 10000, leaves_noise=False).tolist() == []
    assert sigmas.tolist() == [4.0, 3.0, 2.0, 1.0, 0.0]


def test_edits_leave_their_input_alone() -> None:
    sigmas = torch.tensor([2.0, 1.0, 0.0])
    assert edits.flip(sigmas).tolist() == pytest.approx([0.0001, 1.0, 2.0])
    assert edits.set_first(sigmas, 5.0).tolist() == [5.0, 1.0, 0.0]
    assert [part.tolist() for part in edits.split(sigmas, 1)] == [[2.0, 1.0], [1.0, 0.0]]
    assert [part.tolist() for part in edits.split_denoise(sigmas, 0.0)] == [[], [0.0]]
    assert edits.extend_intermediate(sigmas, 2, 1.5, 0.5).tolist() == [2.0, 1.0, 0.5, 0.0]
    assert sigmas.tolist() == [2.0, 1.0, 0.0]


def test_edits_of_nothing_are_nothing() -> None:
    empty = torch.empty(0)
    assert len(edits.flip(empty)) == len(edits.set_first(empty, 1.0)) == 0
    assert [len(part) for part in edits.split_denoise(empty, 0.5)] == [0, 0]
    assert len(edits.extend_intermediate(empty, 2, -1, 0)) == len(edits.between(empty, 0, 5, leaves_noise=True)) == 0


def test_an_unknown_scheduler_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(ValueError, match="did you mean karras"):
        schedules.make_schedule("karas", LEVELS["sd1_eps"], 5)
    with pytest.raises(ValueError, match="known are simple"):
        schedules.make_schedule("", LEVELS["sd1_eps"], 5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: schedules.make_schedule("karras", LEVELS["sd1_eps"], 0),
        lambda: schedules.make_schedule("karras", LEVELS["sd1_eps"], 1.5),  # pyright: ignore[reportArgumentType]
        lambda: schedules.for_sampler("euler", "karras", LEVELS["sd1_eps"], 10, math.nan),
        lambda: schedules.beta(LEVELS["sd1_eps"], 10, alpha=0.0),
        lambda: schedules.sd_turbo(LEVELS["sd1_eps"], 11),
        lambda: formulas.karras(5, rho=0.0),
        lambda: formulas.exponential(5, sigma_min=0.0),
        lambda: formulas.laplace(5, beta=math.inf),
        lambda: formulas.align_your_steps("SD3", 5),
        lambda: edits.split_denoise(torch.tensor([1.0, 0.0]), 1.5),
        lambda: edits.extend_intermediate(torch.tensor([1.0, 0.0]), 0, -1, 0),
    ],
)
def test_absurd_settings_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="should|known"):
        make()
