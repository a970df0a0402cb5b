"""How long the command line takes to start, against bare Python and against importing torch, in the same minute.

    python tests/benchmarks/start_up.py [--runs 5]

Goals: `heddle validate` under 0.3 s and without torch; `heddle run` reaches its first sampling step soon after torch is
imported, which no diffusion program can do without.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent.parent
WORKFLOW = ROOT / "workflows" / "text_to_image.json"


@click.command()
@click.option("--runs", default=5, show_default=True)
def main(runs: int) -> None:
    """Print medians in seconds, and their ratios to bare Python and to importing torch."""
    sys.path.insert(0, str(ROOT))
    from tests.tiny.checkpoints import make_tiny_checkpoint

    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder, "models", "checkpoints", "tiny_sd15.safetensors")
        checkpoint.parent.mkdir(parents=True)
        make_tiny_checkpoint(checkpoint, "sd15")
        heddle = [sys.executable, "-m", "engine"]
        bare = _median(runs, lambda: _seconds([sys.executable, "-c", "pass"]))
        torch = _median(runs, lambda: _seconds([sys.executable, "-c", "import torch"]))
        check = [*heddle, "validate", str(WORKFLOW), "--base-directory", folder]
        validate = _median(runs, lambda: _seconds(check))
        step = _median(runs, lambda: _seconds_to_first_step(folder))
    print(f"{'':34} {'seconds':>8} {'x bare python':>14} {'x import torch':>15}")
    for name, seconds in {
        "python -c pass": bare,
        "python -c 'import torch'": torch,
        "heddle validate": validate,
        "heddle run, to the first step": step,
    }.items():
        print(f"{name:34} {seconds:8.3f} {seconds / bare:14.1f} {seconds / torch:15.2f}")


def _median(runs: int, measure: Callable[[], float]) -> float:
    measure()  # once to warm the disk and the byte-code caches
    return statistics.median(measure() for _ in range(runs))


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - began


def _seconds_to_first_step(folder: str) -> float:
    command = [sys.executable, "-m", "engine", "run", str(WORKFLOW), "--json", "--base-directory", folder]
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["type"] == "progress" and event["value"] >= 1:
                seconds = time.perf_counter() - began
                process.terminate()
                return seconds
    raise RuntimeError("the run ended without a sampling step")


if __name__ == "__main__":
    main()
