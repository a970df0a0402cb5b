"""Whole runs against the figures of the reference, and what runs do with latents that do not fit."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion.denoiser import answer_together
from engine.diffusion.drive import Ask, Asking, Job, alone, sample_together
from engine.diffusion.guidance import BasicGuider, CfgGuider
from engine.diffusion.latent_format import IDENTITY, SD15, LatentFormat
from engine.diffusion.model import Hooks
from engine.diffusion.noise import NoNoise, RandomNoise
from engine.diffusion.noise_mask import differential, fitted
from engine.diffusion.sampling import Sampled, ksampler, ksampler_advanced, matched, noised, sample
from engine.diffusion.schedules import make_schedule
from engine.diffusion.solvers.solver import named
from tests.diffusion.analytic import LEVELS, mismatch
from tests.diffusion.analytic_model import AnalyticModel, mask_of, text

FORMATS = {
    "scale_0.18215": LatentFormat("test", 4, 0.18215),
    "sd3_scale_shift": LatentFormat("test", 4, 1.5305, 0.0609),
    "identity": IDENTITY,
}


def latent_of(record: dict[str, Any]) -> dict[str, Any]:
    shape, made = record["shape"], record["latent"]
    samples = torch.zeros(shape)
    if made is not None:
        index = torch.arange(math.prod(shape), dtype=torch.float64)
        samples = (made["scale"] * torch.sin(0.11 * index + 0.3) + made.get("offset", 0.0)).float().reshape(shape)
    latent: dict[str, Any] = {"samples": samples}
    if "noise_mask" in record:
        latent["noise_mask"] = mask_of(record["noise_mask"])[None, None]
    if "batch_index" in record:
        latent["batch_index"] = record["batch_index"]
    return latent


def run_of(record: dict[str, Any], model: AnalyticModel) -> Asking[dict[str, Any]]:
    names = ("seed", "steps", "cfg", "sampler", "scheduler")
    common: dict[str, Any] = {name: record[name] for name in names}
    common |= {"model": model, "positive": text("A"), "negative": text("B"), "latent": latent_of(record)}
    if "start_step" not in record:
        return ksampler(**common, denoise=record.get("denoise", 1.0))
    return ksampler_advanced(
        **common,
        start_step=record["start_step"],
        last_step=record["last_step"],
        adds_noise=record.get("add_noise", True),
        keeps_leftover_noise=not record.get("force_full_denoise", False),
    )


def model_of(record: dict[str, Any]) -> AnalyticModel:
    hooks = Hooks(noise_mask=differential(record["differential"])) if "differential" in record else Hooks()
    return AnalyticModel(LEVELS[record["model"]], FORMATS[record.get("latent_format", "scale_0.18215")], hooks)


def test_every_run_equals_the_reference(golden: Callable[[str], list[dict[str, Any]]]) -> None:
    wrong: list[str] = []
    for record in golden("pipeline"):
        model = model_of(record)
        made = alone(run_of(record, model))["samples"]
        what = mismatch(made, record)
        if what is None and len(model.calls) != record["calls"]:
            what = f"{len(model.calls)} evaluations, not {record['calls']}"
        if what is not None:
            wrong.append(f"seed {record['seed']}, {record['sampler']}: {what}")
    assert wrong == []


MODEL = AnalyticModel(LEVELS["sd1_eps"], SD15)
EMPTY = {"samples": torch.zeros(1, 4, 8, 8)}


def run(**changed: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "model": MODEL,
        "seed": 1,
        "steps": 3,
        "cfg": 2.0,
        "sampler": "euler",
        "scheduler": "normal",
    }
    settings |= {"positive": text("A"), "negative": text("B"), "latent": EMPTY}
    return alone(ksampler(**(settings | changed)))


def test_without_denoising_the_latent_comes_back_as_it_is() -> None:
    latent = {"samples": torch.ones(1, 9, 8, 8), "noise_mask": torch.ones(8, 8), "kept": "key"}
    given = run(denoise=0.0, latent=latent)
    assert given == latent
    assert given is not latent


def test_other_keys_of_a_latent_are_kept() -> None:
    latent = EMPTY | {"noise_mask": torch.ones(8, 8), "batch_index": [2], "kept": "key"}
    given = run(latent=latent)
    assert given.keys() == latent.keys()
    assert given["kept"] == "key"
    assert EMPTY["samples"].count_nonzero() == 0


@pytest.mark.parametrize(("channels", "wanted"), [(4, 16), (16, 4), (4, 4)])
def test_empty_latents_get_the_channels_of_the_model(channels: int, wanted: int) -> None:
    form = LatentFormat("test", wanted)
    model = dataclasses.replace(MODEL, latent_format=form)
    given = run(model=model, latent={"samples": torch.zeros(2, channels, 8, 8)})["samples"]
    same = run(model=model, latent={"samples": torch.zeros(2, wanted, 8, 8)})["samples"]
    assert given.shape == (2, wanted, 8, 8)
    assert torch.equal(given, same)


def test_filled_latents_of_other_channels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the latent has 16 channels, and the model takes 4 \(latents of sd15\)"):
        run(latent={"samples": torch.ones(1, 16, 8, 8)})


@pytest.mark.parametrize("samples", [None, torch.zeros(4, 4), torch.zeros(1, 4, 0, 8)])
def test_what_is_no_latent_is_refused(samples: Any) -> None:
    with pytest.raises(ValueError, match="latent"):
        matched(samples, SD15)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cfg": math.nan}, "cfg is nan"),
        ({"denoise": math.nan}, "denoise is nan"),
        ({"steps": 0}, "steps is 0"),
        ({"sampler": "eulr"}, "did you mean euler"),
        ({"scheduler": "karas"}, "did you mean karras"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_settings_are_named(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        run(**changed)


@pytest.mark.parametrize("sigmas", [torch.ones(2, 2), torch.tensor([math.nan, 0.0]), torch.tensor([1.0, -1.0])])
def test_what_is_no_schedule_is_refused(sigmas: Tensor) -> None:
    guider = BasicGuider(MODEL, text("A"))
    with pytest.raises(ValueError, match="schedule"):
        alone(sample(guider, RandomNoise(1), named("euler"), sigmas, EMPTY))


def test_two_halves_make_a_whole() -> None:
    def part(latent: dict[str, Any], start: int, end: int, adds_noise: bool, keeps: bool) -> dict[str, Any]:
        return alone(
            ksampler_advanced(
                MODEL, 7, 6, 2.0, "euler", "normal", text("A"), text("B"), latent,
                start_step=start, last_step=end, adds_noise=adds_noise, keeps_leftover_noise=keeps,
            )
        )  # fmt: skip

    halves = part(part(EMPTY, 0, 3, True, True), 3, 10000, False, False)
    whole = run(seed=7, steps=6)
    assert torch.allclose(halves["samples"], whole["samples"], atol=2e-4)


def test_a_run_gives_the_last_clean_latent_too() -> None:
    sigmas = make_schedule("karras", MODEL.levels, 6)[:4]
    seen: list[tuple[float, Tensor]] = []

    def watching(asking: Asking[Sampled]) -> Sampled:
        ask = next(asking)
        while True:
            prediction = ask.answer()
            seen.append((float(ask.sigma), prediction.x0))
            try:
                ask = asking.send(prediction)
            except StopIteration as done:
                return done.value

    guider = CfgGuider(MODEL, text("A"), text("B"), 2.0)
    sampled = watching(sample(guider, RandomNoise(3), named("heun"), sigmas, EMPTY))
    first_of_last_step = [x0 for sigma, x0 in seen if sigma == float(sigmas[2])][-1]
    assert len(seen) == 6
    assert torch.equal(sampled.denoised["samples"], SD15.process_out(first_of_last_step))
    assert not torch.equal(sampled.denoised["samples"], sampled.latent["samples"])


def test_asks_say_how_far_the_run_is_and_show_the_last_prediction() -> None:
    asking = ksampler(MODEL, 1, 4, 2.0, "euler", "normal", text("A"), text("B"), EMPTY)
    asks: list[Ask] = [next(asking)]
    for _ in range(3):
        asks.append(asking.send(asks[-1].answer()))
    assert [(ask.step, ask.steps) for ask in asks] == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert asks[0].latest is None
    assert all(ask.latest is not None for ask in asks[1:])
    asking.close()


def test_progress_counts_up_on_the_way_to_noise_too() -> None:
    up = torch.tensor([0.1, 1.0, 3.0, 9.0])
    asking = sample(BasicGuider(MODEL, text("A")), NoNoise(), named("euler"), up, {"samples": torch.ones(1, 4, 8, 8)})
    asks: list[Ask] = [next(asking)]
    for _ in range(2):
        asks.append(asking.send(asks[-1].answer()))
    assert [(ask.step, ask.steps) for ask in asks] == [(0, 3), (1, 3), (2, 3)]
    asking.close()


def test_what_a_mask_leaves_out_comes_back_unchanged() -> None:
    kept = {"samples": torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(5))}
    mask = torch.zeros(64, 64)
    mask[:, 32:] = 1
    given = run(latent=kept | {"noise_mask": mask})["samples"]
    assert torch.allclose(given[..., :3], kept["samples"][..., :3], atol=1e-5)
    assert not torch.allclose(given[..., 5:], kept["samples"][..., 5:], atol=0.1)


def test_masks_of_any_axes_fit_a_latent() -> None:
    latent = torch.zeros(3, 4, 8, 8)
    assert all(fitted(torch.ones(shape), latent).shape == (3, 1, 8, 8) for shape in [(5, 7), (1, 5, 7), (2, 1, 5, 7)])
    with pytest.raises(ValueError, match="noise mask"):
        fitted(torch.ones(5), latent)


def test_added_noise_is_what_lies_between_the_levels() -> None:
    latent: dict[str, Any] = {"samples": torch.ones(1, 4, 8, 8), "kept": "key"}
    sigmas = torch.tensor([5.0, 3.0, 1.0])
    given = noised(MODEL, RandomNoise(4), sigmas, latent)
    noise = RandomNoise(4).generate(latent)
    assert torch.allclose(given["samples"], latent["samples"] + noise * 4 / 0.18215, atol=1e-4)
    assert given["kept"] == "key"
    assert torch.equal(noised(MODEL, NoNoise(), sigmas, latent)["samples"], torch.ones(1, 4, 8, 8))


def test_noise_can_be_added_and_taken_away_again() -> None:
    sigmas = make_schedule("karras", MODEL.levels, 40)[10:-1]
    up = sigmas.flip(0)
    start = {"samples": 0.5 * torch.ones(1, 4, 8, 8)}
    guider = BasicGuider(MODEL, text("A"))
    noisy = alone(sample(guider, NoNoise(), named("heun"), up, start)).latent
    back = alone(sample(guider, NoNoise(), named("heun"), sigmas, noisy)).latent
    assert torch.allclose(back["samples"], start["samples"], atol=0.05)


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m_cfg_pp", "dpmpp_sde"])
def test_sampled_together_equals_sampled_alone(sampler: str) -> None:
    model = AnalyticModel(LEVELS["sd1_eps"], SD15)
    inputs = [
        {"seed": 3, "steps": 5, "sampler": sampler, "scheduler": "karras", "cfg": 2.0},
        {"seed": 4, "steps": 3, "sampler": "heun", "scheduler": "normal", "cfg": 1.0},
        {"seed": 5, "steps": 7, "sampler": "euler_ancestral", "scheduler": "simple", "cfg": 3.0},
    ]

    def run_with(settings: dict[str, Any]) -> Asking[dict[str, Any]]:
        return ksampler(model=model, positive=text("A"), negative=text("B"), latent=EMPTY, **settings)

    jobs = [Job(run_with(settings)) for settings in inputs]
    late = [jobs.pop()]

    def admit() -> list[Job[dict[str, Any]]]:
        return [late.pop()] if late and len(model.calls) >= 2 else []

    third = late[0]
    made = dict(sample_together(jobs, answer_together, admit))
    calls = len(model.calls)
    wanted = [alone(run_with(settings))["samples"] for settings in inputs]
    assert calls < len(model.calls) - calls
    for job, expected in zip([*jobs, third], wanted, strict=True):
        assert torch.allclose(made[job]["samples"], expected, atol=2e-4)


def test_jobs_without_steps_end_at_once_and_the_rest_are_closed_when_the_caller_stops() -> None:
    idle = Job(ksampler(MODEL, 1, 3, 2.0, "euler", "normal", text("A"), text("B"), EMPTY, 0.0))
    asking = ksampler(MODEL, 1, 3, 2.0, "euler", "normal", text("A"), text("B"), EMPTY)
    ends = sample_together([idle, Job(asking)], answer_together)
    job, given = next(ends)
    assert job is idle
    assert torch.equal(given["samples"], EMPTY["samples"])
    ends.close()  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(StopIteration):
        next(asking)
