"""Arithmetic on conditionings: nothing changes its arguments, unknown settings stay."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion.conditioning import average, combine, concat, with_settings, zero_out
from tests.diffusion.analytic import mismatch


def wave(tokens: int, phase: float) -> Tensor:
    return torch.sin(0.3 * torch.arange(tokens * 2) + phase).reshape(1, tokens, 2)


def pooled(*phases: float) -> Tensor:
    return torch.tensor([[math.sin(phase) for phase in phases]])


def test_averages_equal_the_reference(golden: Callable[[str], list[dict[str, Any]]]) -> None:
    records = [record for record in golden("conditioning") if record.get("op") == "average"]
    assert records
    for record in records:
        to = [(wave(record["to_tokens"], 0.1), {"pooled_output": pooled(0.5, 0.8)})]
        source = [(wave(record["from_tokens"], 0.9), {"pooled_output": pooled(1.5, 1.8)})]
        ((tokens, settings),) = average(to, source, record["strength"])
        assert list(tokens.shape) == record["shape"]
        assert mismatch(tokens, record) is None
        assert settings["pooled_output"][0].tolist() == pytest.approx(record["pooled"], abs=1e-5)


def test_an_average_takes_the_pooled_vector_that_there_is() -> None:
    to, source = wave(3, 0.1), wave(3, 0.9)
    ((_, borrowed),) = average([(to, {})], [(source, {"pooled_output": pooled(1.0)})], 0.25)
    ((_, kept),) = average([(to, {"pooled_output": pooled(2.0)})], [(source, {})], 0.25)
    ((_, none),) = average([(to, {})], [(source, {})], 0.25)
    assert torch.equal(borrowed["pooled_output"], pooled(1.0))
    assert torch.equal(kept["pooled_output"], pooled(2.0))
    assert none == {}


def test_an_average_cuts_a_longer_source() -> None:
    ((tokens, _),) = average([(wave(2, 0.1), {})], [(wave(5, 0.9), {})], 0.0)
    assert torch.equal(tokens, wave(5, 0.9)[:, :2])


def test_concat_appends_the_first_entry_to_each_and_keeps_settings() -> None:
    joined = concat([(wave(2, 0.1), {"strength": 2.0}), (wave(1, 0.2), {})], [(wave(3, 0.9), {"strength": 5.0})])
    assert [tokens.shape[1] for tokens, _ in joined] == [5, 4]
    assert torch.equal(joined[0][0][:, 2:], wave(3, 0.9))
    assert joined[0][1] == {"strength": 2.0}


def test_combine_and_settings_leave_their_arguments_alone() -> None:
    first: list[Any] = [[wave(2, 0.1), {"kept": 1}]]
    both = combine(first, with_settings(first, strength=0.5))
    assert [settings for _, settings in both] == [{"kept": 1}, {"kept": 1, "strength": 0.5}]
    both[0][1]["strength"] = 3.0
    assert first[0][1] == {"kept": 1}


def test_zeroed_entries_say_nothing() -> None:
    ((tokens, settings),) = zero_out([(wave(2, 0.1), {"pooled_output": pooled(1.0), "width": 64})])
    assert tokens.count_nonzero() == 0
    assert settings["pooled_output"].count_nonzero() == 0
    assert settings["width"] == 64


def test_prompts_of_other_text_encoders_do_not_mix() -> None:
    wide = [(torch.zeros(1, 2, 7), {})]
    for mix in (lambda: concat([(wave(2, 0.1), {})], wide), lambda: average([(wave(2, 0.1), {})], wide, 0.5)):
        with pytest.raises(ValueError, match="tokens of 2 and 7 numbers do not mix"):
            mix()


def test_an_empty_source_is_named() -> None:
    with pytest.raises(ValueError, match="conditioning_from has no entries"):
        concat([(wave(2, 0.1), {})], [])
