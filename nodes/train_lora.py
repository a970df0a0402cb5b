"""The node that trains a LoRA, writes it among the outputs and puts it on the model."""

import json
from typing import Annotated, NamedTuple

from engine.api import Clip, Dataset, Image, Model, Named, Number, Seed, Tip, Vae, deferred, node
from engine.weights import folders
from engine.weights.write_whole import write_new

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
    steps: Annotated[int, Number(1, 10_000_000)] = 500,
    minutes: Annotated[float, Number(0, 100_000, step=1), Tip("End after this time; 0: no limit.")] = 0.0,
    batch: Annotated[int, Number(1, 4096)] = 4,
    rate: Annotated[float, Number(1e-7, 1.0, step=1e-5, round=1e-7)] = 1e-3,
    seed: Annotated[int, Seed()] = 0,
    rank: Annotated[int, Number(1, 1024)] = 8,
    alpha: Annotated[float, Number(0.01, 1024, step=0.5, round=0.01)] = 8.0,
    attention_only: Annotated[bool, Tip("Only attention, or all linear layers of transformers.")] = True,
    train_text: Annotated[bool, Tip("A change of the text encoder too.")] = False,
    checkpoint: Annotated[str, Tip("Name of a file below output/training to resume from; empty: none.")] = "",
    preview_every: Annotated[int, Number(0, 100_000)] = 100,
) -> TrainedLora:
    """Train a LoRA on a dataset for any SD 1.x or 2.x model, save it below the output folder, and put it on."""
    run = recipe.Recipe(
        steps=steps, batch=batch, rate=rate, minutes=minutes, seed=seed, preview_every=preview_every, average=0.98
    )
    made = lora_training.train_lora(
        model,
        clips.required(clip),
        vaes.present(vae),
        pictures.draw_all(dataset),
        run,
        lora_training.Rank(rank, alpha, attention_only),
        denoising.Objective(trains_text=train_text),
        stores.path_of(checkpoint),
    )
    summary = json.dumps(stores.summary(made.run))
    target = folders.current().save_target(filename_prefix)
    path = write_new(
        target.folder,
        target.names("safetensors"),
        target.counter,
        lambda path: save.write(path, made.tensors, {"training": summary}),
    )
    changed, read = loras.add_lora(model, clip, lora_files.read_lora(path), 1.0, 1.0)
    return TrainedLora(changed, clips.required(read), previews.as_tensor(made.run.shown), summary)
