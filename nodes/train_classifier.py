"""Nodes that train a classifier of noisy latents, and load one, for guidance by its gradient."""

import json
from functools import partial
from typing import Annotated, NamedTuple

from engine.api import Choice, Classifier, Dataset, Image, Model, Named, Tip, Vae, deferred, node
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
    whole_numbers,
)
from engine.weights import folders

with deferred():
    from engine.device import place
    from engine.diffusion import noisy_classifier
    from engine.diffusion import vae as vaes
    from engine.training import classifier as classifier_training
    from engine.training import pictures, previews, recipe, stores
    from engine.weights import shelf


class TrainedClassifier(NamedTuple):
    classifier: Classifier
    curve: Annotated[Image, Named("curve")]
    summary: Annotated[str, Named("summary")]


class LoadedClassifier(NamedTuple):
    classifier: Classifier
    labels: Annotated[str, Named("labels")]


@node("training", id="TrainClassifier", title="Train Classifier of Noisy Latents", is_output=True)
def train_classifier(
    model: Model,
    vae: Vae,
    dataset: Dataset,
    labels: Annotated[
        str,
        Tip("A picture has the first that its caption names, or is left out; a/b is one label of two names."),
    ] = "dawn, noon/midday, dusk, night",
    filename_prefix: str = "classifiers/heddle",
    widths: Annotated[str, Tip("Channels of each level: multiples of 8, with commas.")] = "64, 128",
    steps: Steps = 1000,
    minutes: Minutes = 0.0,
    batch: Batch = 64,
    rate: Rate = 1e-3,
    seed: SeedInput = 0,
    average: Average = 0.99,
    precision: Precision = "auto",
    compile: Compile = False,
    checkpoint: Resume = "",
    accumulate: Accumulate = 1,
    warm_up: WarmUp = 20,
    clip_norm: ClipNorm = 1.0,
    preview_every: PreviewEvery = 100,
    save_minutes: SaveMinutes = 5.0,
) -> TrainedClassifier:
    """Teach a small network to tell what noisy latents of a model will show, and save it below the output folder.

    The summary names the share of held-back pictures it is right about, by sigma. Dhariwal & Nichol (2021), section 4.
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
    words = [word.strip() for word in labels.split(",") if word.strip()]
    made = classifier_training.train_classifier(
        model,
        vaes.present(vae),
        pictures.draw_all(dataset),
        run,
        words,
        whole_numbers("widths", widths),
        stores.path_of(checkpoint),
    )
    summary = json.dumps(stores.summary(made.run, labels=words, left_out=made.left_out, accuracy=made.accuracy))
    write = partial(noisy_classifier.write_classifier, classifier=made.classifier, texts={"training": summary})
    folders.current().save_target(filename_prefix).write("safetensors", write)
    return TrainedClassifier(made.classifier, previews.as_tensor(made.run.shown), summary)


@node("loaders", id="ClassifierLoader", title="Load Classifier of Noisy Latents")
def classifier_loader(classifier_name: Annotated[str, Choice(folders.listing("classifiers"))]) -> LoadedClassifier:
    """Load a classifier for Classifier Guidance; `labels` tells which number stands for what."""
    path = folders.current().require("classifiers", classifier_name)
    found = shelf.current().get(lambda: noisy_classifier.load_classifier(path), (path,), "classifier", place.current())
    return LoadedClassifier(found, ", ".join(f"{number} {word}" for number, word in enumerate(found.labels)))
