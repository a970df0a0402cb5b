"""A training run on disk: all that it takes to go on as if it had never stopped, in one safetensors file.

The file's tensors are the weights, their averages and the optimizer's moments; its metadata holds, as JSON, how far
the run is. The order of examples and all noise follow from the seed and the step: no generator's state has to be kept.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import Parameter

from engine.training.average import Average
from engine.weights.write_whole import written_whole

_KEY = "heddle_training"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")  # what AdamW keeps for each weight


@dataclass
class Stand:
    """How far a run is. `origin` tells runs apart: what is trained, on what, and from which weights."""

    origin: str
    step: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list[float])
    skipped: int = 0  # steps in a row whose loss was no number


class WrongRun(ValueError):
    """A checkpoint that belongs to another run, or is none."""


def origin_of(name: str, parameters: Mapping[str, Tensor]) -> str:
    """A line that is the same for a run and its resumption: the task and the sums of the weights it began with."""
    return f"{name}; begun with {len(parameters)} weights of together {mass(parameters.values())}"


def mass(weights: Iterable[Tensor]) -> str:
    """A number that tells networks apart, whatever device they are on: the sum of their weights' sizes."""
    return f"{sum(each.detach().cpu().double().abs().sum().item() for each in weights):.6g}"


def save(path: Path, stand: Stand, parameters: Mapping[str, Parameter], average: Average, adam: Any) -> None:
    """Write a run, whole or not at all."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in parameters.items():
        tensors[f"weights.{name}"] = parameter.detach()
        tensors[f"average.{name}"] = average.weights[name]
        for moment, value in adam.state.get(parameter, {}).items():
            tensors[f"{moment}.{name}"] = value
    whole = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as temporary:
        save_file(whole, temporary, {_KEY: json.dumps(asdict(stand))})


@torch.no_grad()
def restore(path: Path, origin: str, parameters: Mapping[str, Parameter], average: Average, adam: Any) -> Stand:
    """Put a run back where it stopped. Raises WrongRun for the file of another run, or of none."""
    try:
        with safe_open(path, "pt") as file:
            stand = _stand(path, file.metadata(), origin)
            names = set(file.keys())
            for name, parameter in parameters.items():
                parameter.copy_(file.get_tensor(f"weights.{name}"))
                average.weights[name].copy_(file.get_tensor(f"average.{name}"))
                moments = {each: file.get_tensor(f"{each}.{name}") for each in _MOMENTS if f"{each}.{name}" in names}
                adam.state[parameter] = {each: _like(value, parameter) for each, value in moments.items()}
    except SafetensorError as error:
        msg = f"{path} is no checkpoint of a training run ({error}); take another name or remove the file"
        raise WrongRun(msg) from None
    return stand


def _like(value: Tensor, parameter: Parameter) -> Tensor:
    """A moment where its weight is, and laid out as it is: the fused optimizer wants both."""
    there = value.to(parameter.device)
    return there if there.ndim == 0 else torch.empty_like(parameter).copy_(there)


def _stand(path: Path, metadata: Mapping[str, str] | None, origin: str) -> Stand:
    try:
        stand = Stand(**json.loads((metadata or {})[_KEY]))
    except (KeyError, TypeError, ValueError):
        msg = f"{path} is no checkpoint of a training run; take another name or remove the file"
        raise WrongRun(msg) from None
    if stand.origin != origin:
        msg = (
            f"{path} belongs to another run ({stand.origin}), this one is: {origin}; "
            "take another name for this run's checkpoint or remove the file"
        )
        raise WrongRun(msg)
    return stand
