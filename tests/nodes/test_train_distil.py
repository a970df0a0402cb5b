"""The node of distillation: a LoRA on disk or a whole model, sampled in two steps."""

import json
from typing import Any

import pytest
import torch

from engine.diffusion.drive import alone
from engine.diffusion.levels import LcmLevels
from engine.weights.folders import Folders
from nodes import sample, text, train, train_distil
from tests.nodes.test_train import SIZES
from tests.training.toys import Discs

SHORT: dict[str, Any] = {"steps": 2, "batch": 2, "preview_every": 0}


@pytest.mark.parametrize("rank", [0, 2])
def test_a_distilled_model_is_sampled_in_two_steps(disk: Folders, rank: int) -> None:
    with torch.inference_mode():
        fresh = train.new_sd_model(**SIZES)
        made = train_distil.distill_lcm(
            fresh.model, fresh.clip, fresh.vae, Discs(4), "loras/quick", rank=rank, alpha=2, **SHORT
        )
        words = text.clip_text_encode("a red disc", fresh.clip)
        asking = sample.ksampler(
            made.model,
            1,
            2,
            1.0,
            sampler_name="lcm",
            scheduler="simple",
            positive=words,
            negative=words,
            latent_image={"samples": torch.zeros(1, 4, 4, 4)},
        )
        assert torch.isfinite(alone(asking)["samples"]).all()
    assert made.model.levels == LcmLevels()
    assert (disk.output / "loras" / "quick_00001_.safetensors").exists() == bool(rank)
    assert bool(made.model.patches) == bool(rank)
    assert json.loads(made.summary)["steps"] == 2
    assert made.curve.shape[0] == 1
