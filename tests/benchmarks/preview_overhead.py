"""What previews cost a run: sampling with them against the same sampling without, step by step.

    python tests/benchmarks/preview_overhead.py [--steps 20] [--runs 5] [--model bundled]

Goal: no more than 3 % of time, whatever the model. The bundled model at its own size, and a tiny one of the SD 1.x
shape at 512 x 512, each with the colours that its autoencoder gives and with a small decoder of TAESD's size and random
weights. Runs take turns, so that a busy machine slows all; the processor's time is the whole process's, with the thread
that makes the pictures.
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

from engine.diffusion import preview, sampling  # noqa: E402 - the clone is used as it lies there
from engine.diffusion.conditioning import Conditioning  # noqa: E402
from engine.diffusion.families.load import load_checkpoint  # noqa: E402
from engine.diffusion.model import Model  # noqa: E402
from engine.diffusion.text.clip import conditioning  # noqa: E402
from engine.run.events import Progress, Where  # noqa: E402
from engine.run.previews import Previews  # noqa: E402
from engine.weights import folders  # noqa: E402
from engine.weights.folders import BUNDLED, Folders  # noqa: E402
from tests.tiny.checkpoints import make_tiny_checkpoint  # noqa: E402
from tests.tiny.small_decoder import make_small_decoder  # noqa: E402

METHODS = ("none", "latent2rgb", "taesd")


@click.command()
@click.option("--steps", default=20, show_default=True)
@click.option("--runs", default=5, show_default=True)
@click.option("--model", type=click.Choice(["bundled", "tiny"]), help="Both unless said.")
def main(steps: int, runs: int, model: str | None) -> None:
    """Print the medians per step and their ratios."""
    preview.expect(True)
    with tempfile.TemporaryDirectory() as folder:
        folders.use(Folders.under(Path(folder)))
        decoders = Path(folder, "models", "vae_approx")
        decoders.mkdir(parents=True)
        make_small_decoder(decoders / "taesd_decoder.safetensors", width=64)
        if model != "tiny":
            _compare("heddle-scenes, 128 x 128", BUNDLED / "checkpoints" / "heddle-scenes.safetensors", 16, steps, runs)
        if model != "bundled":
            tiny = make_tiny_checkpoint(Path(folder, "tiny.safetensors"), "sd15")
            _compare("tiny SD 1.x, 512 x 512", tiny, 64, steps, runs)


def _compare(name: str, path: Path, cells: int, steps: int, runs: int) -> None:
    loaded, previews = load_checkpoint(path), Previews()
    previews.warm_up()
    clip = loaded.clip
    assert clip is not None
    texts = conditioning(clip.encode(clip.tokenize("a lighthouse"))), conditioning(clip.encode(clip.tokenize("")))
    went = {method: [_run(loaded.model, texts, previews, method, cells, steps)] for method in METHODS}  # warms up
    for _ in range(runs):
        for method in METHODS:
            went[method].append(_run(loaded.model, texts, previews, method, cells, steps))
    print(name)
    medians = {
        method: [statistics.median(each) for each in zip(*all_[1:], strict=True)] for method, all_ in went.items()
    }
    for method, (wall, processor, shown) in medians.items():
        ratios = f"{wall / medians['none'][0]:.3f} of time, {processor / medians['none'][1]:.3f} of the processor's"
        print(f"  {method:<10} {wall / steps * 1000:8.2f} ms a step, ratio {ratios}, {shown:g} pictures")


def _run(
    model: Model, texts: tuple[Conditioning, Conditioning], previews: Previews, method: str, cells: int, steps: int
) -> tuple[float, float, int]:
    """Seconds, seconds of the processor and pictures of one run."""
    latent, node, shown = {"samples": torch.zeros(1, 4, cells, cells)}, Where("5", "5", None, "5"), list[bytes]()
    showing = previews.of(method, shown.append)
    began, busy = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        asking = sampling.ksampler(model, 1, steps, 4.0, "dpmpp_2m", "karras", *texts, latent)
        _drive(asking, lambda step, x0, form: showing(Progress(node, step, steps, x0, form)))
    return time.perf_counter() - began, time.process_time() - busy, len(shown)


def _drive(asking: sampling.Asking[object], tell: Callable[[int, object, object], object]) -> None:
    ask = next(asking)
    while True:
        tell(ask.step, ask.latest, ask.form)
        answer = ask.answer()
        try:
            ask = asking.send(answer)
        except StopIteration:
            return


if __name__ == "__main__":
    main()
