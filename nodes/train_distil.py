"""The node that distils a model into one of 1 to 4 steps, whole or as a LoRA."""

import json
from functools import partial
from typing import Annotated, Literal, NamedTuple

from engine.api import Clip, Dataset, Image, Model, Named, Number, Option, Tip, Vae, deferred, node
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
    from engine.training import distillation, loop, pictures, previews, recipe, stores
    from engine.training import lora as lora_training
    from engine.weights import lora as lora_files


class DistilledModel(NamedTuple):
    model: Model
    curve: Annotated[Image, Named("curve")]
    summary: Annotated[str, Named("summary")]


@node("training", id="DistillLCM", title="Distil into a Few Steps (LCM)", is_output=True)
def distill_lcm(
    model: Model,
    clip: Clip,
    vae: Vae,
    dataset: Dataset,
    filename_prefix: Annotated[str, Tip("Of the LoRA's file below the output folder; unused at rank 0.")] = (
        "loras/heddle-lcm"
    ),
    rank: Annotated[int, Number(0, 1024), Tip("Of a LoRA of all layers; 0: train the whole model.")] = 32,
    steps: Steps = 1000,
    minutes: Minutes = 0.0,
    batch: Batch = 16,
    rate: Rate = 1e-3,
    seed: SeedInput = 0,
    cfg: Annotated[float, Number(0, 100, step=0.1), Tip("The teacher's; the student is then run at CFG 1.")] = 4.0,
    skip: Annotated[int, Number(1, 50), Tip("Levels, of fifty, that the teacher goes down in one step.")] = 1,
    loss: Literal["huber", "l2"] = "huber",
    target_average: Annotated[
        float, Number(0, 0.9999, step=0.01, round=1e-4), Tip("Decay of the network that gives the targets.")
    ] = 0.95,
    average: Average = 0.98,
    precision: Precision = "auto",
    compile: Compile = False,
    checkpoint: Resume = "",
    accumulate: Accumulate = 1,
    warm_up: WarmUp = 20,
    clip_norm: ClipNorm = 1.0,
    preview_every: PreviewEvery = 100,
    save_minutes: SaveMinutes = 5.0,
    alpha: Annotated[float, Number(0.01, 1024, step=0.5, round=0.01), Option(advanced=True)] = 32.0,
) -> DistilledModel:
    """Teach a model to make pictures in 1 to 4 steps: sampler lcm, scheduler simple, CFG 1 (Luo et al. 2023).

    The model given back samples so at once. One that is loaded again wants ModelSamplingDiscrete set to lcm behind it.
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
    how = distillation.Distillation(cfg, skip, loss, target_average)
    given = (model, clips.required(clip), vaes.present(vae), pictures.draw_all(dataset), run)
    store = stores.path_of(checkpoint)
    if rank == 0:
        whole = distillation.distill(*given, how, store)
        return _answer(whole.model, whole.run)
    small = distillation.distill_lora(*given, lora_training.Rank(rank, alpha), how, store)
    summary = json.dumps(stores.summary(small.run))
    write = partial(save.write, tensors=small.tensors, texts={"training": summary})
    path = folders.current().save_target(filename_prefix).write("safetensors", write)
    changed, _ = loras.add_lora(model, None, lora_files.read_lora(path), 1.0, 1.0)
    return _answer(distillation.as_consistency_model(changed), small.run)


def _answer(model: Model, run: "loop.Trained") -> DistilledModel:
    return DistilledModel(model, previews.as_tensor(run.shown), json.dumps(stores.summary(run)))
