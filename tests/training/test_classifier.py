"""Training a classifier of noisy latents: labels out of captions, and a network that tells discs apart."""

from pathlib import Path
from typing import Any

import pytest
import torch

from engine.diffusion.vae import present
from engine.training.classifier import labels_of, train_classifier
from engine.training.latent_scale import normalise
from engine.training.pictures import draw_all
from engine.training.recipe import Recipe
from engine.training.vae import encode_all
from tests.training.toys import Discs, tiny

RECIPE = Recipe(steps=30, batch=16, rate=3e-3, warm_up=2, average=0.5, preview_every=0, precision="float32")


def test_a_label_is_the_first_word_that_a_caption_names() -> None:
    captions = ["The sea at Dawn", "a pre-dawn house", "midnight", "dusk after dawn", "a night"]
    found = labels_of(captions, ["dawn", "night"])
    assert found.rows == (0, 1, 3, 4)
    assert found.labels == (0, 0, 0, 1)
    assert found.left_out == 1
    assert labels_of(["palm trees"], ["palm trees"]).labels == (0,)
    assert labels_of(["at midday", "noon", "night"], ["noon/midday", "night"]).labels == (0, 0, 1)


def test_a_label_that_nothing_has_is_named() -> None:
    with pytest.raises(ValueError, match="among 2 has the label 'noon'; the first caption is 'dusk, a lake'"):
        labels_of(["dusk, a lake", "dusk"], ["dusk", "noon"])


def test_discs_are_told_apart_where_there_is_little_noise() -> None:
    made, discs = tiny(), draw_all(Discs(24))
    module: Any = present(made.vae).module
    normalise(module, encode_all(present(made.vae), discs, range(24)))
    with torch.inference_mode():  # as nodes are run
        trained = train_classifier(made.model, present(made.vae), discs, RECIPE, ["red", "green"], widths=(16, 32))
    assert sum(trained.run.losses[-4:]) < 0.8 * sum(trained.run.losses[:4])
    levels = list(trained.accuracy)
    assert len(levels) == 5
    assert sorted(levels, key=float) == levels
    assert trained.accuracy[levels[0]] == 1
    assert trained.classifier.labels == ("red", "green")
    assert trained.left_out == 0


def test_examples_without_a_label_are_left_out_and_runs_resume(tmp_path: Path) -> None:
    made = tiny()
    pictures = draw_all(Discs(8))
    captions = ("a disc", *pictures.captions[1:])
    given = (made.model, present(made.vae), type(pictures)(pictures.planes, captions, "discs"))
    store = tmp_path / "run.safetensors"
    whole = train_classifier(*given, Recipe(steps=4, batch=2, last_rate=1.0), ["red", "green"], (16,))
    assert whole.left_out == 1
    train_classifier(*given, Recipe(steps=2, batch=2, last_rate=1.0), ["red", "green"], (16,), store)
    resumed = train_classifier(*given, Recipe(steps=4, batch=2, last_rate=1.0), ["red", "green"], (16,), store)
    assert resumed.run.losses == pytest.approx(whole.run.losses, rel=1e-4)
