"""What a network may predict, each from any other: x_0, noise, velocity and score, on latents."""

from typing import Annotated, Literal, NamedTuple

from engine.api import Conditioning, Latent, Model, Named, NoiseSchedule, Number, Sampling, deferred, node

with deferred():
    from engine.diffusion import conversions, one_step

CATEGORY = "theory/predictions"

Time = Annotated[int, Number(0, 10000)]
Quantity = Literal["x0", "epsilon", "v", "score"]


class Predicted(NamedTuple):
    """The clean latent that a model sees, and the noise that this leaves."""

    x0: Annotated[Latent, Named("x0")]
    epsilon: Annotated[Latent, Named("epsilon")]


@node(CATEGORY, id="LatentToModelScale", title="Latent to Model Scale")
def latent_to_model_scale(model: Model, latent: Latent) -> Latent:
    """Scale a latent as the model's network sees it, with about unit variance.

    For Stable Diffusion 1.5 a factor of 0.18215 (Rombach et al. 2022, appendix G): the formulas of the theory's nodes
    are for latents at this scale.
    """
    return {**latent, "samples": model.latent_format.process_in(latent["samples"])}


@node(CATEGORY, id="LatentFromModelScale", title="Latent from Model Scale")
def latent_from_model_scale(model: Model, latent: Latent) -> Latent:
    """Scale a latent back from the size that the network sees, so that a VAE can decode it."""
    return {**latent, "samples": model.latent_format.process_out(latent["samples"])}


@node(CATEGORY, id="ConvertPrediction", title="Convert a Prediction")
def convert_prediction(
    noisy: Latent,
    prediction: Latent,
    schedule: NoiseSchedule,
    t: Time = 500,
    given: Quantity = "epsilon",
    wanted: Quantity = "x0",
) -> Latent:
    """Turn what is predicted of a noisy latent into another quantity that says the same.

    With x_t = a x_0 + b ε, a = √ᾱ_t and b = √(1 − ᾱ_t): x_0 = (x_t − b ε) / a; v = a ε − b x_0, x_0 = a x_t − b v and
    ε = a v + b x_t (Salimans & Ho 2022); score = −ε / b (Song et al. 2021).
    """
    made = conversions.convert(noisy["samples"], prediction["samples"], given, wanted, schedule.alpha_bar(t))
    return {**prediction, "samples": made}


@node(CATEGORY, id="VelocityTarget", title="Velocity from Image and Noise")
def velocity_target(clean: Latent, noise: Latent, schedule: NoiseSchedule, t: Time = 500) -> Latent:
    """The velocity of a clean latent and a noise, which v models learn to predict.

    v = √ᾱ_t ε − √(1 − ᾱ_t) x_0 (Salimans & Ho 2022, Progressive Distillation, section 4).
    """
    return {**clean, "samples": conversions.velocity(clean["samples"], noise["samples"], schedule.alpha_bar(t))}


@node(CATEGORY, id="PredictFromNoisy", title="Predict from a Noisy Latent")
def predict_from_noisy(
    model: Model, conditioning: Conditioning, noisy: Latent, schedule: NoiseSchedule, t: Time = 500
) -> Sampling[Predicted]:
    """Ask a model once what clean latent it sees in a noisy one, and what noise.

    The latent is x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε at the model's scale, as "Noise a Latent" makes it. The model is asked
    at σ = √((1 − ᾱ_t) / ᾱ_t), the level with the same signal-to-noise ratio, whatever schedule it was trained on.
    """
    x0, epsilon = yield from one_step.predicted(model, conditioning, noisy["samples"], schedule.alpha_bar(t))
    return Predicted({**noisy, "samples": x0}, {**noisy, "samples": epsilon})
