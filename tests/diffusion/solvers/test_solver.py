import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.diffusion.drive import Prediction
from engine.diffusion.names import SAMPLER_NAMES, SCHEDULER_NAMES
from engine.diffusion.schedules import make_schedule
from engine.diffusion.solvers.setting import Midway, place
from engine.diffusion.solvers.solver import Solver, named
from tests.diffusion.analytic import LEVELS, SET_A, SET_B, drive, run

SD1, SD3 = LEVELS["sd1_eps"], LEVELS["sd3_flow"]


def test_the_names_are_those_that_clients_know(spec_dir: Path) -> None:
    inputs = json.loads((spec_dir / "object_info.json").read_text("utf-8"))["KSampler"]["input"]["required"]
    assert list(SAMPLER_NAMES) == inputs["sampler_name"][0]
    assert list(SCHEDULER_NAMES) == inputs["scheduler"][0]


@pytest.mark.parametrize("name", SAMPLER_NAMES)
@pytest.mark.parametrize("model", ["sd1_eps", "sd3_flow"])
def test_every_name_solves_to_a_finite_latent_in_steps_that_a_driver_can_count(name: str, model: str) -> None:
    levels = LEVELS[model]
    sigmas = make_schedule("simple", levels, 6)
    done = run(named(name), levels, sigmas, seed=4)
    assert done.latent.isfinite().all()
    if name != "dpm_adaptive":
        starts = [sigma for sigma, is_midway in done.asked if not is_midway]
        places = [place(torch.tensor(sigma), sigmas) for sigma in starts]
        assert places == sorted(places)
        if name not in ("dpm_fast", "uni_pc", "uni_pc_bh2"):
            assert places == list(range(6))


@pytest.mark.parametrize("name", SAMPLER_NAMES)
@pytest.mark.parametrize("schedule", [[], [3.0]])
def test_a_schedule_without_a_step_leaves_the_latent_as_it_is(name: str, schedule: list[float]) -> None:
    x, sigmas = torch.randn(1, 4, 2, 2), torch.tensor(schedule)
    solver = named(name)
    with pytest.raises(StopIteration) as done:
        next(solver.steps(x, sigmas, solver.setting(SD1, x, sigmas, 0)))
    assert done.value.value is x


@pytest.mark.parametrize("name", SAMPLER_NAMES)
def test_a_run_that_is_told_the_same_answers_again_asks_the_same_again(name: str) -> None:
    solver, sigmas = named(name), make_schedule("karras", SD1, 5)
    x = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(1)) * sigmas[0]
    kept: list[tuple[torch.Tensor, Prediction]] = []

    def predict(x: torch.Tensor, sigma: torch.Tensor) -> Prediction:
        kept.append((x, Prediction(SET_A.denoise(x, sigma, False), SET_B.denoise(x, sigma, False))))
        return kept[-1][1]

    first = drive(solver.steps(x, sigmas, solver.setting(SD1, x, sigmas, 3)), solver.reply, predict)
    replayed = iter(kept)

    def repeat(x: torch.Tensor, sigma: torch.Tensor) -> Prediction:
        asked, answer = next(replayed)
        assert torch.equal(x, asked)
        return answer

    again = drive(solver.steps(x, sigmas, solver.setting(SD1, x, sigmas, 3)), solver.reply, repeat)
    assert torch.equal(first, again)


@pytest.mark.parametrize("name", [name for name in SAMPLER_NAMES if name != "dpm_adaptive"])
def test_the_images_of_a_batch_do_not_see_each_other(name: str) -> None:
    sigmas = make_schedule("karras", SD1, 4)
    solver = named(name)
    x = torch.randn(3, 4, 4, 4, generator=torch.Generator().manual_seed(1)) * sigmas[0]

    def ended(x: torch.Tensor, at: slice) -> torch.Tensor:
        def predict(x: torch.Tensor, sigma: torch.Tensor) -> Prediction:
            return Prediction(SET_A.denoise(x, sigma, False), SET_B.denoise(x, sigma, False))

        setting = solver.setting(SD1, x, sigmas, 3)
        whole = solver.setting(SD1, x.new_zeros(3, 4, 4, 4), sigmas, 3)
        setting = type(setting)(SD1, lambda a, b: whole.noise(a, b)[at], lambda a, b: whole.churn(a, b)[at])
        return drive(solver.steps(x, sigmas, setting), solver.reply, predict)

    together = ended(x, slice(0, 3))
    assert torch.allclose(together[1:2], ended(x[1:2], slice(1, 2)), atol=1e-5)


@pytest.mark.parametrize(
    ("solver", "order"),
    [
        (named("euler"), 1),
        (named("heun"), 2),
        (named("dpm_2"), 2),
        (named("lms"), 2),
        (named("dpmpp_2m"), 2),
        (named("deis"), 2),
        (named("ipndm_v", max_order=2), 2),  # its third order is in use, but not of third order
        (named("res_multistep"), 2),
        (named("seeds_2", eta=0.0), 2),
        (named("seeds_3", eta=0.0), 3),
        (named("uni_pc"), 2),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_deterministic_solvers_close_in_on_the_exact_flow_as_fast_as_their_order_says(
    solver: Solver, order: int
) -> None:
    # For x0 ~ Normal(0, 1) the posterior mean is x / (1 + sigma²), and the flow keeps x / sqrt(1 + sigma²).
    x = torch.full((1, 1, 1, 1), 3.0, dtype=torch.float64)
    errors: list[float] = []
    for steps in (64, 128):
        sigmas = torch.linspace(math.log(5.0), math.log(0.5), steps + 1, dtype=torch.float64).exp()
        running = solver.steps(x, sigmas, solver.setting(SD1, x, sigmas, 0))
        end = drive(running, solver.reply, lambda x, sigma: Prediction(x / (1 + sigma**2)))
        errors.append(abs(end.item() - 3.0 * math.sqrt((1 + 0.5**2) / (1 + 5.0**2))))
    assert errors[1] < errors[0] / 2 ** (order - 0.25)


def test_names_with_gpu_in_them_differ_only_in_where_the_path_is_made() -> None:
    sigmas = make_schedule("karras", SD1, 4)
    for name in (name for name in SAMPLER_NAMES if name.endswith("_gpu")):
        here = run(named(name.removesuffix("_gpu")), SD1, sigmas, seed=2)
        assert torch.equal(run(named(name), SD1, sigmas, seed=2).latent, here.latent)


def test_a_run_leaves_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    for name in ("euler_ancestral", "dpmpp_sde"):
        run(named(name), SD1, make_schedule("karras", SD1, 3), seed=2)
    run(named("heunpp2", s_churn=3.0), SD1, make_schedule("karras", SD1, 3), seed=2)
    assert torch.equal(torch.get_rng_state(), state)


def test_pure_noise_of_a_flow_model_is_lowered_before_it_meets_a_logarithm() -> None:
    for name in ("dpmpp_2m_sde", "dpmpp_sde", "seeds_3", "sa_solver", "er_sde"):
        done = run(named(name), SD3, make_schedule("simple", SD3, 3), seed=2)
        assert 0.9999 < done.asked[0][0] < 1


def test_a_cfg_pp_sampler_says_what_it_misses() -> None:
    solver, x, sigmas = named("euler_cfg_pp"), torch.zeros(1, 4, 2, 2), torch.tensor([2.0, 1.0, 0.0])
    running = solver.steps(x, sigmas, solver.setting(SD1, x, sigmas, 0))
    next(running)
    assert solver.reads_uncond
    with pytest.raises(ValueError, match="negative prompt"):
        running.send(solver.reply(Prediction(x)))


def test_the_alternative_euler_step_of_cfg_pp() -> None:
    solver, x, sigmas = named("euler_cfg_pp", version="alternative"), torch.ones(1, 1, 1, 1), torch.tensor([2.0, 1.0])
    running = solver.steps(x, sigmas, solver.setting(SD1, x, sigmas, 0))
    end = drive(running, solver.reply, lambda x, sigma: Prediction(x * 0.5, x * 0.25))
    assert end.item() == pytest.approx(1 + (1 - 2 * 0.5 + 0.25) / 2 * (1 - 2))


def test_unipc_stops_short_of_zero_and_says_so() -> None:
    sigmas = torch.tensor([2.0, 1.0, 0.0])
    assert named("uni_pc").end(sigmas).item() == pytest.approx(0.001)
    assert named("uni_pc").end(sigmas[:2]).item() == 1.0
    assert named("euler").end(sigmas).item() == 0.0


def test_options_replace_what_the_name_sets() -> None:
    assert named("dpmpp_2m_sde_heun").defaults == {"eta": 1.0, "s_noise": 1.0, "solver_type": "heun"}
    sigmas = make_schedule("karras", SD1, 4)
    midpoint = run(named("dpmpp_2m_sde"), SD1, sigmas, seed=2).latent
    assert torch.equal(run(named("dpmpp_2m_sde_heun", solver_type="midpoint"), SD1, sigmas, seed=2).latent, midpoint)


def test_an_adaptive_run_that_finds_no_step_size_ends_with_an_error() -> None:
    x, sigmas = torch.ones(1, 1, 2, 2), torch.tensor([2.0, 0.1])
    for solver, answer, wrong in (
        (named("dpm_adaptive", accept_safety=50.0), 0.5, "found no step size at sigma"),
        (named("dpm_adaptive"), math.nan, "was sent predictions that are not finite at sigma"),
    ):
        running = solver.steps(x, sigmas, solver.setting(SD1, x, sigmas, 0))
        with pytest.raises(ArithmeticError, match=wrong):
            drive(running, solver.reply, lambda x, sigma, answer=answer: Prediction(x * answer))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("eular", {}, "no sampler 'eular'; did you mean euler"),
        ("", {}, "known are euler, "),
        ("euler", {"eta": 1.0}, "sampler euler has no option 'eta'; it takes s_churn, s_tmin"),
        ("euler_ancestral", {"s_nois": 1.0}, "did you mean s_noise"),
        ("ddpm", {"eta": 1.0}, "it takes none"),
        ("euler_ancestral", {"eta": math.nan}, "option eta is nan; it should be a number at least 0"),
        ("euler_ancestral", {"eta": math.inf}, "option eta is inf"),
        ("euler_ancestral", {"eta": "1"}, "should be a number"),
        ("lms", {"order": 0}, "should be a whole number from 1 to 100"),
        ("lms", {"order": 2.5}, "should be a whole number"),
        ("dpm_adaptive", {"order": True}, "should be a whole number from 2 to 3"),
        ("dpm_adaptive", {"h_init": 0.0}, "should be a number above 0"),
        ("dpmpp_2m_sde", {"solver_type": "euler"}, "should be one of midpoint, heun"),
        ("sa_solver", {"tau": [0.1, 0.9]}, "should be 3 numbers"),
        ("sa_solver", {"tau": [0.1, 1.9, 1.0]}, "should be a number from 0 to 1"),
        ("sa_solver", {"use_pece": 1}, "should be True or False"),
        ("er_sde", {"noise_scaler_power": -1.0}, "should be a number at least 0"),
    ],
)
def test_wrong_names_and_options_are_refused_with_what_would_be_right(
    name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Solver(name, options)


@pytest.mark.parametrize("schedule", [[[2.0, 1.0]], [2.0, math.nan], [math.inf, 1.0], [1.0, -1.0]])
def test_a_schedule_that_is_none_is_refused(schedule: list[Any]) -> None:
    solver, x, sigmas = named("euler"), torch.zeros(1, 4, 2, 2), torch.tensor(schedule)
    with pytest.raises(ValueError, match="schedule"):
        solver.steps(x, sigmas, solver.setting(SD1, x, torch.tensor([1.0, 0.0]), 0))


def test_an_infinite_bound_is_one_where_the_option_says_so() -> None:
    assert named("euler", s_tmax=math.inf, s_churn=1).options["s_tmax"] == math.inf


def test_evaluations_inside_a_step_are_marked() -> None:
    solver, x, sigmas = named("heun"), torch.ones(1, 1, 2, 2), torch.tensor([2.0, 1.0, 0.0])
    running = solver.steps(x, sigmas, solver.setting(SD1, x, sigmas, 0))
    asks = [next(running), running.send(x), running.send(x)]
    assert [isinstance(ask, Midway) for ask in asks] == [False, True, False]


def test_a_solver_is_a_value() -> None:
    assert named("lms", order=3) == Solver("lms", {"order": 3})
    assert named("lms", order=3) != named("lms")
    assert {named("lms"): 1}[Solver("lms")] == 1
