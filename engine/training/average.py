"""The moving average of weights that training gives in place of the weights themselves."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import Parameter


class Average:
    """Follows weights by an exponential average that is quick at first (Karras et al. 2024 give the reasons).

    After n updates the decay is the smaller of `decay` and (1 + n) / (10 + n). A decay of 0 follows at once.
    """

    def __init__(self, parameters: Mapping[str, Parameter], decay: float) -> None:
        self._parameters = parameters
        self._decay = decay
        self.weights: dict[str, Tensor] = {name: each.detach().clone() for name, each in parameters.items()}

    @torch.no_grad()
    def update(self, updates: int) -> None:
        """Move towards the weights as they are after so many updates."""
        decay = min(self._decay, (1 + updates) / (10 + updates))
        for name, parameter in self._parameters.items():
            self.weights[name].lerp_(parameter, 1 - decay)

    @contextmanager
    def in_place(self) -> Generator[None]:
        """Have the averages in the modules for a while."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def settle(self) -> None:
        """Leave the averages in the modules."""
        for name, parameter in self._parameters.items():
            parameter.copy_(self.weights[name])

    def _swap(self) -> None:
        for name, parameter in self._parameters.items():
            parameter.data, self.weights[name] = self.weights[name], parameter.data
