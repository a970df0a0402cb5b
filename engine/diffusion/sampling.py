"""From a latent, noise, a sampler and a schedule to a finished latent, as a generator that asks for denoised ones."""

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from engine.device import memory
from engine.diffusion.conditioning import Conditioning
from engine.diffusion.deep_cache import DeepSteps
from engine.diffusion.denoiser import Denoiser, all_lists
from engine.diffusion.drive import Ask, Asking
from engine.diffusion.entries import resolve
from engine.diffusion.guidance import CfgGuider, Guider
from engine.diffusion.latent_format import LatentFormat
from engine.diffusion.model import Model, Predictor
from engine.diffusion.noise import MAX_SEED, Noise, NoNoise, RandomNoise
from engine.diffusion.noise_mask import NoiseMask, fitted, spread
from engine.diffusion.schedule_edits import between
from engine.diffusion.schedules import for_sampler
from engine.diffusion.solvers.setting import Midway, place
from engine.diffusion.solvers.solver import AnySteps, Solver, named
from engine.diffusion.step_cache import StepCache

Latent = Mapping[str, Any]
"""`samples` (B, C, …) in plain latent units; `noise_mask` and `batch_index` where set; other keys are kept."""

_COPIES = 12  # of the latent that a run holds: noise, x, the predictions, and a multistep solver's history


class Sampled(NamedTuple):
    """What a run gives: the latent it ended with, and the last clean latent that the model predicted."""

    latent: dict[str, Any]
    denoised: dict[str, Any]


def sample(guider: Guider, noise: Noise, solver: Solver, sigmas: Tensor, latent: Latent) -> Asking[Sampled]:
    """Run `solver` over the schedule `sigmas` (steps + 1,), from `latent` with `noise` at the first level.

    An empty schedule gives the latent back as it is. Raises ValueError for a schedule that is none, and for a latent
    that does not fit the model, and OutOfMemory, before any work where what it will need is known.
    """
    _check_schedule(sigmas)
    if len(sigmas) == 0:
        return Sampled(dict(latent), dict(latent))
    model = guider.model
    latent = {**latent, "samples": matched(latent.get("samples"), model.latent_format)}
    what = _check_room(latent["samples"], model)
    with memory.named_shortage(what, model.device):
        return (yield from _sampled(guider, noise, solver, sigmas, latent))


def _sampled(guider: Guider, noise: Noise, solver: Solver, sigmas: Tensor, latent: Latent) -> Asking[Sampled]:
    model = guider.model
    samples: Tensor = latent["samples"]
    start = _processed(samples, model).to(model.device)
    drawn = noise.generate(latent).to(model.device, torch.float32)
    x = model.levels.noised(start, drawn, sigmas[0], is_full=model.levels.is_full(sigmas[0]))
    mask = None if latent.get("noise_mask") is None else fitted(latent["noise_mask"], start)
    denoise = Denoiser(
        guider,
        resolve(all_lists(guider), model, start, mask, noise.seed),
        None if mask is None else _noise_mask(mask, start, drawn, solver, noise.seed, sigmas, model),
        solver.reads_uncond,
        solver.reads_variance,
        _step_cache(model, solver),
        None if model.hooks.deep is None else DeepSteps(model.hooks.deep, model.levels),
    )
    setting = solver.setting(model.levels, x, sigmas, noise.seed, latent.get("batch_index"))
    x, last = yield from _asked(solver.steps(x, sigmas, setting), solver, denoise, sigmas)
    if denoise.cache is not None:
        denoise.cache.tell()
    x = model.levels.finished(x, solver.end(sigmas))

    def as_latent(processed: Tensor) -> dict[str, Any]:
        return {**latent, "samples": model.latent_format.process_out(processed.float()).to(samples.device)}

    return Sampled(as_latent(x), as_latent(x if last is None else last))


def ksampler(
    model: Predictor,
    seed: int,
    steps: int,
    cfg: float,
    sampler: str,
    scheduler: str,
    positive: Conditioning,
    negative: Conditioning,
    latent: Latent,
    denoise: float = 1.0,
) -> Asking[dict[str, Any]]:
    """Sample with a named sampler and schedule; below `denoise` 1 only the last part of a longer schedule is run."""
    sigmas = for_sampler(sampler, scheduler, model.levels, steps, denoise)
    guider = CfgGuider(model, positive, negative, cfg)
    sampled = yield from sample(guider, RandomNoise(seed), named(sampler), sigmas, latent)
    return sampled.latent


def ksampler_advanced(
    model: Predictor,
    seed: int,
    steps: int,
    cfg: float,
    sampler: str,
    scheduler: str,
    positive: Conditioning,
    negative: Conditioning,
    latent: Latent,
    *,
    denoise: float = 1.0,
    start_step: int = 0,
    last_step: int | None = None,
    adds_noise: bool = True,
    keeps_leftover_noise: bool = False,
) -> Asking[dict[str, Any]]:
    """Sample a part of a schedule, from `start_step` to `last_step`; both count the whole schedule's levels from 0.

    A run that stops early is finished in its last step, unless it keeps its leftover noise for another run, which then
    adds none.
    """
    sigmas = for_sampler(sampler, scheduler, model.levels, steps, denoise)
    sigmas = between(sigmas, start_step, len(sigmas) if last_step is None else last_step, keeps_leftover_noise)
    noise = RandomNoise(seed) if adds_noise else NoNoise(seed)
    guider = CfgGuider(model, positive, negative, cfg)
    sampled = yield from sample(guider, noise, named(sampler), sigmas, latent)
    return sampled.latent


def noised(model: Predictor, noise: Noise, sigmas: Tensor, latent: Latent) -> dict[str, Any]:
    """A latent with as much noise as lies between the first and the last level of a schedule."""
    _check_schedule(sigmas)
    if len(sigmas) == 0:
        return dict(latent)
    latent = {**latent, "samples": matched(latent.get("samples"), model.latent_format)}
    samples: Tensor = latent["samples"]
    scale = (sigmas[0] - sigmas[-1]).abs() if len(sigmas) > 1 else sigmas[0]
    drawn = noise.generate(latent).to(samples.device)
    mixed = model.levels.noised(_processed(samples, model), drawn, scale)
    return {**latent, "samples": model.latent_format.process_out(mixed).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)}


def matched(samples: Any, form: LatentFormat) -> Tensor:
    """Samples with the channels that a model takes: empty ones are repeated or cut, others have to fit."""
    if not isinstance(samples, Tensor) or samples.ndim < 3:
        got = f"of shape {tuple(samples.shape)}" if isinstance(samples, Tensor) else type(samples).__name__
        raise ValueError(f"a latent holds `samples` (batch, channels, height, width), not {got}")
    if samples.numel() == 0:
        raise ValueError(f"the latent of shape {tuple(samples.shape)} is without a single cell; it should have some")
    channels = samples.shape[1]
    if channels == form.channels:
        return samples
    if samples.count_nonzero() > 0:
        raise ValueError(
            f"the latent has {channels} channels, and the model takes {form.channels} (latents of {form.name});"
            " it should come from a VAE of the model's own kind"
        )
    return samples[:, torch.arange(form.channels) % channels]


def _check_schedule(sigmas: Tensor) -> None:
    if sigmas.ndim != 1:
        raise ValueError(f"a schedule is a tensor (steps + 1,), not {tuple(sigmas.shape)}")
    if not sigmas.isfinite().all() or (sigmas < 0).any():
        raise ValueError(f"a schedule holds levels of noise from 0 up, not {sigmas.tolist()}")


def _check_room(samples: Tensor, model: Predictor) -> str:
    """Raise OutOfMemory for latents that cannot be sampled one by one; gives the words for what is being done."""
    sizes = " x ".join(str(n) for n in reversed(samples.shape[2:]))
    what = f"sampling {len(samples)} latent{'s' if len(samples) > 1 else ''} of {sizes} cells"
    copies = _COPIES * samples.numel() * torch.float32.itemsize
    tiling, shape = model.hooks.tiling, samples.shape[2:]
    cells = prod(shape) if tiling is None else tiling.cells_at_once(shape)
    model.require(copies + model.bytes_per_cell * cells, what)
    return what


def _processed(samples: Tensor, model: Predictor) -> Tensor:
    """The latent as the model wants it; an empty one stays zero."""
    plain = samples.float()
    return model.latent_format.process_in(plain) if plain.count_nonzero() > 0 else plain


def _step_cache(model: Predictor, solver: Solver) -> StepCache | None:
    """What spares steps, where a node asked for it; solvers that read a variance are answered anew every time."""
    if model.hooks.reuse is None or not isinstance(model, Model) or solver.reads_variance:
        return None
    return StepCache(model.hooks.reuse, model)


def _noise_mask(
    mask: Tensor, start: Tensor, drawn: Tensor, solver: Solver, seed: int, sigmas: Tensor, model: Predictor
) -> NoiseMask:
    if solver.name == "ddim":  # keeps what is outside the mask with noise of its own
        fresh = torch.Generator().manual_seed((seed + 1) & MAX_SEED)
        drawn = torch.randn(start.shape, generator=fresh).to(start.device)
    return NoiseMask(spread(mask, start), start, drawn, sigmas, model.levels, model.hooks.noise_mask)


def _asked(steps: AnySteps, solver: Solver, denoise: Denoiser, sigmas: Tensor) -> Asking[tuple[Tensor, Tensor | None]]:
    """Hand a solver's asks up and the answers down; ends with its x, and the x0 that its last step began with."""
    count, form = len(sigmas) - 1, denoise.guider.model.latent_format
    rises = bool(sigmas[-1] > sigmas[0])  # an image on its way back to noise
    latest: Tensor | None = None
    last: Tensor | None = None
    try:
        asked = next(steps)
        while True:
            x, sigma = asked
            taken = place(sigma, sigmas)
            prediction = yield Ask(denoise, x, sigma, count - taken if rises else taken, count, latest, form)
            denoise.learn(x, sigma, prediction)
            latest = prediction.x0
            if not isinstance(asked, Midway):
                last = latest
            asked = steps.send(solver.reply(prediction))
    except StopIteration as done:
        return done.value, last
