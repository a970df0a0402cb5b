"""The node that trains a ControlNet and writes it among the outputs."""

import json
from functools import partial
from typing import Annotated, NamedTuple

from engine.api import Clip, ControlNet, Dataset, Image, Model, Named, Number, Tip, Vae, deferred, node
from engine.training.inputs import (
    Accumulate,
    Average,
    Batch,
    ClipNorm,
    Compile,
    Minutes,
    Precision,
    PreviewEvery,
    Rate,
    Resume,
    SaveMinutes,
    SeedInput,
    Steps,
    WarmUp,
)
from engine.weights import folders

with deferred():
    from engine.diffusion import vae as vaes
    from engine.diffusion.families import control_files, save
    from engine.diffusion.text import clip as clips
    from engine.training import control, denoising, pictures, previews, recipe, stores


class TrainedControl(NamedTuple):
    control_net: Annotated[ControlNet, Named("control_net")]
    curve: Annotated[Image, Named("curve")]
    summary: Annotated[str, Named("summary")]


@node("training", id="TrainControlNet", title="Train ControlNet", is_output=True)
def train_control_net(
    model: Model,
    clip: Clip,
    vae: Vae,
    dataset: Dataset,
    hints: Annotated[Dataset, Tip("Pictures to steer by: example i is the hint of example i of the dataset.")],
    filename_prefix: str = "controlnet/heddle",
    steps: Steps = 2000,
    minutes: Minutes = 0.0,
    batch: Batch = 16,
    rate: Rate = 5e-4,
    seed: SeedInput = 0,
    min_snr: Annotated[float, Number(0, 1000, step=0.5), Tip("Gamma of min-SNR weights; 0: none.")] = 5.0,
    dropped_captions: Annotated[
        float, Number(0, 1, step=0.01), Tip("Share of captions left out: the hints must say what is wanted.")
    ] = 0.5,
    average: Average = 0.99,
    precision: Precision = "auto",
    compile: Compile = False,
    checkpoint: Resume = "",
    accumulate: Accumulate = 1,
    warm_up: WarmUp = 50,
    clip_norm: ClipNorm = 1.0,
    preview_every: PreviewEvery = 100,
    save_minutes: SaveMinutes = 5.0,
) -> TrainedControl:
    """Train a ControlNet for any SD 1.x or 2.x model, which stays as it is, and save it below the output folder."""
    run = recipe.Recipe(
        steps=steps,
        batch=batch,
        rate=rate,
        minutes=minutes,
        warm_up=warm_up,
        clip=clip_norm,
        accumulate=accumulate,
        average=average,
        precision=precision,
        compiled=compile,
        seed=seed,
        preview_every=preview_every,
        save_minutes=save_minutes,
    )
    drawn_hints = control.draw_hints(dataset, hints)
    made = control.train_control(
        model,
        clips.required(clip),
        vaes.present(vae),
        pictures.draw_all(dataset),
        drawn_hints,
        run,
        denoising.Objective(min_snr=min_snr, dropped=dropped_captions),
        stores.path_of(checkpoint),
    )
    figures = {"compared": round(made.loss, 5), "without": round(made.loss_without, 5)}
    summary = json.dumps(stores.summary(made.run, **figures))
    tensors = control_files.control_net_tensors(made.net.network)
    write = partial(save.write, tensors=tensors, texts={"training": summary})
    folders.current().save_target(filename_prefix).write("safetensors", write)
    return TrainedControl(made.net, previews.as_tensor(made.run.shown), summary)
