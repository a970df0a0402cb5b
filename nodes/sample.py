"""The ordinary sampler nodes: a model, two prompts and a latent in, a sampled latent out."""

from typing import Annotated, Literal

from engine.api import Choice, Conditioning, Latent, Model, Number, Sampling, Seed, deferred, node
from engine.diffusion.names import SAMPLER_NAMES, SCHEDULER_NAMES

with deferred():
    from engine.diffusion import sampling

Steps = Annotated[int, Number(1, 10000)]
Step = Annotated[int, Number(0, 10000)]
Cfg = Annotated[float, Number(0.0, 100.0, step=0.1, round=0.01)]
SamplerName = Annotated[str, Choice(SAMPLER_NAMES)]
SchedulerName = Annotated[str, Choice(SCHEDULER_NAMES)]


@node("sampling", id="KSampler", title="KSampler")
def ksampler(
    model: Model,
    seed: Annotated[int, Seed()] = 0,
    steps: Steps = 20,
    cfg: Cfg = 8.0,
    *,
    sampler_name: SamplerName,
    scheduler: SchedulerName,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    denoise: Annotated[float, Number(0.0, 1.0, step=0.01)] = 1.0,
) -> Sampling[Latent]:
    """Denoise a latent towards the positive prompt and away from the negative one."""
    return (
        yield from sampling.ksampler(
            model, seed, steps, cfg, sampler_name, scheduler, positive, negative, latent_image, denoise
        )
    )


@node("sampling", id="KSamplerAdvanced", title="KSampler (Advanced)")
def ksampler_advanced(
    model: Model,
    add_noise: Literal["enable", "disable"],
    noise_seed: Annotated[int, Seed()] = 0,
    steps: Steps = 20,
    cfg: Cfg = 8.0,
    *,
    sampler_name: SamplerName,
    scheduler: SchedulerName,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Latent,
    start_at_step: Step = 0,
    end_at_step: Step = 10000,
    return_with_leftover_noise: Literal["disable", "enable"],
) -> Sampling[Latent]:
    """Run a part of a schedule, so that several samplers can share the way from noise to image."""
    return (
        yield from sampling.ksampler_advanced(
            model,
            noise_seed,
            steps,
            cfg,
            sampler_name,
            scheduler,
            positive,
            negative,
            latent_image,
            start_step=start_at_step,
            last_step=end_at_step,
            adds_noise=add_noise == "enable",
            keeps_leftover_noise=return_with_leftover_noise == "enable",
        )
    )
