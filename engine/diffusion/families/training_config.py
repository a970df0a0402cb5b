"""What a training configuration (YAML, beside old checkpoints) says that a checkpoint itself does not."""

from pathlib import Path
from typing import Any

import yaml

from engine.diffusion import parameterisation
from engine.diffusion.parameterisation import Parameterisation

_MOST = 1 << 20  # bytes; such files have a few kilobytes
_KINDS = {"eps": parameterisation.EPSILON, "v": parameterisation.V, "x0": parameterisation.X0}


def prediction_of(path: Path) -> Parameterisation:
    """What the network predicts: the noise unless `model.params.parameterization` says otherwise.

    Raises ValueError for a file that is no such configuration.
    """
    if path.stat().st_size > _MOST:
        msg = f"{path.name} is too large for a training configuration ({path})"
        raise ValueError(msg)
    try:
        read: Any = yaml.safe_load(path.read_text("utf-8"))
        params = read["model"]["params"]
        return _KINDS[params.get("parameterization", "eps")]
    except (yaml.YAMLError, UnicodeDecodeError, LookupError, TypeError, AttributeError):
        msg = f"{path.name} is no training configuration: wanted is model.params, with parameterization eps, v or x0"
        raise ValueError(f"{msg} ({path})") from None
