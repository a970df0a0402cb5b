"""Sampling from parts: any noise, guider, sampler and schedule."""

from typing import Annotated, NamedTuple

from engine.api import (
    Conditioning,
    Guider,
    Latent,
    Model,
    Named,
    Noise,
    Number,
    Sampler,
    Sampling,
    Seed,
    Sigmas,
    deferred,
    node,
)

with deferred():
    from engine.diffusion import guidance, sampling
    from engine.diffusion import noise as noises

NOISE = "sampling/custom_sampling/noise"


class Sampled(NamedTuple):
    """Where a run ended, and the clean latent it saw last."""

    output: Annotated[Latent, Named("output")]
    denoised_output: Annotated[Latent, Named("denoised_output")]


@node("sampling/custom_sampling", id="SamplerCustom", title="SamplerCustom")
def sampler_custom(
    model: Model,
    add_noise: bool = True,
    noise_seed: Annotated[int, Seed()] = 0,
    cfg: Annotated[float, Number(0.0, 100.0, step=0.1, round=0.01)] = 8.0,
    *,
    positive: Conditioning,
    negative: Conditioning,
    sampler: Sampler,
    sigmas: Sigmas,
    latent_image: Latent,
) -> Sampling[Sampled]:
    """Sample with a sampler and a schedule of your own."""
    guider = guidance.CfgGuider(model, positive, negative, cfg)
    noise = noises.RandomNoise(noise_seed) if add_noise else noises.NoNoise(noise_seed)
    return Sampled(*(yield from sampling.sample(guider, noise, sampler, sigmas, latent_image)))


@node("sampling/custom_sampling", id="SamplerCustomAdvanced", title="SamplerCustomAdvanced")
def sampler_custom_advanced(
    noise: Noise, guider: Guider, sampler: Sampler, sigmas: Sigmas, latent_image: Latent
) -> Sampling[Sampled]:
    """Sample with noise, guidance, sampler and schedule of your own."""
    return Sampled(*(yield from sampling.sample(guider, noise, sampler, sigmas, latent_image)))


@node(NOISE, id="RandomNoise", title="RandomNoise")
def random_noise(noise_seed: Annotated[int, Seed()] = 0) -> Noise:
    """Noise from a seed."""
    return noises.RandomNoise(noise_seed)


@node(NOISE, id="DisableNoise", title="DisableNoise")
def disable_noise() -> Noise:
    """No noise: sampling goes on from the latent as it is."""
    return noises.NoNoise()


@node("_for_testing/custom_sampling/noise", id="AddNoise", title="AddNoise")
def add_noise(model: Model, noise: Noise, sigmas: Sigmas, latent_image: Latent) -> Latent:
    """Add as much noise to a latent as lies between the ends of a schedule."""
    return sampling.noised(model, noise, sigmas, latent_image)
