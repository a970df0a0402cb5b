"""Files of textual inversion: finding and reading them."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.diffusion.text import embeddings as files
from engine.diffusion.text.clip import Clip
from engine.diffusion.text.vocabulary import clip_ids
from engine.weights import read
from engine.weights.read import BadFile, Reading


def test_files_are_found_with_and_without_suffix_and_below_subfolders(embeddings: Path) -> None:
    assert files.find("one") == files.find("one.safetensors") == embeddings / "one.safetensors"
    assert files.find("sub/xl") == files.find("xl") == embeddings / "sub" / "xl.safetensors"
    assert files.find("on") is None
    assert files.find("l") is None


def test_the_uppermost_of_equal_names_counts(embeddings: Path) -> None:
    (embeddings / "a").mkdir()
    save_file({"x": torch.zeros(1, 2)}, embeddings / "a" / "one.safetensors")
    assert files.find("one") == embeddings / "one.safetensors"


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "..\\outside", "", ".", "sub"])
def test_names_lead_nowhere_but_to_files_below_the_folder(embeddings: Path, name: str) -> None:
    save_file({"x": torch.zeros(1, 2)}, embeddings.parent / "outside.safetensors")
    assert files.find(name) is None


def rows(*numbers: float, width: int = 4) -> Tensor:
    return torch.tensor(numbers)[:, None] * torch.ones(1, width)


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ({"clip_g": rows(1, width=6), "clip_l": rows(2, 3)}, rows(2, 3)),
        ({"emb_params": rows(5)}, rows(5)),
        ({"vector": rows(5)[0]}, rows(5)),
        ({"vector": rows(5).half()}, rows(5)),
        ({"bundle_emb.a.string_to_param.*": rows(1), "bundle_emb.b.string_to_param.*": rows(2, 3)}, rows(1, 2, 3)),
        ({"bundle_emb.a.clip_l": rows(1), "bundle_emb.a.clip_g": rows(2, width=6)}, rows(1)),
    ],
)
def test_the_layouts_in_use_are_read(tmp_path: Path, stored: dict[str, Tensor], wanted: Tensor) -> None:
    save_file(stored, tmp_path / "x.safetensors")
    found = files.read_vectors(tmp_path / "x.safetensors", "clip_l", 4)
    assert found.dtype is torch.float32
    assert torch.equal(found, wanted)


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ({"string_to_token": {"*": 265}, "string_to_param": {"*": rows(7, 8)}, "name": "x", "step": 3}, rows(7, 8)),
        ([{"a": rows(1)}, {"a": rows(2, width=6), "b": rows(3)}], rows(1, 3)),
    ],
)
def test_pickled_embeddings_are_read_where_it_is_allowed(tmp_path: Path, stored: object, wanted: Tensor) -> None:
    torch.save(stored, tmp_path / "x.pt")
    with pytest.raises(BadFile, match="pickle"):
        files.read_vectors(tmp_path / "x.pt", "clip_l", 4)
    before = read.current()
    read.use(Reading(allow_pickle=True))
    try:
        assert torch.equal(files.read_vectors(tmp_path / "x.pt", "clip_l", 4), wanted)
    finally:
        read.use(before)


def test_files_without_vectors_are_named(tmp_path: Path) -> None:
    save_file({"x": torch.tensor(1.0)}, tmp_path / "number.safetensors")
    with pytest.raises(BadFile, match=r"number\.safetensors: holds no vectors for clip_l"):
        files.read_vectors(tmp_path / "number.safetensors", "clip_l", 4)


def test_an_embedding_for_another_model_is_a_warning(
    make_clip: Callable[[str], Clip], embeddings: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_file({"x": rows(1, 2, width=5)}, embeddings / "other.safetensors")
    clip = make_clip("sd1")
    with caplog.at_level(logging.WARNING):
        tokens = clip.tokenize("embedding:other")
    assert "width 5, but clip_l wants 16" in caplog.text
    assert torch.equal(clip.encode(tokens).cond[0, 1], clip.encode(clip.tokenize("")).cond[0, 1])


def test_each_encoder_reads_its_own_vectors(make_clip: Callable[[str], Clip], embeddings: Path) -> None:
    tokens = make_clip("sdxl").tokenize("embedding:sub/xl")
    for name, width in {"l": 16, "g": 32}.items():
        inside = [token.value for token in tokens[name][0][1:3]]
        assert [isinstance(value, Tensor) and len(value) == width for value in inside] == [True, True]


@pytest.mark.parametrize("layout", ["sd1", "sdxl"])
def test_learned_vectors_stand_where_the_words_stood_that_they_equal(
    make_clip: Callable[[str], Clip], embeddings: Path, layout: str
) -> None:
    clip = make_clip(layout)
    words = torch.tensor(clip_ids("red fox"))
    assert len(words) == 2
    vectors = {tower.embedding: tower.network.embed(words) for tower in clip.towers.values()}
    save_file(vectors, embeddings / "known.safetensors")
    made, wanted = (
        clip.encode(clip.tokenize(text)) for text in ("a embedding:known, (runs:1.2)", "a red fox, (runs:1.2)")
    )
    assert torch.equal(made.cond, wanted.cond)
    assert made.pooled is not None
    assert wanted.pooled is not None
    assert torch.equal(made.pooled, wanted.pooled)
