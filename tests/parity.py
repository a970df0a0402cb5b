"""Runs whole prompts and compares their latents and pictures with those of the reference; prints a table.

    python tests/parity.py --parity DIR --models DIR [--case NAME]… [--ram-budget SIZE]

DIR holds `prompts.json`, `latents.safetensors`, `images/` and `input/`; the models folder holds `checkpoints/` and the
rest, or the files themselves side by side. Cases whose node types are not built yet are listed, not run.
A relative error of a latent is ‖ours − theirs‖ / ‖theirs‖; pictures are compared per channel in steps of 255.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from engine.app import App, start  # noqa: E402 - the clone is used as it lies there
from engine.graph.prompt import graph_from_prompt  # noqa: E402
from engine.run.events import RunFailed  # noqa: E402
from engine.settings import CachePolicy, Settings, parse_memory  # noqa: E402

LATENT_TOLERANCE = 1e-4
STOCHASTIC_TOLERANCE = 1e-3  # dpmpp_sde asks its Brownian path for computed levels
IMAGE_TOLERANCE = 1  # of 255, any channel of any pixel
MEAN_TOLERANCE = 0.05  # of 255


@dataclass(frozen=True)
class Outcome:
    """How far one case is from the reference; None where it has no such figure."""

    case: str
    seconds: float = 0.0
    latent: float | None = None
    image_max: int | None = None
    image_mean: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool:
        tolerance = STOCHASTIC_TOLERANCE if self.case == "txt2img_dpmpp_sde" else LATENT_TOLERANCE
        return (
            not self.note
            and (self.latent is None or self.latent <= tolerance)
            and (self.image_max is None or self.image_max <= IMAGE_TOLERANCE)
            and (self.image_mean is None or self.image_mean < MEAN_TOLERANCE)
        )


@click.command()
@click.option("--parity", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--models", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--case", "wanted", multiple=True, help="Run only this case; can be given many times.")
@click.option("--ram-budget", help="What models and work may take, such as 2GB: the figures should not change.")
def main(parity: Path, models: Path, wanted: tuple[str, ...], ram_budget: str | None) -> None:
    """Run the cases and print: case, relative error of the latent, image differences, seconds."""
    prompts: dict[str, Any] = json.loads((parity / "prompts.json").read_text("utf-8"))
    latents = load_file(parity / "latents.safetensors")
    failures = 0
    skipped: list[str] = []
    print(f"{'case':32} {'latent error':>12} {'image max':>9} {'mean':>8} {'seconds':>8}")
    with tempfile.TemporaryDirectory() as folder:
        app = _app(parity, models, Path(folder), None if ram_budget is None else parse_memory(ram_budget))
        for case, prompt in prompts.items():
            if wanted and case not in wanted:
                continue
            if missing := sorted({node["class_type"] for node in prompt.values()} - set(app.registry)):
                skipped.append(f"{case} (no {', '.join(missing)})")
                continue
            outcome = _run(app, case, prompt, latents, parity / "images")
            failures += not outcome.passed
            print(_line(outcome), flush=True)
    for each in skipped:
        print(f"not run: {each}")
    sys.exit(1 if failures else 0)


def _app(parity: Path, models: Path, output: Path, ram_budget: int | None) -> App:
    settings = Settings(
        input=parity / "input",
        output=output,
        device="cpu",
        precision="fp32",
        cache=CachePolicy("lru", 100),
        ram_budget=ram_budget,
    )
    app = start(settings)
    for name in ("checkpoints", "loras", "controlnet", "upscale_models"):
        app.folders.add(name, models / name if (models / name).is_dir() else models)
    return app


def _run(app: App, case: str, prompt: Mapping[str, Any], latents: Mapping[str, torch.Tensor], images: Path) -> Outcome:
    began = time.perf_counter()
    verdict = app.check(graph_from_prompt(prompt))
    if verdict.error is not None or verdict.node_errors:
        return Outcome(case, note=f"invalid: {verdict.error} {verdict.node_errors_as_json()}")
    for event in app.run(verdict, {}):
        if isinstance(event, RunFailed):
            return Outcome(case, note=f"node {event.node_id}: {event.exception_type}: {event.message}")
    seconds = time.perf_counter() - began
    output = app.folders.output
    latent = next(iter(sorted(output.glob(f"{case}_*.latent"))), None)
    error = None
    if latent is not None and case in latents:
        ours, theirs = load_file(latent)["latent_tensor"].double(), latents[case].double()
        error = ((ours - theirs).norm() / theirs.norm()).item()
    differences = list(_differences(case, output, images))
    return Outcome(
        case,
        seconds,
        error,
        max((int(each.max()) for each in differences), default=None),
        max((float(each.mean()) for each in differences), default=None),
    )


def _differences(case: str, ours: Path, theirs: Path) -> Iterator[np.ndarray]:
    for index, made in enumerate(sorted(ours.glob(f"{case}_?????_.png"))):
        pair = (np.asarray(Image.open(path).convert("RGB"), int) for path in (made, theirs / f"{case}_{index}.png"))
        mine, reference = pair
        yield np.abs(mine - reference)


def _line(outcome: Outcome) -> str:
    if outcome.note:
        return f"{outcome.case:32} FAILED {outcome.note}"
    latent = "-" if outcome.latent is None else f"{outcome.latent:.2e}"
    high = "-" if outcome.image_max is None else str(outcome.image_max)
    mean = "-" if outcome.image_mean is None else f"{outcome.image_mean:.4f}"
    mark = "" if outcome.passed else "  FAILED"
    return f"{outcome.case:32} {latent:>12} {high:>9} {mean:>8} {outcome.seconds:8.1f}{mark}"


if __name__ == "__main__":
    main()
