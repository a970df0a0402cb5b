"""Samplers in the words of their papers, and a sampler node that shows what the model sees on its way."""

from typing import Annotated, Literal, NamedTuple

from engine.api import Guider, Image, Latent, Named, Noise, Number, Sampler, Sampling, Sigmas, Vae, deferred, node

with deferred():
    import torch

    from engine.diffusion import sampling, trajectory
    from engine.diffusion import vae as vaes
    from engine.diffusion.solvers import solver
    from engine.pictures import strip as picture_strip

CATEGORY = "theory/samplers"

Share = Annotated[float, Number(0.0, 1.0, step=0.01)]


class SampledWithStrip(NamedTuple):
    """Where a run ended, and the clean pictures that the model saw on its way: as a strip, and as latents."""

    output: Annotated[Latent, Named("output")]
    strip: Annotated[Image, Named("strip")]
    seen: Annotated[Latent, Named("x0_along_the_way")]


@node(CATEGORY, id="SamplerDDPMVariance", title="DDPM Sampler with a Chosen Variance")
def sampler_ddpm_variance(variance: Literal["beta_tilde", "beta", "learned"] = "beta_tilde", v: Share = 0.5) -> Sampler:
    """The ancestral sampler of DDPM, with the variance of its steps as β, β̃ or between them.

    x_{t−1} ~ N(μ̃(x_t, x̂_0), σ²) with σ² = β_t, or β̃_t = (1 − ᾱ_{t−1}) / (1 − ᾱ_t) β_t (Ho, Jain & Abbeel 2020, eq. 7
    and Algorithm 2), or exp(v log β_t + (1 − v) log β̃_t) (Nichol & Dhariwal 2021, eq. 15), with v as
    the network has learnt it, or given here as one number for networks that predict none.
    """
    return solver.named("ddpm_posterior", variance=variance, v=v)


@node(CATEGORY, id="SamplerDDIMEta", title="DDIM Sampler with Eta")
def sampler_ddim_eta(eta: Share = 0.0) -> Sampler:
    """DDIM steps: without noise of their own at eta 0, and DDPM at eta 1.

    x_{t−1} = √ᾱ_{t−1} x̂_0 + √(1 − ᾱ_{t−1} − σ²) ε̂ + σ z with σ² = η² β̃_t.
    Song, Meng & Ermon (2021), Denoising Diffusion Implicit Models, eq. 12 and 16.
    """
    return solver.named("ddim_eta", eta=eta)


@node(CATEGORY, id="SampleWithX0Strip", title="Sample and Show x0 along the Way")
def sample_with_x0_strip(
    noise: Noise,
    guider: Guider,
    sampler: Sampler,
    sigmas: Sigmas,
    latent_image: Latent,
    vae: Vae,
    every: Annotated[int, Number(1, 1000)] = 1,
) -> Sampling[SampledWithStrip]:
    """Sample, and decode the clean image that the model predicts at every so many steps.

    x̂_0 = (x_t − √(1 − ᾱ_t) ε̂) / √ᾱ_t (Ho, Jain & Abbeel 2020, eq. 15): a blur at first, the mean of all that could
    become of the noise, and sharper as less is open. The last step is always shown. Above each stands its σ.
    """
    asked = sampling.sample(guider, noise, sampler, sigmas, latent_image)
    result, seen = yield from trajectory.watched(asked, guider.model.latent_format, every)
    if not seen:
        raise ValueError("the schedule has no step, so the model saw nothing; give it two levels or more")
    decoder = vaes.present(vae)
    pictures = [decoder.decode(each.x0) for each in seen]
    words = [f"σ = {each.sigma:.3g}" for each in seen]
    along = {"samples": torch.cat([each.x0 for each in seen])}
    return SampledWithStrip(result.latent, picture_strip.strip(pictures, words), along)
