"""What a network's output means: from noisy latent and output to the clean latent it stands for.

Every kind scales the noisy latent for the network's input, and turns its output into x0, with x (B, C, …) float32 and
sigma (B,). The formulas are those of Karras et al. (2022), Table 1, and of the papers named at each kind.
"""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from engine.diffusion.levels import Levels


class Parameterisation(Protocol):
    """How one kind of network is fed and read."""

    def scale_input(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The network's input for the noisy latent `x`."""
        ...

    def x0(self, x: Tensor, sigma: Tensor, output: Tensor) -> Tensor:
        """The clean latent that the network's `output` for `x` at `sigma` stands for."""
        ...


def beside(sigma: Tensor, x: Tensor) -> Tensor:
    """sigma (B,) or a scalar, shaped to multiply x (B, C, …)."""
    return sigma.to(x.device).reshape(-1, *[1] * (x.ndim - 1))


@dataclass(frozen=True)
class _UnitVariance:
    """Networks whose input is scaled to unit variance, given the standard deviation of clean latents."""

    sigma_data: float = 1.0

    def scale_input(self, x: Tensor, sigma: Tensor) -> Tensor:
        return x / (beside(sigma, x) ** 2 + self.sigma_data**2) ** 0.5


@dataclass(frozen=True)
class EpsilonPrediction(_UnitVariance):
    """The output is the noise (Ho et al. 2020)."""

    def x0(self, x: Tensor, sigma: Tensor, output: Tensor) -> Tensor:
        return x - output * beside(sigma, x)


@dataclass(frozen=True)
class VPrediction(_UnitVariance):
    """The output is the velocity on the circle of signal and noise (Salimans & Ho 2022)."""

    def x0(self, x: Tensor, sigma: Tensor, output: Tensor) -> Tensor:
        level = beside(sigma, x)
        variance = level**2 + self.sigma_data**2
        return x * self.sigma_data**2 / variance - output * level * self.sigma_data / variance**0.5


@dataclass(frozen=True)
class EdmPrediction(_UnitVariance):
    """The output is the correction to a scaled input (Karras et al. 2022)."""

    def x0(self, x: Tensor, sigma: Tensor, output: Tensor) -> Tensor:
        level = beside(sigma, x)
        variance = level**2 + self.sigma_data**2
        return x * self.sigma_data**2 / variance + output * level * self.sigma_data / variance**0.5


@dataclass(frozen=True)
class CleanPrediction(_UnitVariance):
    """The output is the clean latent."""

    def x0(self, x: Tensor, sigma: Tensor, output: Tensor) -> Tensor:
        return output


@dataclass(frozen=True)
class ImageToImage:
    """Image to image: the input is not scaled and the output is the clean latent."""

    def scale_input(self, x: Tensor, sigma: Tensor) -> Tensor:
        return x

    def x0(self, x: Tensor, sigma: Tensor, output: Tensor) -> Tensor:
        return output


@dataclass(frozen=True)
class FlowPrediction:
    """The output is the velocity from image to noise (Liu et al. 2022; Lipman et al. 2023)."""

    def scale_input(self, x: Tensor, sigma: Tensor) -> Tensor:
        return x

    def x0(self, x: Tensor, sigma: Tensor, output: Tensor) -> Tensor:
        return x - output * beside(sigma, x)


@dataclass(frozen=True)
class LcmPrediction:
    """Noise prediction with a skip that holds consistency models to their boundary condition (Luo et al. 2023).

    `levels` are those of the model: the skip is a function of the network's time.
    """

    levels: Levels

    def scale_input(self, x: Tensor, sigma: Tensor) -> Tensor:
        return EPSILON.scale_input(x, sigma)

    def x0(self, x: Tensor, sigma: Tensor, output: Tensor) -> Tensor:
        half = 0.5  # the paper's sigma_data
        scaled = self.levels.timestep(beside(sigma, x)) * 10
        variance = scaled**2 + half**2
        return scaled / variance**0.5 * EPSILON.x0(x, sigma, output) + half**2 / variance * x


def variance_share(output: Tensor) -> Tensor:
    """The v of Nichol & Dhariwal (2021), eq. 15, from the channels that a network has for it: 0 at -1, and 1 at 1."""
    return (output + 1) / 2


EPSILON = EpsilonPrediction()
V = VPrediction()
X0 = CleanPrediction()
FLOW = FlowPrediction()
IMAGE = ImageToImage()


def edm(sigma_data: float = 0.5) -> EdmPrediction:
    """EDM networks for clean latents of this standard deviation."""
    return EdmPrediction(sigma_data)


def lcm(levels: Levels) -> LcmPrediction:
    """Latent consistency models that count time by these levels."""
    return LcmPrediction(levels)
