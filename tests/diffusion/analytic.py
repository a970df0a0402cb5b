"""A model without weights: the exact posterior mean of a mixture of two normal distributions per element.

The reference runs of every sampler used it in place of a network, so they can be repeated to rounding.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.diffusion.drive import Prediction
from engine.diffusion.levels import (
    CascadeLevels,
    ContinuousVLevels,
    DiscreteLevels,
    EdmLevels,
    FlowLevels,
    FluxLevels,
    LcmLevels,
    Levels,
)
from engine.diffusion.noise import RandomNoise
from engine.diffusion.solvers.setting import Midway
from engine.diffusion.solvers.solver import AnySteps, Solver

Golden = Callable[[str], list[dict[str, Any]]]
"""The fixture that reads the records of a file of reference figures."""

LEVELS: dict[str, Levels] = {
    "sd1_eps": DiscreteLevels(),
    "sd2_v": DiscreteLevels(),
    "x0": DiscreteLevels(),
    "zsnr_v": DiscreteLevels(zero_terminal=True),
    "edm": EdmLevels(0.002, 80.0),
    "v_edm": EdmLevels(0.002, 120.0),
    "v_cont": ContinuousVLevels(0.03, 500.0),
    "lcm": LcmLevels(),
    "cascade": CascadeLevels(2.0),
    "sd3_flow": FlowLevels(3.0, 1000.0),
    "flux": FluxLevels(1.15),
    "schnell": FlowLevels(1.0, 1.0),
    "aura": FlowLevels(1.73, 1.0),
}
"""The levels of the models that the reference figures name."""


@dataclass(frozen=True)
class Mixture:
    """Two normals per element: centres as functions of the element's index, one weight, two deviations."""

    a: Callable[[Tensor], Tensor]
    b: Callable[[Tensor], Tensor]
    weight: float
    deviation_a: float
    deviation_b: float

    def denoise(self, x: Tensor, sigma: Tensor | float, is_flow: bool) -> Tensor:
        """E[x0 | x] for x (B, …) at `sigma` (scalar or (B,)), in float64, rounded to x's dtype."""
        level = torch.as_tensor(sigma).double().reshape(-1, *[1] * (x.ndim - 1))
        noisy, index = x.double(), torch.arange(x[0].numel()).double().reshape(x.shape[1:])
        kept = 1 - level if is_flow else torch.ones_like(level)
        means, evidence = [], []
        for centre, share, deviation in (
            (self.a(index), self.weight, self.deviation_a),
            (self.b(index), 1 - self.weight, self.deviation_b),
        ):
            variance = kept**2 * deviation**2 + level**2
            off = noisy - kept * centre
            evidence.append(torch.tensor(share).double().log() - variance.log() / 2 - off**2 / (2 * variance))
            means.append(centre + kept * deviation**2 / variance * off)
        share_a = (evidence[0] - evidence[1]).sigmoid()
        return (share_a * means[0] + (1 - share_a) * means[1]).to(x.dtype)


SET_A = Mixture(lambda j: 0.9 + 0.6 * (0.7 * j).sin(), lambda j: -0.7 + 0.4 * (0.3 * j).cos(), 0.6, 0.6, 0.5)
SET_B = Mixture(lambda j: 0.5 + 0.3 * (0.5 * j).cos(), lambda j: -0.4 - 0.3 * (0.9 * j).sin(), 0.45, 0.8, 0.7)
SET_C = Mixture(lambda j: 1.0 - 0.5 * (0.2 * j).sin(), lambda j: -1.2 + 0.2 * (1.1 * j).cos(), 0.3, 0.4, 0.9)


# The figures' tolerances hold on the processor that made them; another's vector instructions round otherwise, and
# samplers that step back and forth amplify that.
ELSEWHERE = 3.0


def mismatch(result: Tensor, record: dict[str, Any], at_least: float = 0.0) -> str | None:
    """What differs between a tensor and the summary of it in a record of reference figures; None where nothing does."""
    flat = result.double().flatten()
    tol: float = max(ELSEWHERE * record.get("tol", 2e-5), at_least)
    n, rms = len(flat), flat.square().mean().sqrt().item()
    found = {"mean": flat.mean(), "std": flat.std(correction=0), "sum": flat.sum(), "sumsq": flat.square().sum()}
    allowed = {"mean": tol, "std": tol, "sum": n * tol, "sumsq": 2 * n * tol * max(rms, tol)}
    for name, value in found.items():
        if name in record and not abs(value.item() - record[name]) <= allowed[name] + 1e-6 * abs(record[name]):
            return f"{name} is {value.item():.7g}, not {record[name]:.7g} (allowed {allowed[name]:.2g})"
    if "first" in record:
        wanted, values = torch.tensor(record["first"]).double(), flat[: len(record["first"])]
    elif "values" in record:
        values = flat[:: record["stride"]][: len(record["values"])]
        wanted = torch.tensor(record["values"]).double()
    else:
        return None
    worst = (values - wanted).abs().max().item()
    return None if worst <= tol else f"a value is off by {worst:.3g} (allowed {tol:.2g})"


@dataclass(frozen=True)
class Run:
    """What a run with the analytic model gave: the latent, and each ask's level and whether it was inside a step."""

    latent: Tensor
    asked: list[tuple[float, bool]]


def run(
    solver: Solver, levels: Levels, sigmas: Tensor, seed: int, cfg: float = 1.0, shape: Sequence[int] = (1, 4, 8, 8)
) -> Run:
    """A whole run from a zero latent: noise in, solver, inverse scaling."""
    zeros = torch.zeros(*shape)
    noise = RandomNoise(seed).generate({"samples": zeros})
    x = levels.noised(zeros, noise, sigmas[0], is_full=levels.is_full(sigmas[0]))
    asked: list[tuple[float, bool]] = []

    def predict(x: Tensor, sigma: Tensor) -> Prediction:
        cond = SET_A.denoise(x, sigma, levels.is_flow)
        if cfg == 1 and not solver.reads_uncond:
            return Prediction(cond)
        uncond = SET_B.denoise(x, sigma, levels.is_flow)
        return Prediction(cond if cfg == 1 else uncond + cfg * (cond - uncond), uncond)

    steps = solver.steps(x, sigmas, solver.setting(levels, x, sigmas, seed))
    latent = drive(steps, solver.reply, predict, lambda ask: asked.append((ask[1].item(), isinstance(ask, Midway))))
    return Run(levels.finished(latent, solver.end(sigmas)), asked)


def drive(
    steps: AnySteps,
    reply: Callable[[Prediction], Tensor | Prediction],
    predict: Callable[[Tensor, Tensor], Prediction],
    watch: Callable[[tuple[Tensor, Tensor]], None] = lambda ask: None,
) -> Tensor:
    """Answer a running solver until it is done."""
    answer: Tensor | Prediction | None = None
    while True:
        try:
            ask = steps.send(answer)
        except StopIteration as done:
            return done.value
        watch(ask)
        answer = reply(predict(*ask))
