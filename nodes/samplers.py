"""Nodes that choose a sampler, and set its options."""

from typing import Annotated, Literal

from engine.api import Choice, Model, Number, Option, Sampler, deferred, node
from engine.diffusion.names import SAMPLER_NAMES

with deferred():
    from engine.diffusion.solvers import solver

CATEGORY = "sampling/custom_sampling/samplers"

Amount = Annotated[float, Number(0.0, 100.0, step=0.01, round=False)]
Percent = Annotated[float, Number(0.0, 1.0, step=0.001)]
NoiseDevice = Literal["gpu", "cpu"]


@node(CATEGORY, id="KSamplerSelect", title="KSamplerSelect")
def ksampler_select(sampler_name: Annotated[str, Choice(SAMPLER_NAMES)]) -> Sampler:
    """A sampler by name, with its ordinary options."""
    return solver.named(sampler_name)


@node(CATEGORY, id="SamplerEulerAncestral", title="SamplerEulerAncestral")
def sampler_euler_ancestral(eta: Amount = 1.0, s_noise: Amount = 1.0) -> Sampler:
    """Euler steps with fresh noise after each: eta says how much of it is exchanged."""
    return solver.named("euler_ancestral", eta=eta, s_noise=s_noise)


@node(CATEGORY, id="SamplerEulerAncestralCFGPP", title="SamplerEulerAncestralCFG++")
def sampler_euler_ancestral_cfg_pp(
    eta: Annotated[float, Number(0.0, 1.0, step=0.01, round=False)] = 1.0,
    s_noise: Annotated[float, Number(0.0, 10.0, step=0.01, round=False)] = 1.0,
) -> Sampler:
    """Ancestral Euler steps that renoise along the negative prompt's prediction."""
    return solver.named("euler_ancestral_cfg_pp", eta=eta, s_noise=s_noise)


@node("_for_testing", id="SamplerEulerCFGpp", title="SamplerEulerCFG++", experimental=True, spells_combo=True)
def sampler_euler_cfg_pp(version: Literal["regular", "alternative"]) -> Sampler:
    """Euler steps that renoise along the negative prompt's prediction."""
    return solver.named("euler_cfg_pp", version=version)


@node(CATEGORY, id="SamplerLMS", title="SamplerLMS")
def sampler_lms(order: Annotated[int, Number(1, 100)] = 4) -> Sampler:
    """Linear multistep: each step uses the slopes of the steps before it."""
    return solver.named("lms", order=order)


@node(CATEGORY, id="SamplerDPMAdaptative", title="SamplerDPMAdaptative")
def sampler_dpm_adaptative(
    order: Annotated[int, Number(2, 3)] = 3,
    rtol: Amount = 0.05,
    atol: Amount = 0.0078,
    h_init: Amount = 0.05,
    pcoeff: Amount = 0.0,
    icoeff: Amount = 1.0,
    dcoeff: Amount = 0.0,
    accept_safety: Amount = 0.81,
    eta: Amount = 0.0,
    s_noise: Amount = 1.0,
) -> Sampler:
    """DPM-Solver that chooses its own steps between the ends of the schedule."""
    return solver.named(
        "dpm_adaptive",
        order=order,
        rtol=rtol,
        atol=atol,
        h_init=h_init,
        pcoeff=pcoeff,
        icoeff=icoeff,
        dcoeff=dcoeff,
        accept_safety=accept_safety,
        eta=eta,
        s_noise=s_noise,
    )


@node(CATEGORY, id="SamplerDPMPP_2S_Ancestral", title="SamplerDPMPP_2S_Ancestral")
def sampler_dpmpp_2s_ancestral(eta: Amount = 1.0, s_noise: Amount = 1.0) -> Sampler:
    """Second-order single steps of DPM-Solver++ with fresh noise after each."""
    return solver.named("dpmpp_2s_ancestral", eta=eta, s_noise=s_noise)


@node(CATEGORY, id="SamplerDPMPP_SDE", title="SamplerDPMPP_SDE")
def sampler_dpmpp_sde(
    eta: Amount = 1.0, s_noise: Amount = 1.0, r: Amount = 0.5, *, noise_device: NoiseDevice
) -> Sampler:
    """Stochastic DPM-Solver++ steps with one evaluation midway."""
    return solver.named(_on(noise_device, "dpmpp_sde"), eta=eta, s_noise=s_noise, r=r)


@node(CATEGORY, id="SamplerDPMPP_2M_SDE", title="SamplerDPMPP_2M_SDE")
def sampler_dpmpp_2m_sde(
    solver_type: Literal["midpoint", "heun"], eta: Amount = 1.0, s_noise: Amount = 1.0, *, noise_device: NoiseDevice
) -> Sampler:
    """Stochastic DPM-Solver++ steps that use the prediction of the step before."""
    return solver.named(_on(noise_device, "dpmpp_2m_sde"), eta=eta, s_noise=s_noise, solver_type=solver_type)


@node(CATEGORY, id="SamplerDPMPP_3M_SDE", title="SamplerDPMPP_3M_SDE")
def sampler_dpmpp_3m_sde(eta: Amount = 1.0, s_noise: Amount = 1.0, *, noise_device: NoiseDevice) -> Sampler:
    """Stochastic DPM-Solver++ steps that use the predictions of two steps before."""
    return solver.named(_on(noise_device, "dpmpp_3m_sde"), eta=eta, s_noise=s_noise)


@node(CATEGORY, id="SamplerER_SDE", title="SamplerER_SDE", spells_combo=True)
def sampler_er_sde(
    solver_type: Annotated[Literal["ER-SDE", "Reverse-time SDE", "ODE"], Option(multiselect=None)],
    max_stage: Annotated[int, Number(1, 3)] = 3,
    eta: Amount = 1.0,
    s_noise: Amount = 1.0,
) -> Sampler:
    """Extended reverse-time SDE steps; eta counts for the reverse-time SDE alone, and 0 makes it the ODE."""
    if solver_type == "ER-SDE":
        return solver.named("er_sde", max_stage=max_stage, s_noise=s_noise)
    if solver_type == "ODE" or eta == 0:
        return solver.named("er_sde", max_stage=max_stage, s_noise=0.0, noise_scaler_power=1.0)
    return solver.named("er_sde", max_stage=max_stage, s_noise=s_noise, noise_scaler_power=1.0 + eta)


@node(CATEGORY, id="SamplerSASolver", title="SamplerSASolver")
def sampler_sa_solver(
    model: Model,  # the run's own model says which levels the percents are
    eta: Annotated[float, Number(0.0, 10.0, step=0.01, round=False)] = 1.0,
    sde_start_percent: Percent = 0.2,
    sde_end_percent: Percent = 0.8,
    s_noise: Amount = 1.0,
    predictor_order: Annotated[int, Number(1, 6)] = 3,
    corrector_order: Annotated[int, Number(0, 6)] = 4,
    *,
    use_pece: bool,
    simple_order_2: bool,
) -> Sampler:
    """Stochastic Adams steps, predicted and corrected; noise is added in one part of the way."""
    return solver.named(
        "sa_solver",
        tau=(sde_start_percent, sde_end_percent, eta),
        s_noise=s_noise,
        predictor_order=predictor_order,
        corrector_order=corrector_order,
        use_pece=use_pece,
        simple_order_2=simple_order_2,
    )


def _on(device: NoiseDevice, name: str) -> str:
    """The name of the solver whose Brownian path is made on this device."""
    return f"{name}_gpu" if device == "gpu" else name
