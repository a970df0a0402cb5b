"""Where runs are kept between sessions, and what is told of them when they end."""

from pathlib import Path
from typing import Any

from engine.training.loop import Trained
from engine.weights import folders


def path_of(name: str) -> Path | None:
    """The file of a run below `output/training`; None for an empty name. Raises ValueError for one that leads out."""
    name = name.strip()
    if not name:
        return None
    if not folders.is_inside(name):
        msg = f"checkpoint {name!r} leads out of output/training; it should be a plain name such as scenes"
        raise ValueError(msg)
    return folders.current().output / "training" / f"{name}.safetensors"


def summary(run: Trained, **figures: Any) -> dict[str, Any]:
    """A run in figures: steps, minutes, the mean loss of the last steps, and what else was measured."""
    found = {"steps": len(run.losses), "minutes": round(run.seconds / 60, 2), "loss": float(f"{run.loss:.5g}")}
    return {**found, **figures}
