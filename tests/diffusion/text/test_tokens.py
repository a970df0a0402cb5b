"""Prompts as chunks of tokens."""

import logging
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.diffusion.text.tokens import Chunk, EncodeText, Frame, Token, chunks, groups, tokenize
from engine.diffusion.text.vocabulary import T5_END, T5_PAD, clip_ids, t5_ids
from tests.diffusion.analytic import Golden

L, G = Frame(49406, 49407, 49407, 77, 77), Frame(49406, 49407, 0, 77, 77)
COLUMNS = [
    ("clip_l", clip_ids, L),
    ("clip_g", clip_ids, G),
    ("t5_min77", t5_ids, Frame(None, T5_END, T5_PAD, 77, None)),
    ("t5_min256", t5_ids, Frame(None, T5_END, T5_PAD, 256, None)),
]
SIZES = {"one": 1, "three": 3, "twelve": 12, "three.safetensors": 3}


def find(name: str) -> Tensor | None:
    """Embeddings whose vectors are one number: a thousand times their size, plus their place."""
    return 1000.0 * SIZES[name] + torch.arange(SIZES[name])[:, None] if name in SIZES else None


def named(value: int | Tensor) -> int | str:
    if isinstance(value, int):
        return value
    size, place = divmod(int(value), 1000)
    return f"{'one' if size == 1 else 'three' if size == 3 else 'twelve'}.{place}"


def values(chunk: Chunk) -> list[int | str]:
    return [named(token.value) for token in chunk]


def written_out(stored: dict[str, Any]) -> list[int | str]:
    return stored["ids"] + ([stored["fill"][0]] * stored["fill"][1] if stored["fill"] else [])


@pytest.mark.parametrize(("column", "encode", "frame"), COLUMNS)
def test_chunks_are_those_of_the_reference(golden: Golden, column: str, encode: EncodeText, frame: Frame) -> None:
    records = [record for record in golden("tokens") if column in record]
    assert records
    for record in records:
        found = tokenize(record["prompt"], encode, find if record.get("embeddings") else None, frame)
        assert [values(chunk) for chunk in found] == [written_out(stored) for stored in record[column]], record[
            "prompt"
        ]
        for chunk, stored in zip(found, record[column], strict=True):
            weights = [weight for count, weight in stored["weights"] for _ in range(count)]
            assert [token.weight for token in chunk] == pytest.approx(weights)


def test_groups_are_numbered_and_special_tokens_have_none() -> None:
    (chunk,) = tokenize("a (b) embedding:one", clip_ids, find, L)
    assert [token.group for token in chunk][:6] == [0, 1, 2, 3, 0, 0]


def test_only_groups_below_eight_tokens_are_kept_whole() -> None:
    filled, seven, eight = ([Token(7)] * count for count in (70, 7, 8))
    first, second = chunks([filled, seven], L)
    assert [len(list(run)) for _, run in groupby(token.value for token in first)] == [1, 70, 6]
    assert [token.value for token in second][:9] == [49406, *[7] * 7, 49407]
    first, second = chunks([filled, eight], L)
    assert [token.value for token in first][-3:] == [7, 7, 49407]
    assert [token.value for token in second][:5] == [49406, 7, 7, 7, 49407]


def test_a_prompt_without_end_is_one_chunk_without_a_limit() -> None:
    (chunk,) = chunks([[Token(5)] * 300], Frame(None, 1, 0, 77, None))
    assert [token.value for token in chunk] == [5] * 300 + [1]


def test_a_missing_embedding_is_a_warning_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = groups("a embedding:nowhere, b", clip_ids, find)
    assert [[token.value for token in group] for group in found] == [[320], [267, 321]]
    assert "'nowhere'" in caplog.text


def test_embeddings_are_plain_text_where_there_is_no_folder_for_them() -> None:
    ((*ids,),) = groups("embedding:one", clip_ids, None)
    assert [token.value for token in ids] == clip_ids("embedding:one")


def test_nothing_after_the_mark_is_no_embedding(tmp_path: Path) -> None:
    assert groups("embedding:", clip_ids, find) == []
    assert [[token.value for token in each] for each in groups("embedding:\n x", clip_ids, find)] == []
