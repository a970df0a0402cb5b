"""Several predictions into one: the values that GUIDER links carry, and the formulas by which they guide.

A guider names its conditioning lists, says which of them have to be evaluated, and combines their predictions. It never
calls a network: `denoiser.py` does.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor

from engine.diffusion.conditioning import Conditioning, with_settings
from engine.diffusion.drive import Prediction
from engine.diffusion.guidance_hooks import perpendicular
from engine.diffusion.model import Guided, Predictor

Predictions = Mapping[str, Tensor]
"""The prediction of each list by its name, (B, C, …); zeros for a list that was not evaluated."""


class Guider(Protocol):
    """A model with what guides it, ready to sample."""

    @property
    def model(self) -> Predictor: ...

    @property
    def lists(self) -> Mapping[str, Conditioning]:
        """The conditioning lists by name, in the order in which they are evaluated."""
        ...

    def wanted(self, always_uncond: bool, sigma: float) -> frozenset[str]:
        """The lists that the result at this level depends on.

        `always_uncond` asks for the negative one whatever the scale is.
        """
        ...

    def combine(self, made: Predictions, x: Tensor, sigma: Tensor) -> Prediction:
        """The guided prediction for x (B, C, …) at sigma (B,), hooks included, and the negative list's own.

        `made` holds the predictions of the model's asides too.
        """
        ...


@dataclass(frozen=True, eq=False)
class CfgGuider:
    """Classifier-free guidance (Ho & Salimans 2022): `uncond + scale * (cond - uncond)`."""

    model: Predictor
    positive: Conditioning
    negative: Conditioning
    scale: float = 8.0

    def __post_init__(self) -> None:
        _check_finite(cfg=self.scale)

    @property
    def lists(self) -> Mapping[str, Conditioning]:
        return {"positive": self.positive, "negative": self.negative}

    def wanted(self, always_uncond: bool, sigma: float) -> frozenset[str]:
        needs_negative = always_uncond or not _is_one(self.scale)
        return frozenset(self.lists) if needs_negative else frozenset({"positive"})

    def combine(self, made: Predictions, x: Tensor, sigma: Tensor) -> Prediction:
        return _finished(_guided(self.model, made, x, sigma, made["positive"], made["negative"], self.scale))


@dataclass(frozen=True, eq=False)
class BasicGuider:
    """No guidance: the prediction of one list. It also serves as the negative one, for samplers that read that."""

    model: Predictor
    conditioning: Conditioning

    @property
    def lists(self) -> Mapping[str, Conditioning]:
        return {"positive": self.conditioning}

    def wanted(self, always_uncond: bool, sigma: float) -> frozenset[str]:
        return frozenset({"positive"})

    def combine(self, made: Predictions, x: Tensor, sigma: Tensor) -> Prediction:
        only = made["positive"]
        finished = _finished(_guided(self.model, made, x, sigma, only, torch.zeros_like(only), 1.0))
        return Prediction(finished.x0, only)


@dataclass(frozen=True, eq=False)
class DualCfgGuider:
    """Two prompts and a negative one, with a scale between each (Brooks et al. 2023, equation 3).

    "regular": `negative + second_scale * (second - negative) + first_scale * (first - second)`;
    "nested": first and second are combined before they are guided away from the negative prompt.
    """

    model: Predictor
    first: Conditioning
    second: Conditioning
    negative: Conditioning
    first_scale: float = 8.0
    second_scale: float = 8.0
    style: Literal["regular", "nested"] = "regular"

    def __post_init__(self) -> None:
        _check_finite(cfg_conds=self.first_scale, cfg_cond2_negative=self.second_scale)
        if self.style not in ("regular", "nested"):
            raise ValueError(f"the style of dual guidance is {self.style!r}; it should be regular or nested")

    @property
    def lists(self) -> Mapping[str, Conditioning]:
        return {"first": self.first, "second": self.second, "negative": self.negative}

    def wanted(self, always_uncond: bool, sigma: float) -> frozenset[str]:
        if always_uncond or not _is_one(self.second_scale):
            return frozenset(self.lists)
        return frozenset({"first"} if _is_one(self.first_scale) else {"first", "second"})

    def combine(self, made: Predictions, x: Tensor, sigma: Tensor) -> Prediction:
        first, second, negative = made["first"], made["second"], made["negative"]
        step = (first - second) * self.first_scale
        if self.style == "nested":
            return _finished(_guided(self.model, made, x, sigma, second + step, negative, self.second_scale))
        state = _guided(self.model, made, x, sigma, second, negative, self.second_scale)
        return _finished(replace(state, x0=state.x0 + step))


@dataclass(frozen=True, eq=False)
class PerpNegGuider:
    """Guidance away from only that part of the negative prompt which is perpendicular to the positive one.

    Armandpour et al. (2023): both are taken relative to the prediction of an empty prompt; the inner product runs over
    the whole batch.
    """

    model: Predictor
    positive: Conditioning
    negative: Conditioning
    empty: Conditioning
    scale: float = 8.0
    negative_scale: float = 1.0

    def __post_init__(self) -> None:
        _check_finite(cfg=self.scale, neg_scale=self.negative_scale)

    @property
    def lists(self) -> Mapping[str, Conditioning]:
        empty = with_settings(self.empty, prompt_type="negative")
        return {"positive": self.positive, "negative": self.negative, "empty": empty}

    def wanted(self, always_uncond: bool, sigma: float) -> frozenset[str]:
        if always_uncond or self.negative_scale != 0:
            return frozenset(self.lists)
        return frozenset({"positive"} if _is_one(self.scale) else {"positive", "empty"})

    def combine(self, made: Predictions, x: Tensor, sigma: Tensor) -> Prediction:
        cond, uncond, empty = made["positive"], made["negative"], made["empty"]
        towards, away = cond - empty, uncond - empty
        x0 = empty + self.scale * (towards - self.negative_scale * perpendicular(away, towards))
        return _finished(Guided(x, sigma, cond, uncond, self.scale, x0, self.model, made))


def _guided(
    model: Predictor, made: Predictions, x: Tensor, sigma: Tensor, cond: Tensor, uncond: Tensor, scale: float
) -> Guided:
    """Two predictions combined: what hooks make of them first, then their formula or the linear one."""
    hooks = model.hooks
    state = Guided(x, sigma, cond, uncond, scale, cond, model, made)
    for change in hooks.predictions:
        cond, uncond = change([state.cond, state.uncond], state)
        state = replace(state, cond=cond, uncond=uncond, x0=cond)
    linear = state.uncond + scale * (state.cond - state.uncond)
    state = replace(state, x0=linear)
    return state if hooks.combine is None else replace(state, x0=hooks.combine(state))


def _finished(state: Guided) -> Prediction:
    for finish in state.model.hooks.finish:
        state = replace(state, x0=finish(state))
    return Prediction(state.x0, state.uncond)


def _is_one(scale: float) -> bool:
    return math.isclose(scale, 1.0, rel_tol=1e-9)


def _check_finite(**scales: float) -> None:
    for name, scale in scales.items():
        if not math.isfinite(scale):
            raise ValueError(f"{name} is {scale}; it should be a finite number")
