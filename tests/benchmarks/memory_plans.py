"""What calls of models were thought to take of memory, what they took, and how much longer they take with less of it.

    python tests/benchmarks/memory_plans.py [--xl]

Each line is a process of its own: the bundled model, and models of full size with random weights, with all weights
near, with a budget of half of them beside the work, and with as little as there may be. Peaks are of memory that is the
process's own (resident, without mapped files), above what it held before the model was loaded. Ratios are measured by
expected bytes, and seconds by those of the same call with all weights near.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import click
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from engine.device import held  # noqa: E402 - the clone is used as it lies there
from engine.device.account import Limits, accounts  # noqa: E402
from engine.device.place import Placement  # noqa: E402
from engine.diffusion.families.autoencoder import build_autoencoder  # noqa: E402
from engine.diffusion.families.load import load_diffusion_model, load_vae  # noqa: E402
from engine.diffusion.families.stable_diffusion import StableDiffusion  # noqa: E402
from engine.diffusion.families.unet import Heads, build_unet  # noqa: E402
from engine.weights import unet_names, vae_names  # noqa: E402
from engine.weights.unet_shape import UNetShape  # noqa: E402

SD15 = UNetShape(
    in_channels=4,
    out_channels=4,
    widths=(320, 640, 1280, 1280),
    encoder=((1, 1), (1, 1), (1, 1), (0, 0)),
    middle=1,
    decoder=((0, 0, 0), (1, 1, 1), (1, 1, 1), (1, 1, 1)),
    context=768,
    linear_projection=False,
    vector=None,
)
SDXL = UNetShape(
    in_channels=4,
    out_channels=4,
    widths=(320, 640, 1280),
    encoder=((0, 0), (2, 2), (10, 10)),
    middle=10,
    decoder=((10, 10, 10), (2, 2, 2), (0, 0, 0)),
    context=2048,
    linear_projection=True,
    vector=2816,
)
PLANS = ("whole", "half", "least")
# Each allocation of some size is given back when it is freed: otherwise the allocator keeps some, and its own habits
# are measured. It takes time, so that seconds are measured without.
_EXACT = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
CASES = {  # name -> what is called, and with how large a picture
    "bundled UNet, 512 px": ("unet", "bundled", 64),
    "bundled VAE, 512 px": ("vae", "bundled", 64),
    "SD 1.5 UNet, 512 px": ("unet", "sd15", 64),
    "SD 1.5 UNet, 768 px": ("unet", "sd15", 96),
    "SD 1.5 VAE, 512 px": ("vae", "sd15", 64),
    "SDXL UNet, 512 px": ("unet", "sdxl", 64),
}
ROWS = 2  # a prompt and its negative


@click.command()
@click.option("--xl", is_flag=True, help="SDXL too, which wants 14 GB of RAM.")
@click.option("--only", multiple=True, help="Run cases whose names hold this.")
@click.option("--case", help="Run one case in this process, and print its figures as JSON.")
@click.option("--plan", type=click.Choice(PLANS), default="whole")
@click.option("--files", type=click.Path(path_type=Path))
def main(xl: bool, only: tuple[str, ...], case: str | None, plan: str, files: Path | None) -> None:
    """Print a line for each model and plan."""
    if case is not None and files is not None:
        print(json.dumps(_measured(case, plan, files)))
        return
    print(f"{'call':24} {'plan':6} {'weights':>8} {'near':>8} {'work':>8} {'expected':>9} {'measured':>9}", end="")
    print(f" {'ratio':>6} {'seconds':>8} {'time':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for name in CASES:
            if ("SDXL" in name and not xl) or (only and not any(each in name for each in only)):
                continue
            _print_case(name, Path(folder))


def _print_case(name: str, folder: Path) -> None:
    whole: float | None = None
    for plan in PLANS:
        told = _run(name, plan, folder, **_EXACT)
        seconds = _run(name, plan, folder)["seconds"]
        whole = seconds if whole is None else whole
        sizes = " ".join(f"{told[each] / 2**20:8.0f}" for each in ("weights", "near", "work", "expected", "measured"))
        ratio = told["measured"] / told["expected"]
        print(f"{name:24} {plan:6} {sizes} {ratio:6.2f} {seconds:8.2f} {seconds / whole:6.2f}", flush=True)


def _run(name: str, plan: str, folder: Path, **environment: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--case", name, "--plan", plan, "--files", str(folder)]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    return json.loads(ran.stdout.splitlines()[-1])


def _measured(case: str, plan: str, files: Path) -> dict[str, float]:
    """The figures of one case in bytes and seconds, measured in this process."""
    kind, model, cells = CASES[case]
    path = _file(kind, model, files)
    accounts.limit(Limits(ram=0))  # nothing comes near before it is at work
    call, module, work = (_unet if kind == "unet" else _vae)(path, cells)
    holding = held.of(module)
    assert holding is not None
    _warm_up()
    before = _own()
    largest = max(each.size for each in holding.layers)
    budgets = {
        "whole": 2 * holding.size + 2 * work,
        "half": holding.size // 2 + work,
        "least": largest + work,
    }
    accounts.limit(Limits(ram=budgets[plan]))
    with _peak() as peak:
        call()  # the first call brings weights near, and learns in which order layers run
        began = time.perf_counter()
        call()
        seconds = time.perf_counter() - began
    moving = min(holding.size - holding.near, 2 * largest, budgets[plan] - work - holding.near)
    return {
        "weights": holding.size,
        "near": holding.near,
        "work": work,
        "expected": holding.near + work + moving,
        "measured": peak[0] - before,
        "seconds": seconds,
    }


def _unet(path: Path, cells: int) -> tuple[Callable[[], object], nn.Module, int]:
    model = load_diffusion_model(path, Placement())
    assert isinstance(model.family, StableDiffusion)
    shape = model.family.recognised.unet
    x = torch.randn(ROWS, 4, cells, cells)
    context, extras = torch.randn(ROWS, 77, shape.context), {}
    if shape.vector:
        extras = {"y": torch.randn(ROWS, shape.vector)}

    def call() -> Tensor:
        with torch.inference_mode():
            return model.predict(x, torch.full((ROWS,), 3.0), context, extras)

    return call, model.network, model.bytes_per_cell * ROWS * cells * cells


def _vae(path: Path, cells: int) -> tuple[Callable[[], object], nn.Module, int]:
    vae = load_vae(path, Placement())
    latent = torch.randn(1, vae.channels, cells, cells)

    def call() -> Tensor:
        with torch.inference_mode():
            return vae.decode(latent)

    module = vae.module
    assert isinstance(module, nn.Module)
    return call, module, vae.work(cells * cells * vae.factor**2)


def _file(kind: str, model: str, files: Path) -> Path:
    """The file of a model; one with random weights is written when it is first asked for."""
    if model == "bundled":
        return next((ROOT / "engine/weights/bundled/checkpoints").glob("*.safetensors"))
    path = files / f"{model}-{kind}.safetensors"
    if not path.exists():
        tensors = _random_unet(model) if kind == "unet" else _random_vae()
        save_file(tensors, path, {"format": "pt"})
    return path


def _random_unet(model: str) -> dict[str, Tensor]:
    heads: Heads = "eight" if model == "sd15" else "width 64"
    unet = build_unet(SD15 if model == "sd15" else SDXL, heads)
    names = unet_names.ldm_names(unet.state_dict())
    return {f"model.diffusion_model.{names[name]}": _random(each) for name, each in unet.state_dict().items()}


def _random_vae() -> dict[str, Tensor]:
    vae = build_autoencoder((128, 256, 512, 512), 2, 4)
    names = vae_names.ldm_names(vae.state_dict())
    return {names[name]: _random(each) for name, each in vae.state_dict().items()}


def _random(like: Tensor) -> Tensor:
    scale = 0.5 / max(1, like[0].numel()) ** 0.5 if like.ndim > 1 else 0.1
    return (scale * torch.randn(like.shape)).half()


def _warm_up() -> None:
    """Have torch start its threads and allocate what it allocates once."""
    with torch.inference_mode():
        nn.functional.conv2d(torch.randn(1, 8, 64, 64), torch.randn(8, 8, 3, 3))
        torch.mm(torch.randn(256, 256), torch.randn(256, 256))


def _own() -> int:
    """Bytes of memory that are this process's own: resident, and of no file."""
    _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text().split())
    return (resident - shared) * 4096


@contextmanager
def _peak() -> Generator[list[int]]:
    """The most of this process's own memory inside the block, looked at every millisecond."""
    seen, done = [_own()], threading.Event()

    def look() -> None:
        while not done.wait(0.001):
            seen[0] = max(seen[0], _own())

    watching = threading.Thread(target=look, daemon=True)
    watching.start()
    try:
        yield seen
    finally:
        done.set()
        watching.join()


if __name__ == "__main__":
    main()
