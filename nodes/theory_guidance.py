"""Guidance in the forms of its papers."""

from dataclasses import replace
from typing import Annotated

from engine.api import Classifier, Conditioning, Guider, Model, Named, Number, deferred, node

with deferred():
    from engine.diffusion import classifier_guidance as classifiers
    from engine.diffusion import guidance, guidance_interval

CATEGORY = "theory/guidance"

Level = Annotated[float, Number(0.0, 5000.0, step=0.01, round=False)]


@node(CATEGORY, id="GuiderCFGWeight", title="Classifier-Free Guidance by w")
def guider_cfg_weight(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    w: Annotated[float, Number(-1.0, 100.0, step=0.1, round=0.01)] = 7.0,
) -> Guider:
    """Classifier-free guidance with the weight w of its paper: w = 0 is the prompt alone.

    ε̂ = (1 + w) ε̂(x, c) − w ε̂(x, ∅), which is ε̂(x, ∅) + s (ε̂(x, c) − ε̂(x, ∅)) with the CFG scale s = 1 + w.
    Ho & Salimans (2022), Classifier-Free Diffusion Guidance, eq. 6.
    """
    return guidance.CfgGuider(model, positive, negative, 1 + w)


@node(CATEGORY, id="GuiderCFGInterval", title="Classifier-Free Guidance over an Interval")
def guider_cfg_interval(
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    cfg: Annotated[float, Number(0.0, 100.0, step=0.1, round=0.01)] = 8.0,
    sigma_low: Level = 0.28,
    sigma_high: Level = 5.42,
) -> Guider:
    """Classifier-free guidance where the noise is between two levels, and the prompt alone elsewhere.

    Guided where σ_low < σ ≤ σ_high. Outside of that the negative prompt is not even evaluated, which saves time.
    Kynkäänniemi et al. (2024), Applying Guidance in a Limited Interval Improves Sample and Distribution Quality, eq. 5.
    """
    return guidance_interval.IntervalCfgGuider(model, positive, negative, cfg, sigma_low, sigma_high)


@node(CATEGORY, id="ClassifierGuidance", title="Classifier Guidance")
def classifier_guidance(
    model: Model,
    classifier: Classifier,
    label: Annotated[int, Number(0, 1000000)] = 0,
    scale: Annotated[float, Number(-1000.0, 1000.0, step=0.1, round=False)] = 1.0,
) -> Annotated[Model, Named("patched_model")]:
    """Steer a model towards what a classifier of noisy latents takes for one label.

    ε̂ − s √(1 − ᾱ_t) ∇ log p(y | x_t): the score of the images of class y, by Bayes' rule, with its part from the
    classifier s times as strong.
    Dhariwal & Nichol (2021), Diffusion Models Beat GANs on Image Synthesis, Algorithm 2.
    """
    hook = classifiers.classifier_guidance(classifier, label, scale)
    return replace(model, hooks=replace(model.hooks, finish=(*model.hooks.finish, hook)))
