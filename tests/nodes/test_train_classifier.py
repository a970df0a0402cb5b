"""The nodes of classifiers: one is trained, loaded by its name, and steers a model."""

import json
from typing import Any

import pytest
import torch

from engine.diffusion.drive import alone
from engine.weights.folders import Folders
from nodes import sample, text, theory_guidance, train, train_classifier
from tests.nodes.test_train import SIZES
from tests.training.toys import Discs

SHORT: dict[str, Any] = {"steps": 2, "batch": 2, "preview_every": 0, "widths": "16, 16"}


def test_a_classifier_is_trained_loaded_and_followed(disk: Folders) -> None:
    with torch.inference_mode():  # as a run calls nodes
        fresh = train.new_sd_model(**SIZES)
        made = train_classifier.train_classifier(
            fresh.model, fresh.vae, Discs(4), "red, green", "classifiers/discs", **SHORT
        )
        disk.add("classifiers", disk.output / "classifiers")
        loaded = train_classifier.classifier_loader("discs_00001_.safetensors")
        words = text.clip_text_encode("a red disc", fresh.clip)

        def sampled(scale: float) -> torch.Tensor:
            model = theory_guidance.classifier_guidance(fresh.model, loaded.classifier, 1, scale)
            asking = sample.ksampler(
                model,
                1,
                2,
                1.0,
                sampler_name="euler",
                scheduler="normal",
                positive=words,
                negative=words,
                latent_image={"samples": torch.zeros(1, 4, 4, 4)},
            )
            return alone(asking)["samples"]

        assert not torch.equal(sampled(0.0), sampled(50.0))
    assert loaded.labels == "0 red, 1 green"
    summary = json.loads(made.summary)
    assert summary["labels"] == ["red", "green"]
    assert summary["left_out"] == 0
    assert len(summary["accuracy"]) == 5
    x, sigma, label = torch.randn(1, 4, 4, 4), torch.tensor([1.0]), torch.tensor([0])
    same = [each.log_probability(x, sigma, label) for each in (made.classifier, loaded.classifier)]
    assert torch.equal(*same)


@pytest.mark.usefixtures("disk")
def test_widths_and_labels_that_are_none_are_named() -> None:
    fresh = train.new_sd_model(**SIZES)
    with pytest.raises(ValueError, match="widths is 'wide'"):
        train_classifier.train_classifier(fresh.model, fresh.vae, Discs(2), "red, green", widths="wide")
    with pytest.raises(ValueError, match="has the label 'blue'"):
        train_classifier.train_classifier(fresh.model, fresh.vae, Discs(2), "red, blue")
