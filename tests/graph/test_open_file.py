"""Files open as what they hold, or say why not."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from engine.graph.open_file import OpenError, open_workflow

PROMPT = {"1": {"class_type": "Load", "inputs": {"seed": 2**64 - 1}}}
WORKFLOW: dict[str, Any] = {"nodes": [], "links": [], "version": 0.4}


def written(folder: Path, content: Any) -> Path:
    path = folder / "file.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


@pytest.mark.parametrize(
    "name",
    ["glb", "svg", "_apng_comf.png", "_latent.latent", "_mp3.mp3", "_mp4.mp4", "_opus.opus", "_png.png", "_flac.flac",
     "_png_itxt_compressed.png", "_png_itxt_utf8.png", "_webm.webm", "_webp.webp", "_workflow.json"],
)  # fmt: skip
def test_carriers_give_their_workflow(carriers: Path, name: str) -> None:
    path = carriers / f"carrier{name if name.startswith('_') else '.' + name}"
    if not path.exists():
        pytest.skip(f"{path.name} is too large to be kept here; its format has a test of its own")
    opened = open_workflow(path)
    assert opened.kind == "workflow"
    assert opened.workflow == json.loads((carriers / "carrier_workflow.json").read_text("utf-8"))
    if opened.prompt is not None:
        assert opened.prompt == json.loads((carriers / "carrier_api.json").read_text("utf-8"))


@pytest.mark.parametrize("name", ["carrier_api.json", "carrier_png_prompt_only.png", "carrier_png_nan.png"])
def test_carriers_of_a_prompt_alone_open_as_prompts(carriers: Path, name: str) -> None:
    opened = open_workflow(carriers / name)
    assert (opened.kind, opened.workflow, len(opened.prompt or {})) == ("prompt", None, 13)
    assert "NaN" not in json.dumps(opened.prompt)


def test_json_is_told_apart_by_what_it_holds(tmp_path: Path) -> None:
    assert open_workflow(written(tmp_path, WORKFLOW)).workflow == WORKFLOW
    assert open_workflow(written(tmp_path, PROMPT)).prompt == PROMPT
    assert open_workflow(written(tmp_path, b"\xef\xbb\xbf" + json.dumps(PROMPT).encode())).kind == "prompt"


def test_what_is_no_number_becomes_null_and_large_numbers_stay_exact(tmp_path: Path) -> None:
    text = b'{"1": {"class_type": "A", "inputs": {"a": NaN, "b": -Infinity, "c": 1e999, "d": 18446744073709551615}}}'
    prompt = open_workflow(written(tmp_path, text)).prompt
    assert prompt == {"1": {"class_type": "A", "inputs": {"a": None, "b": None, "c": None, "d": 2**64 - 1}}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"nodes": "\xff"}', r"not UTF-8 \(byte 0xff at position 11\)"),
        (b'{"nodes":\n  [1,}', r"no JSON that can be read: .* at line 2, column \d"),
        (b"", "no JSON that can be read: .* at line 1, column 1"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"nodes": ' + b"9" * 5000 + b"}", "too many digits"),
        ({}, "an empty object"),
        ([1], "JSON, but a list and not an object"),
        ({"templates": [{"name": "a", "data": "{}"}]}, "a collection of templates"),
        ({"1": {"class_type": "A", "inputs": {}}, "2": {"class_type": "A"}}, "its entry '2' is no node"),
        (b"RIFF\0\0\0\0WEBPEXIF\xff\xff\xff\xff", "the EXIF chunk has 4,294,967,295 bytes, more than the limit"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\x50tEXtworkflow\0{}", "the file ends inside a PNG text"),
        (struct.pack("<Q", 3) + b"{x}" + b"\0" * 8, "its header is no JSON"),
    ],
)
def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path, content: Any, said: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(OpenError, match=said) as raised:
        open_workflow(path)
    assert str(raised.value).startswith(f"{path}: ")


def test_a_file_beyond_the_limit_names_the_limit(tmp_path: Path) -> None:
    path = written(tmp_path, b" " * 3 * 1024 * 1024)
    with pytest.raises(OpenError, match=r"it has 3\.0 MiB, more than the limit of 2\.0 MiB"):
        open_workflow(path, limit=2 * 1024 * 1024)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("carrier_png_plain.png", "this PNG file holds no workflow and no prompt; no texts at all"),
        ("carrier_png_a1111_parameters.png", "only the `parameters` text of another program"),
    ],
)
def test_a_carrier_without_a_workflow_says_what_it_holds(carriers: Path, name: str, said: str) -> None:
    with pytest.raises(OpenError, match=said):
        open_workflow(carriers / name)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OpenError, match=r"gone\.json: it cannot be opened: No such file"):
        open_workflow(tmp_path / "gone.json")
