"""The classifier of noisy latents: its file, what it refuses, and that guidance can follow its gradient."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.diffusion.classifier_guidance import gradient
from engine.diffusion.noisy_classifier import ClassifierShape, load_classifier, new_classifier, write_classifier
from engine.training.copies import rounded
from engine.weights.read import BadFile

SHAPE = ClassifierShape(("dawn", "dusk", "night"), widths=(16, 24))
X, SIGMA = torch.randn(2, 4, 8, 6, generator=torch.Generator().manual_seed(0)), torch.tensor([0.5, 12.0])


def test_a_saved_classifier_loads_to_the_same_bits(tmp_path: Path) -> None:
    made = new_classifier(SHAPE, 4)
    rounded(made.network)
    write_classifier(tmp_path / "times.safetensors", made, {"training": "{}"})
    with torch.inference_mode():  # as nodes are run
        loaded = load_classifier(tmp_path / "times.safetensors")
    assert loaded.shape == SHAPE
    label = torch.tensor([0, 2])
    assert torch.equal(loaded.log_probability(X, SIGMA, label), made.log_probability(X, SIGMA, label))
    assert gradient(loaded, X, SIGMA, 1).abs().sum() > 0


def test_probabilities_of_all_labels_make_one_at_any_size_and_level() -> None:
    made = new_classifier(SHAPE, 1)
    for side in (1, 3, 16):
        x, sigma = torch.randn(3, 4, side, side), torch.tensor([0.0, 1.0, 700.0])
        each = [made.log_probability(x, sigma, torch.full((3,), label)).exp() for label in range(3)]
        assert torch.allclose(torch.stack(each).sum(0), torch.ones(3), atol=1e-5)


def test_the_network_is_told_the_level_and_each_row_is_its_own() -> None:
    made = new_classifier(SHAPE, 1)
    label = torch.tensor([1, 1])
    both = made.log_probability(X, SIGMA, label)
    assert torch.allclose(both[1:], made.log_probability(X[1:], SIGMA[1:], label[1:]), atol=1e-5)
    scaled = X * ((1 + 3.0**2) / (1 + 0.5**2)) ** 0.5  # the same to the network but for what it is told
    first, second = (made.log_probability(x[:1], torch.tensor([s]), label[:1]) for x, s in ((X, 0.5), (scaled, 3.0)))
    assert not torch.allclose(first, second, atol=1e-4)


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    made = new_classifier(SHAPE, 1)
    with pytest.raises(ValueError, match="no label 3; it has 0 dawn, 1 dusk, 2 night"):
        made.log_probability(X, SIGMA, torch.tensor([0, 3]))
    with pytest.raises(ValueError, match="latents of 4 channels, not of shape"):
        made.log_probability(X[:, :3], SIGMA, torch.tensor([0, 0]))
    with pytest.raises(ValueError, match="two or more different labels"):
        ClassifierShape(("dawn", "dawn"))
    with pytest.raises(ValueError, match="multiples of 8"):
        ClassifierShape(("dawn", "dusk"), widths=(20,))
    save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(BadFile, match="is no classifier of noisy latents"):
        load_classifier(tmp_path / "other.safetensors")
    wide = ClassifierShape(SHAPE.labels, widths=(16, 32))
    narrow = new_classifier(SHAPE, 1)
    write_classifier(tmp_path / "broken.safetensors", type(narrow)(narrow.network, wide), {})
    with pytest.raises(BadFile, match="do not fit its own description"):
        load_classifier(tmp_path / "broken.safetensors")
