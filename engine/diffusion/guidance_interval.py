"""Classifier-free guidance over a part of the way only."""

import math
from dataclasses import dataclass

from torch import Tensor

from engine.diffusion.drive import Prediction
from engine.diffusion.guidance import CfgGuider, Predictions


@dataclass(frozen=True, eq=False)
class IntervalCfgGuider(CfgGuider):
    """Classifier-free guidance at levels with low < sigma <= high, and the positive prompt alone at the others.

    Kynkäänniemi et al. (2024), eq. 5: high levels lose variety to guidance and low ones gain nothing from it. Outside
    of the interval the negative prompt is not evaluated.
    """

    low: float = 0.28
    high: float = 5.42

    def __post_init__(self) -> None:
        super().__post_init__()
        if math.isnan(self.low) or math.isnan(self.high) or self.low > self.high:
            raise ValueError(f"guidance from sigma {self.low} to {self.high}: low should not be above high")

    def wanted(self, always_uncond: bool, sigma: float) -> frozenset[str]:
        return self._at(sigma).wanted(always_uncond, sigma)

    def combine(self, made: Predictions, x: Tensor, sigma: Tensor) -> Prediction:
        return self._at(sigma.max().item()).combine(made, x, sigma)

    def _at(self, sigma: float) -> CfgGuider:
        scale = self.scale if self.low < sigma <= self.high else 1.0
        return CfgGuider(self.model, self.positive, self.negative, scale)
