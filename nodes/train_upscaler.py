"""The node that trains an upscale model and writes it among the outputs."""

import json
from functools import partial
from typing import Annotated, Literal, NamedTuple

from engine.api import Dataset, Image, Named, Number, Option, Tip, UpscaleModel, deferred, node
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
    from engine.diffusion.families import save
    from engine.training import pictures, previews, recipe, stores, upscaler


class TrainedUpscaler(NamedTuple):
    upscale_model: Annotated[UpscaleModel, Named("upscale_model")]
    curve: Annotated[Image, Named("curve")]
    summary: Annotated[str, Named("summary")]


@node("training", id="TrainUpscaler", title="Train Upscale Model", is_output=True)
def train_upscaler(
    dataset: Dataset,
    filename_prefix: str = "upscale_models/heddle",
    scale: Annotated[Literal["2", "4"], Tip("How much larger pictures become.")] = "2",
    num_feat: Annotated[int, Number(8, 256, step=8), Tip("Channels of the convolutions.")] = 64,
    num_conv: Annotated[int, Number(1, 64), Tip("Convolutions between the first and the last.")] = 8,
    crop: Annotated[int, Number(8, 1024, step=8), Tip("Side of the squares that it learns to paint.")] = 64,
    steps: Steps = 5000,
    minutes: Minutes = 0.0,
    batch: Batch = 16,
    rate: Rate = 1e-3,
    seed: SeedInput = 0,
    edges: Annotated[float, Number(0, 100, step=0.1), Tip("Weight of the difference of edges.")] = 0.0,
    save_as: Annotated[Literal["float16", "float32"], Option(advanced=True)] = "float16",
    average: Average = 0.995,
    precision: Precision = "auto",
    compile: Compile = False,
    checkpoint: Resume = "",
    accumulate: Accumulate = 1,
    warm_up: WarmUp = 50,
    clip_norm: ClipNorm = 1.0,
    preview_every: PreviewEvery = 200,
    save_minutes: SaveMinutes = 5.0,
) -> TrainedUpscaler:
    """Train a small Real-ESRGAN Compact network on a dataset from nothing, and save it below the output folder.

    The summary says how well pictures that were held back come out, in dB, and how well by bicubic interpolation.
    """
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
    size = upscaler.Size(int(scale), num_feat, num_conv)
    drawn = pictures.draw_all(dataset)
    made = upscaler.train_upscaler(drawn, run, size, crop, edges, save_as, stores.path_of(checkpoint))
    figures = {"psnr": round(made.psnr, 2), "psnr_bicubic": round(made.psnr_bicubic, 2), "measured": made.measured}
    summary = json.dumps(stores.summary(made.run, **figures))
    write = partial(save.write, tensors=made.tensors, texts={"training": summary})
    folders.current().save_target(filename_prefix).write("safetensors", write)
    return TrainedUpscaler(made.model, previews.as_tensor(made.run.shown), summary)
