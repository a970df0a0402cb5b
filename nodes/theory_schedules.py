"""Noise schedules as values: the rules that papers give, plots of them, and a model that counts by one."""

from dataclasses import replace
from typing import Annotated, Literal

from engine.api import Image, Model, NoiseSchedule, Number, Text, deferred, node

with deferred():
    from engine.diffusion import beta_schedules, parameterisation, theory_plots

CATEGORY = "theory/schedules"

Steps = Annotated[int, Number(2, 10000)]
Beta = Annotated[float, Number(0.0, 1.0, step=0.0001, round=False)]
Cut = Annotated[float, Number(0.001, 1.0, step=0.001, round=False)]
Width = Annotated[int, Number(160, 4096, step=8)]
Height = Annotated[int, Number(120, 4096, step=8)]


@node(CATEGORY, id="LinearBetaSchedule", title="Linear Beta Schedule")
def linear_beta_schedule(steps: Steps = 1000, beta_start: Beta = 0.0001, beta_end: Beta = 0.02) -> NoiseSchedule:
    """Variances that grow by the same amount at every step.

    β_t = β_1 + (t − 1) / (T − 1) · (β_T − β_1), with 1e-4 and 0.02 over 1000 steps.
    Ho, Jain & Abbeel (2020), Denoising Diffusion Probabilistic Models, section 4.
    """
    return beta_schedules.linear(steps, beta_start, beta_end)


@node(CATEGORY, id="ScaledLinearBetaSchedule", title="Scaled Linear Beta Schedule (Stable Diffusion)")
def scaled_linear_beta_schedule(
    steps: Steps = 1000, beta_start: Beta = 0.00085, beta_end: Beta = 0.012
) -> NoiseSchedule:
    """Variances whose square roots grow by the same amount at every step, as Stable Diffusion has them.

    √β_t = √β_1 + (t − 1) / (T − 1) · (√β_T − √β_1), with 0.00085 and 0.012 over 1000 steps.
    Rombach et al. (2022), High-Resolution Image Synthesis with Latent Diffusion Models.
    """
    return beta_schedules.scaled_linear(steps, beta_start, beta_end)


@node(CATEGORY, id="CosineAlphaBarSchedule", title="Cosine Alpha-bar Schedule")
def cosine_alpha_bar_schedule(
    steps: Steps = 1000,
    offset: Annotated[float, Number(0.0, 1.0, step=0.001, round=False)] = 0.008,
    max_beta: Cut = 0.999,
) -> NoiseSchedule:
    """A share of the image that falls along a squared cosine, gently at both ends.

    ᾱ_t = f(t) / f(0) with f(t) = cos²((t / T + s) / (1 + s) · π / 2) and s = 0.008; β_t = 1 − ᾱ_t / ᾱ_{t−1}, at most
    0.999.
    Nichol & Dhariwal (2021), Improved Denoising Diffusion Probabilistic Models, eq. 17.
    """
    return beta_schedules.cosine(steps, offset, max_beta)


@node(CATEGORY, id="SigmoidAlphaBarSchedule", title="Sigmoid Alpha-bar Schedule")
def sigmoid_alpha_bar_schedule(
    steps: Steps = 1000,
    start: Annotated[float, Number(-20.0, 20.0, step=0.1, round=False)] = -3.0,
    end: Annotated[float, Number(-20.0, 20.0, step=0.1, round=False)] = 3.0,
    tau: Annotated[float, Number(0.01, 10.0, step=0.01, round=False)] = 1.0,
    max_beta: Cut = 0.999,
) -> NoiseSchedule:
    """A share of the image that falls along a sigmoid, whose temperature tau makes its middle steep or flat.

    ᾱ(u) = (S(e / τ) − S((u (e − s) + s) / τ)) / (S(e / τ) − S(s / τ)) with u = t / T and the logistic function S.
    Jabri, Fleet & Chen (2022); Chen (2023), On the Importance of Noise Scheduling for Diffusion Models, Algorithm 1.
    """
    return beta_schedules.sigmoid(steps, start, end, tau, max_beta)


@node(CATEGORY, id="SigmoidBetaSchedule", title="Sigmoid Beta Schedule")
def sigmoid_beta_schedule(steps: Steps = 1000, beta_start: Beta = 0.0001, beta_end: Beta = 0.02) -> NoiseSchedule:
    """Variances that grow along a sigmoid: slowly, fast, and slowly again.

    β_t = β_1 + S(z_t) (β_T − β_1) with the logistic function S and z_t at equal distances from −6 to 6.
    Xu et al. (2022), GeoDiff.
    """
    return beta_schedules.sigmoid_beta(steps, beta_start, beta_end)


@node(CATEGORY, id="NoiseScheduleFromNumbers", title="Noise Schedule from Numbers")
def noise_schedule_from_numbers(
    numbers: Annotated[str, Text(multiline=True)], meaning: Literal["beta", "alpha_bar"] = "beta"
) -> NoiseSchedule:
    """A schedule from a list of numbers, between commas or blanks: one for each step from t = 1.

    They are β_t, each between 0 and 1, or ᾱ_t, each smaller than the one before; β_t = 1 − ᾱ_t / ᾱ_{t−1}.
    """
    return beta_schedules.from_numbers(numbers, meaning)


@node(CATEGORY, id="RescaleZeroTerminalSNR", title="Rescale to Zero Terminal SNR")
def rescale_zero_terminal_snr(schedule: NoiseSchedule) -> NoiseSchedule:
    """Move a schedule so that nothing of the image is left at its last step.

    √ᾱ_t becomes (√ᾱ_t − √ᾱ_T) · √ᾱ_1 / (√ᾱ_1 − √ᾱ_T). A model has to predict v (or x_0) there: ε says nothing at ᾱ = 0.
    Lin et al. (2023), Common Diffusion Noise Schedules and Sample Steps are Flawed, Algorithm 1.
    """
    return beta_schedules.with_zero_terminal_snr(schedule)


@node(CATEGORY, id="PlotNoiseSchedule", title="Plot Noise Schedules")
def plot_noise_schedule(
    schedule: NoiseSchedule,
    what: Literal["all", "beta", "alpha_bar", "snr", "log_snr"] = "all",
    width: Width = 960,
    height: Height = 640,
    second: NoiseSchedule | None = None,
    third: NoiseSchedule | None = None,
    fourth: NoiseSchedule | None = None,
) -> Image:
    """Draw the curves of one schedule, or of several to compare them.

    β_t, the variance of a step; ᾱ_t = ∏ (1 − β_s), the image's share; SNR = ᾱ_t / (1 − ᾱ_t), and its logarithm. What is
    infinite, as at zero terminal SNR, is left out.
    """
    given = [each for each in (schedule, second, third, fourth) if each is not None]
    return theory_plots.schedules(given, what, width, height)


@node(CATEGORY, id="ModelSamplingNoiseSchedule", title="Give a Noise Schedule to a Model")
def model_sampling_noise_schedule(
    model: Model, schedule: NoiseSchedule, prediction: Literal["keep", "epsilon", "v", "x0"] = "keep"
) -> Model:
    """Let a model count its levels of noise by a schedule, and say what its output means.

    Its levels are σ_t = √((1 − ᾱ_t) / ᾱ_t), and the network is told t − 1, from 0. A model paints well with the
    schedule that it was trained on; others show what a schedule does.
    """
    outputs = {
        "keep": model.parameterisation,
        "epsilon": parameterisation.EPSILON,
        "v": parameterisation.V,
        "x0": parameterisation.X0,
    }
    levels = beta_schedules.ScheduleLevels(schedule=schedule)
    return replace(model, levels=levels, parameterisation=outputs[prediction])
