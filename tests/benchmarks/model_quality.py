"""How good the bundled models are: the figures of MODEL_CARD.md, measured on scenes that none of them was trained on.

    python tests/benchmarks/model_quality.py [--count 200] [--only text --only vae …] [--pictures FOLDER]

Each line gives a figure beside the bound or the peer that it is measured against, from the same run.
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from engine.diffusion.classifier_guidance import classifier_guidance  # noqa: E402 - the clone as it lies there
from engine.diffusion.control import ControlNet, put_on  # noqa: E402
from engine.diffusion.drive import alone  # noqa: E402
from engine.diffusion.families.control_files import load_control_net  # noqa: E402
from engine.diffusion.families.load import load_checkpoint  # noqa: E402
from engine.diffusion.lora import add_lora  # noqa: E402
from engine.diffusion.model import Model  # noqa: E402
from engine.diffusion.noisy_classifier import load_classifier  # noqa: E402
from engine.diffusion.sampling import ksampler  # noqa: E402
from engine.diffusion.text.clip import Clip, conditioning, required  # noqa: E402
from engine.diffusion.vae import Vae, present  # noqa: E402
from engine.pictures.upscale import upscale  # noqa: E402
from engine.training import pictures  # noqa: E402
from engine.training.distillation import as_consistency_model  # noqa: E402
from engine.training.scenes.dice import Dice, seed_at  # noqa: E402
from engine.training.scenes.examples import STYLES, SceneDataset  # noqa: E402
from engine.training.scenes.look import seen  # noqa: E402
from engine.training.scenes.scene import Scene, attributes, make_scene  # noqa: E402
from engine.training.scenes.words import caption  # noqa: E402
from engine.training.vae import psnr  # noqa: E402
from engine.weights import folders  # noqa: E402
from engine.weights.lora import read_lora  # noqa: E402
from engine.weights.upscale_model import load_upscale_model  # noqa: E402

SIDE = 128
TRAINED_ON, UNSEEN = 0, 2024  # the seeds of the scenes
CLASSIFIER_SCALE = 4.0
BASE = "heddle-scenes.safetensors"
CONTROL = "heddle-scenes-lines.safetensors"
INK = "heddle-scenes-ink.safetensors"
FEW_STEPS = "heddle-scenes-lcm.safetensors"
CLASSIFIER = "heddle-scenes-times.safetensors"
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


class Sampling(NamedTuple):
    """How pictures are sampled."""

    steps: int = 20
    cfg: float = 4.0
    sampler: str = "dpmpp_2m"
    scheduler: str = "karras"


FULL = Sampling()


class Parts(NamedTuple):
    """The parts of a checkpoint that pictures are painted with."""

    model: Model
    clip: Clip
    vae: Vae

    def painted(
        self, prompts: Sequence[str], how: Sampling = FULL, hints: tuple[ControlNet, Tensor] | None = None
    ) -> Tensor:
        """A picture of each prompt (N, H, W, 3), number n from seed n, steered by hint n where there are hints."""
        made = [self._painted(prompt, seed, how, hints) for seed, prompt in enumerate(prompts)]
        return torch.cat(made)

    def _painted(self, prompt: str, seed: int, how: Sampling, hints: tuple[ControlNet, Tensor] | None) -> Tensor:
        texts = [conditioning(self.clip.encode(self.clip.tokenize(text))) for text in (prompt, "")]
        if hints is not None:
            net, pictures = hints
            texts = put_on(texts, net, pictures[seed : seed + 1], 1.0)
        latent = {"samples": torch.zeros(1, 4, SIDE // 8, SIDE // 8)}
        positive, negative = texts
        asking = ksampler(self.model, seed, how.steps, how.cfg, how.sampler, how.scheduler, positive, negative, latent)
        return self.vae.decode(alone(asking)["samples"])


@cache
def base() -> Parts:
    """The bundled text-to-image model."""
    loaded = load_checkpoint(folders.current().require("checkpoints", BASE))
    return Parts(loaded.model, required(loaded.clip), present(loaded.vae))


def with_lora(name: str) -> Parts:
    """The same with a LoRA on it."""
    model, clip = add_lora(base().model, base().clip, read_lora(folders.current().require("loras", name)), 1.0, 1.0)
    return Parts(model, required(clip), base().vae)


@cache
def asked_and_painted(count: int) -> tuple[list[Scene], Tensor]:
    """Unseen scenes, and what the model paints of their captions at 20 steps and CFG 4."""
    scenes = unseen_scenes(count)
    return scenes, base().painted([prompt_of(scene) for scene in scenes])


def drawn(scenes: Sequence[Scene], style: str = "colour") -> Tensor:
    """The scenes as the dataset draws them (N, H, W, 3)."""
    return torch.stack([as_image(STYLES[style](scene, SIDE)) for scene in scenes])


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
    base()
    began = time.perf_counter()
    scenes, images = asked_and_painted(count)
    seconds = (time.perf_counter() - began) / count
    bound = shares(drawn(scenes), scenes)
    for name, share in shares(images, scenes).items():
        yield f"text, {name:16} {share:6.1%}   drawn {bound[name]:6.1%}   ratio {share / bound[name]:.3f}"
    yield f"text, {seconds:.2f} s for a picture of 20 steps"
    keep_sheet(images, keep, "text")


def few_steps(count: int, keep: Path | None) -> Iterator[str]:
    """Prompts followed in 4 steps with the few-step LoRA; the peer is the model itself in 20 steps."""
    scenes, full = asked_and_painted(count)
    student = with_lora(FEW_STEPS)
    student = student._replace(model=as_consistency_model(student.model))
    began = time.perf_counter()
    images = student.painted([prompt_of(scene) for scene in scenes], Sampling(4, 1.0, "lcm", "simple"))
    seconds = (time.perf_counter() - began) / count
    ours, peer = (shares(each, scenes)["all attributes"] for each in (images, full))
    yield f"few steps, all attributes {ours:6.1%}   20 steps {peer:6.1%}   {100 * (ours - peer):+.1f} points"
    yield f"few steps, {seconds:.2f} s for a picture of 4 steps"
    keep_sheet(images, keep, "few_steps")


def control(count: int, keep: Path | None) -> Iterator[str]:
    """How the edges of what is painted agree with those of the scene whose line drawing steers it.

    The figure is the correlation of gradients of brightness, both blurred a little. The peer is the model without the
    drawing, by the same prompts and seeds; the bound is the scene itself after encoding and decoding.
    """
    scenes, free = asked_and_painted(count)
    net = load_control_net(folders.current().require("controlnet", CONTROL))
    hints, wanted = drawn(scenes, "line art"), drawn(scenes)
    prompts = [prompt_of(scene) for scene in scenes]
    steered = base().painted(prompts, hints=(net, hints))
    unprompted = base().painted([""] * count, hints=(net, hints))
    again = torch.cat([base().vae.decode(base().vae.encode(part)) for part in wanted.split(16)])
    ours, alone_, peer, bound = (alike(each, wanted) for each in (steered, unprompted, free, again))
    yield f"edges followed {ours:.3f}   without the ControlNet {peer:.3f}   through the VAE {bound:.3f}"
    yield f"edges followed without a prompt {alone_:.3f}"
    share = shares(steered, scenes)["all attributes"]
    yield f"with the ControlNet, all attributes {share:6.1%}"
    keep_sheet(torch.cat([hints[:12], steered[:12], unprompted[:12], free[:12]]), keep, "control")


def alike(made: Tensor, wanted: Tensor) -> float:
    """The mean correlation of the edges of pictures (N, H, W, 3) with those of others."""
    ours, theirs = edges(made), edges(wanted)
    return (
        torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(ours, theirs, strict=True)]).mean().item()
    )


def edges(images: Tensor) -> Tensor:
    """How much brightness changes about each pixel (N, H * W): the size of its gradient, blurred over 5 pixels."""
    grey = (images @ images.new_tensor([0.299, 0.587, 0.114]))[:, None]
    across = functional.pad(grey.diff(dim=-1), (0, 1))
    down = functional.pad(grey.diff(dim=-2), (0, 0, 0, 1))
    return functional.avg_pool2d((across**2 + down**2).sqrt(), 5, 1, 2).flatten(1)


def ink(count: int, keep: Path | None) -> Iterator[str]:
    """Colour that is left with the pen-and-ink LoRA: mean distance of pixels from grey; the drawings have as little."""
    scenes, plain = asked_and_painted(count)
    images = with_lora(INK).painted([prompt_of(scene) for scene in scenes])
    ours, peer, bound = (chroma(each) for each in (images, plain, drawn(scenes, "pen and ink")))
    yield f"ink, colour left {ours:.3f}   without the LoRA {peer:.3f}   drawn in ink {bound:.3f}"
    keep_sheet(images, keep, "ink")


def chroma(images: Tensor) -> float:
    """The mean over pixels of the range of their red, green and blue."""
    return (images.amax(-1) - images.amin(-1)).mean().item()


def classifier(count: int, keep: Path | None) -> Iterator[str]:
    """The hour that classifier guidance leads to, without any prompt; the bound is chance among four."""
    found = load_classifier(folders.current().require("classifiers", CLASSIFIER))
    each = -(-count // len(found.labels))
    right, images = 0, list[Tensor]()
    for label, name in enumerate(found.labels):
        hook = classifier_guidance(found, label, CLASSIFIER_SCALE)
        model = base().model
        steered = base()._replace(model=replace(model, hooks=replace(model.hooks, finish=(*model.hooks.finish, hook))))
        made = steered.painted([""] * each, Sampling(20, 1.0, "ddim", "normal"))
        right += sum(seen(as_picture(image))["time"] in name.split("/") for image in made)
        images.append(made)
    share = right / (each * len(found.labels))
    yield f"classifier guidance, hour as asked {share:6.1%}   chance {1 / len(found.labels):6.1%}"
    keep_sheet(torch.cat([made[:12] for made in images]), keep, "classifier")


def vae(count: int, keep: Path | None) -> Iterator[str]:
    """Reconstruction; the peer is a picture of as many numbers: the drawing at an eighth and a bit, enlarged again."""
    scenes = pictures.draw_all(SceneDataset(count, UNSEEN, SIDE, "colour"))
    ours = psnr(base().vae, scenes, range(count))
    pixels = scenes.pixels(range(count))
    small = round(SIDE * (4 / 3) ** 0.5 / 8)  # as many numbers as a latent of 4 x 16 x 16 has
    planes = functional.interpolate(pixels.movedim(-1, 1), (small, small), mode="bicubic", antialias=True)
    peer = mean_psnr(functional.interpolate(planes, (SIDE, SIDE), mode="bicubic").clamp(0, 1).movedim(1, -1), pixels)
    yield f"VAE reconstruction {ours:.2f} dB   as many numbers, bicubic {peer:.2f} dB   ratio {ours / peer:.3f}"
    with torch.inference_mode():
        keep_sheet(torch.cat([pixels[:12], base().vae.decode(base().vae.encode(pixels[:12]))]), keep, "vae")


def upscaler(count: int, keep: Path | None) -> Iterator[str]:
    """Twice the size, from drawings at half; the peer is bicubic interpolation."""
    model = load_upscale_model(folders.current().require("upscale_models", UPSCALER))
    wanted = pictures.draw_all(SceneDataset(count, UNSEEN, SIDE, "colour")).pixels(range(count))
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


MEASURES = {
    "text": text,
    "few_steps": few_steps,
    "control": control,
    "ink": ink,
    "classifier": classifier,
    "vae": vae,
    "upscaler": upscaler,
}


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
