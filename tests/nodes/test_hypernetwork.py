"""The hypernetwork node finds its file and changes a whole run; taken out, or at strength 0, it changes no bit."""

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.diffusion.drive import alone
from engine.diffusion.model import Model
from engine.weights.folders import Folders
from nodes.hypernetwork import hypernetwork_loader
from nodes.sample import ksampler
from tests.tiny.hypernetworks import flat_hypernetwork

pytestmark = pytest.mark.usefixtures("inference")
TEXT = torch.randn(1, 7, 32, generator=torch.Generator().manual_seed(1))


def sampled(model: Model) -> Tensor:
    prompt = [(TEXT, {})]
    run = ksampler(
        model,
        1,
        2,
        4.0,
        sampler_name="euler",
        scheduler="normal",
        positive=prompt,
        negative=prompt,
        latent_image={"samples": torch.zeros(1, 4, 8, 8)},
    )
    return alone(run)["samples"]


def test_a_hypernetwork_changes_a_run(model: Model, disk: Folders) -> None:
    (disk.models / "hypernetworks").mkdir(parents=True)
    save_file(flat_hypernetwork(), disk.models / "hypernetworks" / "style.safetensors", {"activation_func": "relu"})
    before = sampled(model)
    made = sampled(hypernetwork_loader(model, "style.safetensors", 0.7))
    assert made.isfinite().all()
    assert not torch.allclose(made, before, atol=1e-3)
    assert torch.equal(sampled(hypernetwork_loader(model, "style.safetensors", 0.0)), before)
    assert torch.equal(sampled(model), before)
