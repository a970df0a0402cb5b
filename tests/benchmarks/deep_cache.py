"""What DeepCache saves and what it changes, beside EasyCache: the bundled model's pictures with and without.

    python tests/benchmarks/deep_cache.py [--steps 20] [--size 128] [--seeds 4]

For each setting: how often its time fits into that of the plain run, timed in turns on whatever else the machine does,
and how far its pictures are from the plain ones (PSNR of the decoded pictures, the mean over the seeds).
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import torch
from torch import Tensor

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from engine.diffusion import sampling  # noqa: E402 - the clone is used as it lies there
from engine.diffusion.drive import alone  # noqa: E402
from engine.diffusion.families.load import load_checkpoint  # noqa: E402
from engine.diffusion.model import Model  # noqa: E402
from engine.diffusion.text.clip import conditioning  # noqa: E402
from engine.diffusion.vae import present  # noqa: E402
from engine.training.upscaler import psnr  # noqa: E402
from engine.weights.folders import BUNDLED  # noqa: E402
from nodes.caching import easy_cache  # noqa: E402
from nodes.deep_cache import deep_cache  # noqa: E402

PROMPT = "a red house beside a lake at dusk, purple mountains, an orange sun, many pine trees"
SETTINGS: dict[str, Callable[[Model], Model]] = {
    **{
        f"DeepCache, interval {interval}, {quality}": lambda model, i=interval, q=quality: deep_cache(model, i, q)
        for interval in (2, 3, 5)
        for quality in ("fast", "balanced", "high")
    },
    "EasyCache, threshold 0.1": lambda model: easy_cache(model, 0.1),
    "EasyCache, threshold 0.2": lambda model: easy_cache(model, 0.2),
}


@click.command()
@click.option("--steps", default=20, show_default=True)
@click.option("--size", default=128, show_default=True, help="Pixels along a side.")
@click.option("--seeds", default=4, show_default=True)
def main(steps: int, size: int, seeds: int) -> None:
    """Print a line for each setting."""
    loaded = load_checkpoint(BUNDLED / "checkpoints" / "heddle-scenes.safetensors")
    assert loaded.clip is not None
    vae = present(loaded.vae)
    positive, negative = (conditioning(loaded.clip.encode(loaded.clip.tokenize(text))) for text in (PROMPT, ""))
    empty = {"samples": torch.zeros(1, 4, size // 8, size // 8)}

    def painted(model: Model, seed: int) -> tuple[float, Tensor]:
        began = time.perf_counter()
        run = sampling.ksampler(model, seed, steps, 4.0, "dpmpp_2m", "karras", positive, negative, empty)
        latent = alone(run)["samples"]
        return time.perf_counter() - began, vae.decode(latent).clamp(0, 1)

    with torch.inference_mode():
        painted(loaded.model, 0)  # what is made at the first call is not timed
        for name, change in SETTINGS.items():
            ratios: list[float] = []
            likeness: list[float] = []
            for seed in range(seeds):
                (plain_time, plain), (spared_time, spared) = (
                    painted(loaded.model, seed),
                    painted(change(loaded.model), seed),
                )
                ratios.append(plain_time / spared_time)
                likeness.append(psnr(spared, plain))
            print(f"{name:34} {statistics.median(ratios):5.2f} times as fast, {statistics.mean(likeness):5.1f} dB PSNR")


if __name__ == "__main__":
    main()
