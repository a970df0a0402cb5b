"""What sampling costs beyond the network: a run of KSampler against the same UNet called in a bare loop.

    python tests/benchmarks/sampling_overhead.py [--steps 20] [--runs 5] [--size 256] [--width 64]

Goal: within 3% of the bare loop. Both make the same calls: batches of two (prompt and negative prompt), same sizes.
The two are timed in turns, so that a busy machine slows both.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import torch

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from engine.diffusion import sampling  # noqa: E402 - the clone is used as it lies there
from engine.diffusion.drive import alone  # noqa: E402
from engine.diffusion.families.load import load_checkpoint  # noqa: E402
from engine.diffusion.text.clip import conditioning  # noqa: E402
from tests.tiny.checkpoints import make_tiny_checkpoint  # noqa: E402


@click.command()
@click.option("--steps", default=20, show_default=True)
@click.option("--runs", default=5, show_default=True)
@click.option("--size", default=256, show_default=True, help="Pixels along a side.")
@click.option("--checkpoint", type=click.Path(exists=True, path_type=Path), help="A real one; else a tiny random one.")
def main(steps: int, runs: int, size: int, checkpoint: Path | None) -> None:
    """Print the medians and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        path = checkpoint or make_tiny_checkpoint(Path(folder, "tiny.safetensors"), "sd15")
        loaded = load_checkpoint(path)
    assert loaded.clip is not None
    positive = conditioning(loaded.clip.encode(loaded.clip.tokenize("a lighthouse")))
    negative = conditioning(loaded.clip.encode(loaded.clip.tokenize("")))
    latent = {"samples": torch.zeros(1, 4, size // 8, size // 8)}
    model = loaded.model

    def ours() -> None:
        with torch.inference_mode():
            alone(sampling.ksampler(model, 1, steps, 7.0, "euler", "normal", positive, negative, latent))

    x = torch.randn(2, 4, size // 8, size // 8)
    context = torch.cat([positive[0][0], negative[0][0]])

    def bare() -> None:
        with torch.inference_mode():
            for _ in range(steps):
                model.network(x, torch.tensor([500.0, 500.0]), context, return_dict=False)

    ours()
    bare()
    times = [(_seconds(ours), _seconds(bare)) for _ in range(runs)]
    mine, floor = (statistics.median(each) for each in zip(*times, strict=True))
    print(f"{steps} steps of KSampler {mine:8.3f} s")
    print(f"{steps} bare UNet calls    {floor:8.3f} s")
    print(f"ratio {mine / floor:.3f} (goal: 1.03)")


def _seconds(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
