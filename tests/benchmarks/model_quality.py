"""How good the bundled models are: the figures of MODEL_CARD.md, measured on scenes that none of them was trained on.

    python tests/benchmarks/model_quality.py [--count 200] [--only text --only vae …] [--pictures FOLDER]

Each line gives a figure beside the bound or the peer that it is measured against, from the same run.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from engine.diffusion import sampling  # noqa: E402 - the clone is used as it lies there
from engine.diffusion.drive import alone  # noqa: E402
from engine.diffusion.families.load import Checkpoint, load_checkpoint  # noqa: E402
from engine.diffusion.text.clip import conditioning  # noqa: E402
from engine.pictures.upscale import upscale  # noqa: E402
from engine.training import pictures  # noqa: E402
from engine.training.scenes.dice import Dice, seed_at  # noqa: E402
from engine.training.scenes.draw import draw  # noqa: E402
from engine.training.scenes.examples import SceneDataset  # noqa: E402
from engine.training.scenes.look import seen  # noqa: E402
from engine.training.scenes.scene import Scene, attributes, make_scene  # noqa: E402
from engine.training.scenes.words import caption  # noqa: E402
from engine.training.vae import psnr  # noqa: E402
from engine.weights import folders  # noqa: E402
from engine.weights.upscale_model import load_upscale_model  # noqa: E402

SIDE = 128
TRAINED_ON, UNSEEN = 0, 2024  # the seeds of the scenes
BASE = "heddle-scenes.safetensors"
UPSCALER = "heddle-scenes-x2.safetensors"


def unseen_scenes(count: int, trained: int = 6000) -> list[Scene]:
    """Scenes whose combination of attributes is in none of those that the models were trained on."""
    known = {frozenset(attributes(make_scene(seed_at(TRAINED_ON, index))).items()) for index in range(trained)}
    found: list[Scene] = []
    index = 0
    while len(found) < count:
        scene = make_scene(seed_at(UNSEEN, index))
        index += 1
        if frozenset(attributes(scene).items()) not in known:
            found.append(scene)
    return found


def prompt_of(scene: Scene) -> str:
    """A caption that names every attribute."""
    return caption(scene, Dice(scene.seed, "measure"), whole=True)


def painted(loaded: Checkpoint, scenes: list[Scene], steps: int, cfg: float, sampler: str, scheduler: str) -> Tensor:
    """A picture of each scene (N, H, W, 3) from its caption and its own seed."""
    assert loaded.clip is not None
    assert loaded.vae is not None
    clip, vae = loaded.clip, loaded.vae
    negative = conditioning(clip.encode(clip.tokenize("")))
    made: list[Tensor] = []
    for number, scene in enumerate(scenes):
        positive = conditioning(clip.encode(clip.tokenize(prompt_of(scene))))
        latent = {"samples": torch.zeros(1, 4, SIDE // 8, SIDE // 8)}
        asking = sampling.ksampler(loaded.model, number, steps, cfg, sampler, scheduler, positive, negative, latent)
        made.append(vae.decode(alone(asking)["samples"]))
    return torch.cat(made)


def shares(images: Tensor, scenes: list[Scene]) -> dict[str, float]:
    """The share of pictures in which each attribute is as asked for, of all attributes, and of whole prompts."""
    right = [_right(image, scene) for image, scene in zip(images, scenes, strict=True)]
    by_name = {name: sum(each[name] for each in right) / len(right) for name in right[0]}
    return {
        **by_name,
        "all attributes": sum(by_name.values()) / len(by_name),
        "whole prompts": sum(all(each.values()) for each in right) / len(right),
    }


def _right(image: Tensor, scene: Scene) -> Mapping[str, bool]:
    truth = attributes(scene)
    return {name: truth[name] == value for name, value in seen(as_picture(image)).items()}


def as_picture(image: Tensor) -> Image.Image:
    """An image (H, W, 3) in 0..1 as a picture."""
    return Image.fromarray((image.clamp(0, 1) * 255).round().to(torch.uint8).numpy())


def as_image(picture: Image.Image) -> Tensor:
    """A picture as an image (H, W, 3) in 0..1."""
    return torch.from_numpy(np.asarray(picture.convert("RGB"), np.float32) / 255)


def text(count: int, keep: Path | None) -> Iterator[str]:
    """Prompts followed at 20 steps and CFG 4; the bound is what the checks find in the drawings themselves."""
    scenes = unseen_scenes(count)
    loaded = load_checkpoint(folders.current().require("checkpoints", BASE))
    began = time.perf_counter()
    images = painted(loaded, scenes, 20, 4.0, "dpmpp_2m", "karras")
    seconds = (time.perf_counter() - began) / count
    bound = shares(torch.stack([as_image(draw(scene, SIDE)) for scene in scenes]), scenes)
    for name, share in shares(images, scenes).items():
        yield f"text, {name:16} {share:6.1%}   drawn {bound[name]:6.1%}   ratio {share / bound[name]:.3f}"
    yield f"text, {seconds:.2f} s for a picture of 20 steps"
    keep_sheet(images, keep, "text")


def vae(count: int, keep: Path | None) -> Iterator[str]:
    """Reconstruction; the peer is a picture of as many numbers: the drawing at an eighth and a bit, enlarged again."""
    loaded = load_checkpoint(folders.current().require("checkpoints", BASE))
    assert loaded.vae is not None
    drawn = pictures.draw_all(SceneDataset(count, UNSEEN, SIDE, "colour"))
    ours = psnr(loaded.vae, drawn, range(count))
    pixels = drawn.pixels(range(count))
    small = round(SIDE * (4 / 3) ** 0.5 / 8)  # as many numbers as a latent of 4 x 16 x 16 has
    planes = functional.interpolate(pixels.movedim(-1, 1), (small, small), mode="bicubic", antialias=True)
    peer = mean_psnr(functional.interpolate(planes, (SIDE, SIDE), mode="bicubic").clamp(0, 1).movedim(1, -1), pixels)
    yield f"VAE reconstruction {ours:.2f} dB   as many numbers, bicubic {peer:.2f} dB   ratio {ours / peer:.3f}"
    with torch.inference_mode():
        keep_sheet(torch.cat([pixels[:12], loaded.vae.decode(loaded.vae.encode(pixels[:12]))]), keep, "vae")


def upscaler(count: int, keep: Path | None) -> Iterator[str]:
    """Twice the size, from drawings at half; the peer is bicubic interpolation."""
    model = load_upscale_model(folders.current().require("upscale_models", UPSCALER))
    drawn = pictures.draw_all(SceneDataset(count, UNSEEN, SIDE, "colour"))
    wanted = drawn.pixels(range(count))
    half = (SIDE // 2, SIDE // 2)
    small = functional.interpolate(wanted.movedim(-1, 1), half, mode="bicubic", antialias=True).clamp(0, 1)
    plain = functional.interpolate(small, (SIDE, SIDE), mode="bicubic").clamp(0, 1).movedim(1, -1)
    made = upscale(model, small.movedim(1, -1), torch.device("cpu"))
    ours, peer = mean_psnr(made, wanted), mean_psnr(plain, wanted)
    yield f"upscaler {ours:.2f} dB   bicubic {peer:.2f} dB   {ours - peer:+.2f} dB"
    keep_sheet(torch.cat([plain[:12], made[:12], wanted[:12]]), keep, "upscaler")


def mean_psnr(made: Tensor, wanted: Tensor) -> float:
    """The mean over pictures (N, H, W, 3) of their peak signal-to-noise ratio in dB."""
    return (-10 * (made - wanted).square().flatten(1).mean(1).clamp(min=1e-10).log10()).mean().item()


def keep_sheet(images: Tensor, folder: Path | None, name: str, columns: int = 12) -> None:
    """Write pictures side by side, if a folder was given."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    images = images[:96]
    sheet = Image.new("RGB", (columns * SIDE, -(-len(images) // columns) * SIDE))
    for number, image in enumerate(images):
        sheet.paste(as_picture(image), (number % columns * SIDE, number // columns * SIDE))
    sheet.save(folder / f"{name}.png")


MEASURES = {"text": text, "vae": vae, "upscaler": upscaler}


@click.command()
@click.option("--count", default=200, show_default=True, help="Scenes for each measure.")
@click.option("--only", multiple=True, type=click.Choice(list(MEASURES)), help="This measure alone; may be repeated.")
@click.option("--pictures", "keep", type=click.Path(path_type=Path), help="Keep what was painted in this folder.")
@click.option("--models", type=click.Path(exists=True, path_type=Path), help="A folder of models before the bundled.")
def main(count: int, only: tuple[str, ...], keep: Path | None, models: Path | None) -> None:
    """Print every figure beside its bound."""
    if models is not None:
        here = folders.Folders.under(Path.cwd())
        folders.use(folders.Folders(models, here.input, here.output, here.temp, here.user))
    for name in only or MEASURES:
        try:
            for line in MEASURES[name](count, keep):
                click.echo(line)
        except FileNotFoundError as error:
            click.echo(f"{name} is not measured: {error}")


if __name__ == "__main__":
    with torch.inference_mode():
        main()
