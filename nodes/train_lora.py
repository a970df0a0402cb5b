"""The node that trains a LoRA, writes it among the outputs and puts it on the model."""

import json
from functools import partial
from typing import Annotated, Literal, NamedTuple

from engine.api import Clip, Dataset, Image, Model, Named, Number, Tip, Vae, deferred, node
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
    from engine.diffusion import lora as loras
    from engine.diffusion import vae as vaes
    from engine.diffusion.families import save
    from engine.diffusion.text import clip as clips
    from engine.training import denoising, pictures, previews, recipe, stores
    from engine.training import lora as lora_training
    from engine.weights import lora as lora_files


class TrainedLora(NamedTuple):
    model: Model
    clip: Clip
    curve: Annotated[Image, Named("curve")]
    summary: Annotated[str, Named("summary")]


@node("training", id="TrainLoRA", title="Train LoRA", is_output=True)
def train_lora(
    model: Model,
    clip: Clip,
    vae: Vae,
    dataset: Dataset,
    filename_prefix: str = "loras/heddle",
    steps: Steps = 500,
    minutes: Minutes = 0.0,
    batch: Batch = 4,
    rate: Rate = 1e-3,
    seed: SeedInput = 0,
    rank: Annotated[int, Number(1, 1024)] = 8,
    alpha: Annotated[float, Number(0.01, 1024, step=0.5, round=0.01)] = 8.0,
    layers: Annotated[
        Literal["attention", "transformers", "all"],
        Tip("Of the UNet: attention, all linear layers of its transformers, or its convolutions too."),
    ] = "attention",
    train_text: Annotated[bool, Tip("A change of the text encoder too.")] = False,
    average: Average = 0.98,
    precision: Precision = "auto",
    compile: Compile = False,
    checkpoint: Resume = "",
    accumulate: Accumulate = 1,
    warm_up: WarmUp = 50,
    clip_norm: ClipNorm = 1.0,
    preview_every: PreviewEvery = 100,
    save_minutes: SaveMinutes = 5.0,
) -> TrainedLora:
    """Train a LoRA on a dataset for any SD 1.x or 2.x model, save it below the output folder, and put it on."""
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
    made = lora_training.train_lora(
        model,
        clips.required(clip),
        vaes.present(vae),
        pictures.draw_all(dataset),
        run,
        lora_training.Rank(rank, alpha, layers),
        denoising.Objective(trains_text=train_text),
        stores.path_of(checkpoint),
    )
    summary = json.dumps(stores.summary(made.run))
    write = partial(save.write, tensors=made.tensors, texts={"training": summary})
    path = folders.current().save_target(filename_prefix).write("safetensors", write)
    changed, read = loras.add_lora(model, clip, lora_files.read_lora(path), 1.0, 1.0)
    return TrainedLora(changed, clips.required(read), previews.as_tensor(made.run.shown), summary)
