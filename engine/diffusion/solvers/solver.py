"""The value that SAMPLER links carry: a solver by its name, with its options."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal

from torch import Tensor

from engine.diffusion import noise
from engine.diffusion.drive import Prediction
from engine.diffusion.levels import Levels
from engine.diffusion.names import DISCARDS_PENULTIMATE, NODE_SAMPLER_NAMES, SAMPLER_NAMES
from engine.diffusion.solvers import (
    ancestral,
    cfg_pp,
    deis,
    dpm_solver,
    dpmpp,
    er_sde,
    euler,
    multistep,
    posterior,
    res_multistep,
    sa_solver,
    seeds,
    unipc,
)
from engine.diffusion.solvers.options import check_options, options_of
from engine.diffusion.solvers.setting import Setting

AnySteps = Generator[tuple[Tensor, Tensor], Any, Tensor]


@dataclass(frozen=True)
class _Method:
    """How a name is solved: the function, the options that the name itself sets, and where its noise comes from."""

    function: Callable[..., AnySteps]
    preset: Mapping[str, Any] = field(default_factory=dict[str, Any])
    noise: Literal["stream", "brownian"] = "stream"
    reads_uncond: bool = False


def _brownian(function: Callable[..., AnySteps], **preset: Any) -> _Method:
    return _Method(function, preset, noise="brownian")


def _guided(function: Callable[..., AnySteps], **preset: Any) -> _Method:
    return _Method(function, preset, reads_uncond=True)


_METHODS: Mapping[str, _Method] = {
    "euler": _Method(euler.euler),
    "euler_cfg_pp": _guided(cfg_pp.euler_cfg_pp),
    "euler_ancestral": _Method(ancestral.euler_ancestral),
    "euler_ancestral_cfg_pp": _guided(cfg_pp.euler_ancestral_cfg_pp),
    "heun": _Method(euler.heun),
    "heunpp2": _Method(euler.heunpp2),
    "dpm_2": _Method(euler.dpm_2),
    "dpm_2_ancestral": _Method(ancestral.dpm_2_ancestral),
    "lms": _Method(multistep.lms),
    "dpm_fast": _Method(dpm_solver.dpm_fast),
    "dpm_adaptive": _Method(dpm_solver.dpm_adaptive),
    "dpmpp_2s_ancestral": _Method(ancestral.dpmpp_2s_ancestral),
    "dpmpp_2s_ancestral_cfg_pp": _guided(cfg_pp.dpmpp_2s_ancestral_cfg_pp),
    "dpmpp_sde": _brownian(dpmpp.dpmpp_sde),
    "dpmpp_2m": _Method(dpmpp.dpmpp_2m),
    "dpmpp_2m_cfg_pp": _guided(cfg_pp.dpmpp_2m_cfg_pp),
    "dpmpp_2m_sde": _brownian(dpmpp.dpmpp_2m_sde),
    "dpmpp_2m_sde_heun": _brownian(dpmpp.dpmpp_2m_sde, solver_type="heun"),
    "dpmpp_3m_sde": _brownian(dpmpp.dpmpp_3m_sde),
    "ddpm": _Method(ancestral.ddpm),
    "lcm": _Method(ancestral.lcm),
    "ipndm": _Method(multistep.ipndm),
    "ipndm_v": _Method(multistep.ipndm_v),
    "deis": _Method(deis.deis),
    "res_multistep": _Method(res_multistep.res_multistep),
    "res_multistep_cfg_pp": _guided(cfg_pp.res_multistep_cfg_pp),
    "res_multistep_ancestral": _Method(res_multistep.res_multistep, {"eta": 1.0}),
    "res_multistep_ancestral_cfg_pp": _guided(cfg_pp.res_multistep_cfg_pp, eta=1.0),
    "gradient_estimation": _Method(multistep.gradient_estimation),
    "gradient_estimation_cfg_pp": _guided(cfg_pp.gradient_estimation_cfg_pp),
    "er_sde": _Method(er_sde.er_sde),
    "seeds_2": _Method(seeds.seeds_2),
    "seeds_3": _Method(seeds.seeds_3),
    "sa_solver": _Method(sa_solver.sa_solver),
    "sa_solver_pece": _Method(sa_solver.sa_solver, {"use_pece": True}),
    "ddim": _Method(euler.euler),
    "uni_pc": _Method(unipc.uni_pc),
    "uni_pc_bh2": _Method(unipc.uni_pc, {"variant": "bh2"}),
    "ddpm_posterior": _Method(posterior.ddpm_posterior),
    "ddim_eta": _Method(posterior.ddim_eta),
}

_ON_DEVICE = "_gpu"  # the ending of names whose Brownian path is made on the latent's device


@dataclass(frozen=True)
class Solver:
    """A solver by its name, with options that replace its defaults.

    Raises ValueError for an unknown name, an unknown option, or an option out of its range.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)

    def __post_init__(self) -> None:
        if self.name not in (*SAMPLER_NAMES, *NODE_SAMPLER_NAMES):
            near = get_close_matches(str(self.name), SAMPLER_NAMES, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(SAMPLER_NAMES)}"
            raise ValueError(f"there is no sampler {self.name!r}; {hint}")
        check_options(self.name, self._method.function, self.options)
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))

    @property
    def _method(self) -> _Method:
        return _METHODS[self.name.removesuffix(_ON_DEVICE)]

    @property
    def reads_uncond(self) -> bool:
        """Whether it is sent whole Predictions, with the negative prompt's always evaluated (CFG++), not x0 alone."""
        return self._method.reads_uncond

    @property
    def reads_variance(self) -> bool:
        """Whether it is sent whole Predictions, with the variance that the model has learnt."""
        return self._method.function is posterior.ddpm_posterior and self.options.get("variance") == "learned"

    @property
    def discards_penultimate(self) -> bool:
        """Whether sampler nodes leave the last level above zero out of its schedule."""
        return self.name in DISCARDS_PENULTIMATE

    @property
    def defaults(self) -> Mapping[str, Any]:
        """All options with the values they have unless given."""
        return {**options_of(self._method.function), **self._method.preset}

    def reply(self, prediction: Prediction) -> Tensor | Prediction:
        """What the running solver is to be sent for a prediction."""
        return prediction if self.reads_uncond or self.reads_variance else prediction.x0

    def setting(
        self, levels: Levels, x: Tensor, sigmas: Tensor, seed: int, batch_index: list[int] | None = None
    ) -> Setting:
        """The sources of noise that this solver draws from in a run from this seed, for latents like x (B, C, …)."""
        if self._method.noise == "brownian":
            device = x.device if self.name.endswith(_ON_DEVICE) else "cpu"
            source = noise.brownian_source(x, sigmas, seed, device)
        else:
            source = noise.default_source(x, seed)
        return Setting(levels, source, noise.continued_source(x, seed, batch_index))

    def steps(self, x: Tensor, sigmas: Tensor, setting: Setting) -> AnySteps:
        """A run from x (B, C, …) at sigmas[0] to the end of the schedule: yields (x, sigma), is sent `reply(…)`s.

        Scalars stay on the device of `sigmas`; on the CPU, deciding by them waits for no accelerator. A schedule of
        fewer than two levels returns x as it is.
        """
        _check_schedule(sigmas)
        if len(sigmas) < 2:
            return _nothing(x)
        return self._method.function(x, sigmas, setting, **{**self._method.preset, **self.options})

    def end(self, sigmas: Tensor) -> Tensor:
        """The level that the run ends at, a scalar: what `Levels.finished` is told. UniPC stops short of 0."""
        walked = unipc.ending(sigmas) if self._method.function is unipc.uni_pc else sigmas
        return walked[-1]


def named(name: str, **options: Any) -> Solver:
    """The solver of this name, with options by keyword."""
    return Solver(name, options)


def _check_schedule(sigmas: Tensor) -> None:
    if sigmas.ndim != 1:
        raise ValueError(f"the schedule has shape {tuple(sigmas.shape)}; it should be a list of levels")
    if not (sigmas.isfinite() & (sigmas >= 0)).all():
        raise ValueError(f"the schedule holds {sigmas.tolist()}; its levels should be finite and not negative")


def _nothing(x: Tensor) -> AnySteps:
    return x
    yield  # makes this a generator
