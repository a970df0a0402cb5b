"""The forward process: images and latents on their way to noise, in closed form and step by step."""

from typing import Annotated, Literal, NamedTuple

from engine.api import Image, Latent, Named, NoiseSchedule, Number, Seed, deferred, node

with deferred():
    import torch

    from engine.diffusion import beta_schedules, forward_process, theory_plots
    from engine.pictures import strip as picture_strip

CATEGORY = "theory/forward process"
ELEMENTS = 64  # of the clean data that walks are counted for: enough to see all kinds of brightness

Way = Literal["closed_form", "step_by_step"]
Times = str
Pictures = Annotated[int, Number(2, 64)]
Anyseed = Annotated[int, Seed()]


class NoisedImages(NamedTuple):
    """The strip, and its pictures as a batch, time by time."""

    strip: Annotated[Image, Named("strip")]
    images: Annotated[Image, Named("images")]


class NoisedLatents(NamedTuple):
    """x_t, and the ε in it."""

    noisy: Annotated[Latent, Named("x_t")]
    noise: Annotated[Latent, Named("noise")]


class Compared(NamedTuple):
    """The plot, and what it shows in words."""

    plot: Annotated[Image, Named("plot")]
    text: Annotated[str, Named("text")]


@node(CATEGORY, id="ForwardNoiseImage", title="Noise an Image")
def forward_noise_image(
    image: Image,
    schedule: NoiseSchedule,
    way: Way = "closed_form",
    pictures: Pictures = 8,
    times: Times = "",
    seed: Anyseed = 0,
) -> NoisedImages:
    """Show an image on its way to noise as a strip, at times t from 0 to T or those that are listed.

    In closed form x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε, with the same ε at all t; step by step
    x_t = √(1 − β_t) x_{t−1} + √β_t ε_t, with a fresh one at each. Pixels are taken as −1 … 1, and cut to be shown.
    Ho, Jain & Abbeel (2020), eq. 2 and 4.
    """
    chosen = beta_schedules.times_in(times, schedule, pictures)
    shown = [(x + 1) / 2 for x in forward_process.path(image[..., :3] * 2 - 1, schedule, way, chosen, seed)]
    words = [f"t = {t}" for t in chosen]
    return NoisedImages(picture_strip.strip(shown, words), torch.cat(shown).clamp(0, 1))


@node(CATEGORY, id="ForwardNoiseLatent", title="Noise a Latent")
def forward_noise_latent(
    latent: Latent,
    schedule: NoiseSchedule,
    t: Annotated[int, Number(0, 10000)] = 500,
    seed: Anyseed = 0,
) -> NoisedLatents:
    """Bring a latent to one time t of a schedule, and give the noise that was mixed in.

    x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε (Ho, Jain & Abbeel 2020, eq. 4). The latent should be at its model's scale, where it
    has about unit variance: see "Latent to Model Scale".
    """
    noise = forward_process.noise_like(latent["samples"], seed)
    noisy = forward_process.noised(latent["samples"], noise, schedule.alpha_bar(t))
    return NoisedLatents({**latent, "samples": noisy}, {**latent, "samples": noise})


@node(CATEGORY, id="ForwardNoiseLatentPath", title="Noise a Latent along its Way")
def forward_noise_latent_path(
    latent: Latent,
    schedule: NoiseSchedule,
    way: Way = "closed_form",
    count: Pictures = 8,
    times: Times = "",
    seed: Anyseed = 0,
) -> Latent:
    """A latent at several times on its way to noise, as one batch in the order of the times.

    As "Noise an Image", for latents at their model's scale: in closed form with one ε, or step by step with a fresh one
    at each (Ho, Jain & Abbeel 2020, eq. 2 and 4).
    """
    chosen = beta_schedules.times_in(times, schedule, count)
    return {"samples": torch.cat(forward_process.path(latent["samples"], schedule, way, chosen, seed))}


@node(CATEGORY, id="ForwardProcessAgreement", title="Closed Form and Steps Agree")
def forward_process_agreement(
    schedule: NoiseSchedule,
    samples: Annotated[int, Number(16, 100000)] = 2000,
    points: Annotated[int, Number(2, 200)] = 21,
    seed: Anyseed = 0,
    width: Annotated[int, Number(160, 4096, step=8)] = 960,
    height: Annotated[int, Number(120, 4096, step=8)] = 400,
    image: Image | None = None,
    latent: Latent | None = None,
) -> Compared:
    """Walk many times through all steps, and compare means and variances with the closed form.

    The product of the steps' q(x_t | x_{t−1}) = N(√(1 − β_t) x_{t−1}, β_t) is q(x_t | x_0) = N(√ᾱ_t x_0, 1 − ᾱ_t)
    (Ho, Jain & Abbeel 2020, eq. 2 and 4). Up to 64 elements of the image or latent are followed; without either,
    numbers from −1 to 1.
    """
    if image is not None and latent is not None:
        raise ValueError("connect an image or a latent, not both: one thing is walked at a time")
    if latent is not None:
        x0 = latent["samples"]
    else:
        x0 = torch.linspace(-1, 1, ELEMENTS) if image is None else image[..., :3] * 2 - 1
    times = beta_schedules.times_in("", schedule, points)
    few = forward_process.some_elements(x0, ELEMENTS)
    found = forward_process.agreement(few, schedule, times, samples, seed)
    return Compared(theory_plots.agreement(found, width, height), str(found))
