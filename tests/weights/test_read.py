"""Files of weights are read lazily, and what cannot be read is called by its name."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.weights import read
from engine.weights.read import BadFile, Reading, joined, open_tensors

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4, dtype=torch.float16)}


def saved(path: Path) -> Path:
    save_file(TENSORS, path, {"format": "pt", "note": "hello"})
    return path


def test_names_shapes_types_and_metadata_are_known_before_a_tensor_is_read(tmp_path: Path) -> None:
    tensors = open_tensors(saved(tmp_path / "x.safetensors"))
    assert tensors.shapes == {"a.weight": (2, 3), "b": (4,)}
    assert tensors.specs["b"].dtype == torch.float16
    assert tensors.metadata["note"] == "hello"
    assert torch.equal(tensors["a.weight"], TENSORS["a.weight"])


def test_a_part_of_a_file_is_seen_by_the_rest_of_its_names(tmp_path: Path) -> None:
    part = open_tensors(saved(tmp_path / "x.safetensors")).under("a.")
    assert list(part) == ["weight"]
    assert torch.equal(part["weight"], TENSORS["a.weight"])
    with pytest.raises(KeyError):
        part["b"]


def test_shards_are_read_as_one(tmp_path: Path) -> None:
    for name, tensor in TENSORS.items():
        save_file({name: tensor}, tmp_path / f"{name}.safetensors")
    whole = joined([open_tensors(tmp_path / f"{name}.safetensors") for name in TENSORS])
    assert {name: whole[name].tolist() for name in whole} == {name: each.tolist() for name, each in TENSORS.items()}


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    assert list(open_tensors(saved(tmp_path / "x.ckpt"))) == ["a.weight", "b"]


@pytest.mark.parametrize("length", [4, 20, 150, -1])
def test_a_file_that_was_cut_off_is_said_to_be(length: int, tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(saved(tmp_path / "x.safetensors").read_bytes()[:length])
    with pytest.raises(BadFile, match=r"cut\.safetensors: (is cut off|should be a safetensors file)"):
        open_tensors(path)


def header(text: bytes, length: int | None = None) -> bytes:
    return (len(text) if length is None else length).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\0" * 100, "zeros"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\n<HTML>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"GGUF\x03\0\0\0" + b"\0" * 20, "GGUF"),
        (b"nonsense at length, of no use", "of no known kind"),
        (header(b"{" + b" " * 30, 1 << 40), "more than the format allows"),
        (header(b"{nonsense}"), "its header is not a list of tensors"),
        (header(b'{"a": 3}'), "its header is not a list of tensors"),
        (header(b'{"a":' * 100_000), "its header is not a list of tensors"),
        (header(json.dumps({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}).encode()), "0 of|cut off"),
    ],
)
def test_what_is_no_file_of_weights_is_called_what_it_is(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=rf"model\.safetensors: .*({words})"):
        open_tensors(path)


def test_offsets_that_contradict_the_shapes_are_refused(tmp_path: Path) -> None:
    entry = {"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}
    path = tmp_path / "odd.safetensors"
    path.write_bytes(header(json.dumps(entry).encode()) + b"\0" * 4)
    with pytest.raises(BadFile, match="not a valid safetensors file"):
        open_tensors(path)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.safetensors"):
        open_tensors(tmp_path / "nowhere.safetensors")


def test_a_pickle_is_refused_whatever_it_is_called(tmp_path: Path) -> None:
    for name in ("x.ckpt", "x.safetensors"):
        torch.save(TENSORS, tmp_path / name)
        with pytest.raises(BadFile, match="--allow-pickle"):
            open_tensors(tmp_path / name)


def test_an_allowed_pickle_is_read_and_unwrapped(tmp_path: Path) -> None:
    torch.save({"state_dict": TENSORS, "epoch": 3}, tmp_path / "x.ckpt")
    tensors = open_tensors(tmp_path / "x.ckpt", Reading(allow_pickle=True))
    assert tensors.shapes == {"a.weight": (2, 3), "b": (4,)}
    assert torch.equal(tensors["b"], TENSORS["b"])


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return print, ("ran",)


def test_an_allowed_pickle_still_runs_no_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"a": Evil()}, tmp_path / "x.pt")
    with pytest.raises(BadFile, match="cannot be unpickled safely"):
        open_tensors(tmp_path / "x.pt", Reading(allow_pickle=True))
    assert capsys.readouterr().out == ""


def test_the_rule_of_the_process_is_no_pickles() -> None:
    assert read.current() == Reading(allow_pickle=False)
