"""Weights applied to encoded tokens."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from engine.diffusion.text.tokens import Chunk, Frame, empty_chunk, tokenize
from engine.diffusion.text.vocabulary import clip_ids
from engine.diffusion.text.weighting import Encoded, encode_weighted
from tests.diffusion.analytic import Golden

FRAMES = {"clip_l": Frame(49406, 49407, 49407, 77, 77), "clip_g": Frame(49406, 49407, 0, 77, 77)}


def stand_in(chunks: Sequence[Chunk]) -> Encoded:
    """z[j, d] = sin(0.001 t_j (d + 1) + 0.05 j), pooled the mean over j."""
    ids = torch.tensor([[int(token.value) for token in chunk] for chunk in chunks], dtype=torch.float64)
    j, d = torch.arange(ids.shape[1])[:, None], torch.arange(3)
    z = torch.sin(0.001 * ids[..., None] * (d + 1) + 0.05 * j).float()
    return Encoded(z, z.mean(1))


def encoded(prompt: str, frame: Frame) -> Encoded:
    return encode_weighted(tokenize(prompt, clip_ids, None, frame), empty_chunk(frame), stand_in)


def test_weighted_states_are_those_of_the_reference(golden: Golden) -> None:
    records = [record for record in golden("conditioning") if record["op"] == "weighting"]
    assert records
    for record in records:
        cond, pooled = encoded(record["prompt"], FRAMES[record["encoder"]])
        assert list(cond.shape) == record["shape"], record["prompt"]
        assert pooled is not None
        assert pooled[0].tolist() == pytest.approx(record["pooled"], abs=1e-5)
        flat = cond.double().flatten().numpy()
        taken = flat[:: record["stride"]][: len(record["values"])]
        assert taken.tolist() == pytest.approx(record["values"], abs=1e-5), record["prompt"]
        assert flat.mean() == pytest.approx(record["mean"], abs=1e-5)
        assert flat.std() == pytest.approx(record["std"], abs=1e-5)
        assert np.square(flat).sum() == pytest.approx(record["sumsq"], rel=1e-5)


def test_weight_nought_is_the_empty_prompt_and_one_is_untouched() -> None:
    frame = FRAMES["clip_l"]
    plain, empty = encoded("a cat", frame).cond, encoded("", frame).cond
    mixed = encoded("(a:0) cat", frame).cond
    assert torch.equal(mixed[:, 1], empty[:, 1])
    assert torch.equal(mixed[:, 2:], plain[:, 2:])


def test_what_is_pooled_knows_no_weights() -> None:
    frame = FRAMES["clip_g"]
    plain, weighted = encoded("a cat", frame).pooled, encoded("a (cat:3)", frame).pooled
    assert plain is not None
    assert weighted is not None
    assert torch.equal(plain, weighted)
