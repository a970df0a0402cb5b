"""What strangers hand in, through the command line: each fault ends in a line that helps, with the promised code."""

import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from safetensors.torch import load_file, save_file

from engine.__main__ import main
from engine.device import place, room
from engine.weights import folders, read
from tests.tiny.checkpoints import make_tiny_checkpoint

INVALID, FAILED = 2, 1
TINY = "tiny_sd15.safetensors"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    before = folders.current()
    base = tmp_path_factory.mktemp("home")
    make_tiny_checkpoint(base / "models" / "checkpoints" / TINY)
    (base / "input").mkdir()
    yield base
    folders.use(before)
    place.use(None)
    read.use(read.Reading())


def heddle(home: Path, command: str, prompt: Any, *options: str) -> Result:
    path = home / "prompt.json"
    path.write_bytes(prompt if isinstance(prompt, bytes) else json.dumps(prompt).encode())
    arguments = [command, str(path), "--base-directory", str(home), *options]
    return CliRunner().invoke(main, [*arguments, "--device", "cpu"] if command == "run" else arguments)


def refused(ran: Result, code: int) -> str:
    """What a command said as it ended with this code: a few lines, and no traceback."""
    assert ran.exit_code == code, ran.output
    assert "Traceback" not in ran.output
    assert 'File "' not in ran.output
    said = "\n".join(line for line in ran.output.splitlines() if not line.startswith("done: "))
    assert len(said.splitlines()) <= 2
    return said


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def text_to_image(**changed: Any) -> dict[str, Any]:
    """A small prompt; `changed` are inputs of the KSampler, the empty latent, and others by their names."""
    sampling = {"seed": 1, "steps": 1, "cfg": 2.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}
    linked = {"model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["4", 0]}
    size = {"width": 32, "height": 32, "batch_size": 1}
    nodes = {
        "1": node("CheckpointLoaderSimple", ckpt_name=TINY),
        "2": node("CLIPTextEncode", clip=["1", 1], text="a"),
        "4": node("EmptyLatentImage", **size),
        "5": node("KSampler", **sampling, **linked),
        "6": node("VAEDecode", samples=["5", 0], vae=["1", 2]),
        "7": node("PreviewImage", images=["6", 0]),
    }
    for name, value in changed.items():
        for each in nodes.values():
            if name in each["inputs"]:
                each["inputs"][name] = value
    return nodes


def shown(class_type: str, **inputs: Any) -> dict[str, Any]:
    """A prompt that shows the picture of one node, which may take the small picture `p` or the mask `m`."""
    small = node("EmptyImage", width=8, height=8, batch_size=1, color=0)
    mask = node("SolidMask", value=1.0, width=8, height=8)
    return {"p": small, "m": mask, "2": node(class_type, **inputs), "3": node("PreviewImage", images=["2", 0])}


ZERO = torch.zeros
FILES: dict[str, tuple[Any, str]] = {
    "empty": (b"", "is empty"),
    "page": (b"<!DOCTYPE html><html></html>", "a web page"),
    "gguf": (b"GGUF" + bytes(99), "a GGUF file"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 1\n", "Git LFS pointer"),
    "zeros": (bytes(1000), "filled with zeros"),
    "endless": (struct.pack("<Q", 1 << 60) + b"{}", "more than the format allows"),
    "lora": ({"x.lora_up.weight": ZERO(4, 4), "x.lora_down.weight": ZERO(4, 4)}, "is a LoRA"),
    "controlnet": ({"control_model.input_hint_block.0.weight": ZERO(1)}, "is a ControlNet"),
    "vae": ({"decoder.conv_in.weight": ZERO(4, 4, 3, 3)}, "load it with VAELoader"),
    "text": ({"text_model.encoder.layers.0.self_attn.q_proj.weight": ZERO(4, 4)}, "load it with CLIPLoader"),
    "enlarger": ({"model.1.sub.0.RDB1.conv1.0.weight": ZERO(32, 64, 3, 3)}, "enlarges pictures"),
    "flux": ({"double_blocks.0.img_attn.norm.key_norm.scale": ZERO(4)}, "is Flux"),
    "sd3": ({"joint_blocks.0.context_block.attn.qkv.weight": ZERO(4, 4)}, "is Stable Diffusion 3"),
    "other": ({"a": ZERO(3)}, "holds no model that is known"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_checkpoint_is_called_what_it_is(home: Path, name: str) -> None:
    content, told = FILES[name]
    path = home / "models" / "checkpoints" / f"{name}.safetensors"
    path.write_bytes(content) if isinstance(content, bytes) else save_file(content, path)
    said = refused(heddle(home, "run", text_to_image(ckpt_name=path.name)), FAILED)
    assert f"node 1 (CheckpointLoaderSimple) failed: {path.name}: " in said
    assert told in said


def test_a_cut_checkpoint_tells_how_much_is_there(home: Path) -> None:
    whole = (home / "models" / "checkpoints" / TINY).read_bytes()
    (home / "models" / "checkpoints" / "cut.safetensors").write_bytes(whole[:-1000])
    said = refused(heddle(home, "run", text_to_image(ckpt_name="cut.safetensors")), FAILED)
    assert f"is cut off: {len(whole) - 1000} of {len(whole)} bytes are there" in said


class Evil:
    def __reduce__(self) -> Any:
        return os.mkdir, ("pwned",)


@pytest.mark.parametrize("name", ["evil.ckpt", "evil.safetensors"])
def test_code_in_a_pickle_is_not_run_whatever_is_allowed(home: Path, name: str) -> None:
    torch.save({"a": ZERO(3), "b": Evil()}, home / "models" / "checkpoints" / name)
    assert "--allow-pickle" in refused(heddle(home, "run", text_to_image(ckpt_name=name)), FAILED)
    said = refused(heddle(home, "run", text_to_image(ckpt_name=name), "--allow-pickle"), FAILED)
    assert "it asks to run posix.mkdir" in said or "it asks to run nt.mkdir" in said
    assert "weights_only" not in said


@pytest.mark.parametrize(
    ("part", "told"), [("cond", "there is no text encoder"), ("first", "there is no VAE: the checkpoint holds none")]
)
def test_nodes_behind_an_incomplete_checkpoint_say_what_to_connect(home: Path, part: str, told: str) -> None:
    folder = home / "models" / "checkpoints"
    rest = {name: tensor for name, tensor in load_file(folder / TINY).items() if not name.startswith(part)}
    save_file(rest, folder / f"no_{part}.safetensors")
    assert told in refused(heddle(home, "run", text_to_image(ckpt_name=f"no_{part}.safetensors")), FAILED)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("cfg", -1, "cfg: Value -1.0 smaller than min of 0.0"),
        ("cfg", 1e400, "Failed to convert an input value to a FLOAT value: cfg"),
        ("cfg", "much", "could not convert string to float: 'much'"),
        ("cfg", None, "cfg, None"),
        ("cfg", [1], "cfg: Bad linked input"),
        ("cfg", {"a": 1}, "cfg, {'a': 1}"),
        ("denoise", 2, "bigger than max of 1.0"),
        ("steps", 1 << 80, "bigger than max of 10000"),
        ("steps", {"__value__": {"__value__": 1}}, "steps, {'__value__': 1}"),
        ("seed", 1 << 64, "bigger than max of 18446744073709551615"),
        ("seed", -1, "smaller than min of 0"),
        ("sampler_name", "eulr", "close: 'euler'"),
        ("width", 100_000, "bigger than max of 16384"),
        ("model", ["1", 99], "model: links to output 99 of node 1 (CheckpointLoaderSimple), which has 3"),
        ("model", ["1", 0.5], "model: links to output 0.5 of node 1"),
        ("model", ["99", 0], "model: links to node '99', which does not exist"),
        ("model", ["5", 0], "Dependency cycle detected: 5 (KSampler) -> 5 (KSampler)"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_named_before_anything_runs(home: Path, name: str, value: Any, told: str) -> None:
    assert told in refused(heddle(home, "validate", text_to_image(**{name: value})), INVALID)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("absent.png", "there is no image file 'absent.png'"),
        ("../../etc/passwd", "is not a path inside"),
        ("/etc/passwd", "is not a path inside"),
        ("a\0b.png", "is not a path inside"),
        ("x" * 5000, "is too long for the name of a file"),
        (3, "the name of a file is a text, not 3"),
        ({"a": 1}, "the name of a file is a text, not {'a': 1}"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_picture_that_cannot_be_found_is_named_before_anything_runs(home: Path, name: Any, told: str) -> None:
    assert told in refused(heddle(home, "validate", shown("LoadImage", image=name)), INVALID)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is not a picture in a format that can be read"),
        (b"hello", "is not a picture in a format that can be read"),
        (Image.new("CMYK", (8, 8)), "is broken and cannot be read as a picture"),
        (Image.new("1", (20_000, 20_000)), "is too large to be a picture"),
    ],
    ids=["empty", "text", "cut", "huge"],
)
def test_a_broken_picture_is_told_from_one_that_is_none(home: Path, content: Any, told: str) -> None:
    path = home / "input" / "picture.jpg"
    if isinstance(content, Image.Image):
        content.save(path, format="JPEG" if content.mode == "CMYK" else "PNG")
        if content.mode == "CMYK":
            path.write_bytes(path.read_bytes()[:300])
    else:
        path.write_bytes(content)
    assert told in refused(heddle(home, "run", shown("LoadImage", image=path.name)), FAILED)


@pytest.mark.parametrize("prefix", ["../up", "/tmp/abs", "a/../../b", "x" * 400, "a\0b"], ids=lambda each: each[:9])
def test_results_stay_in_the_output_folder(home: Path, prefix: str) -> None:
    prompt = shown("ImageInvert", image=["p", 0]) | {"3": node("SaveImage", images=["2", 0], filename_prefix=prefix)}
    said = refused(heddle(home, "run", prompt), FAILED)
    assert "is not a path inside" in said or "is no start of a file name" in said


@pytest.mark.parametrize(
    "text",
    [
        "word (w:1.1) " * 100,
        "\x00\x07\u202e🙂 ((((a:1.2) b)))) \\(",
        "(" * 5000,
        "embedding:../../etc/passwd",
        "(a:1e999)",
    ],
    ids=["long", "control", "parentheses", "embedding", "weight"],
)
def test_any_text_is_a_prompt(home: Path, text: str) -> None:
    ran = heddle(home, "run", text_to_image(text=text))
    assert ran.exit_code == 0, ran.output


@pytest.fixture
def small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if 256 MiB of RAM were free, so that no machine is large enough for what is asked of it."""
    monkeypatch.setattr(room, "free_ram", lambda: 256 << 20)


SIZES = {
    "EmptyImage": {"width": 16384, "height": 16384, "batch_size": 4096, "color": 0},
    "RepeatImageBatch": {"image": ["big", 0], "amount": 4096},
    "ImageScaleBy": {"image": ["big", 0], "upscale_method": "bicubic", "scale_by": 8.0},
}


@pytest.mark.usefixtures("small_machine")
@pytest.mark.parametrize("class_type", SIZES)
def test_an_absurd_size_is_refused_with_what_it_needs_and_what_is_free(home: Path, class_type: str) -> None:
    prompt = shown(class_type, **SIZES[class_type])
    prompt["big"] = node("EmptyImage", width=1024, height=1024, batch_size=1, color=0)
    said = refused(heddle(home, "run", prompt), FAILED)
    assert f"node 2 ({class_type}) failed: " in said
    assert " needs " in said
    assert "is free: make it smaller or fewer" in said


@pytest.mark.usefixtures("small_machine")
def test_sampling_is_refused_before_it_begins_and_the_next_run_works(home: Path) -> None:
    tall = text_to_image(width=8192, height=512)
    ran = heddle(home, "run", tall, "--json")
    last = json.loads(ran.output.splitlines()[-1])
    assert (ran.exit_code, last["type"], last["out_of_memory"]) == (FAILED, "run_failed", True)
    assert "decode in tiles" in last["message"]
    assert "sampling 1 latent of 1024 x 64 cells needs 276 MiB beside the model, but only" in last["message"]
    assert heddle(home, "run", text_to_image()).exit_code == 0


def chain(length: int) -> dict[str, Any]:
    """Pictures inverted again and again, the last first."""
    links = {str(i): node("ImageInvert", image=[str(i - 1), 0]) for i in range(length, 0, -1)}
    first = node("EmptyImage", width=8, height=8, batch_size=1, color=0)
    return {"out": node("PreviewImage", images=[str(length), 0]), **links, "0": first}


def test_ten_thousand_nodes_in_a_row_are_checked(home: Path) -> None:
    assert "valid: 10002 nodes" in heddle(home, "validate", chain(10_000)).output


def test_a_circle_of_ten_thousand_nodes_is_told_once(home: Path) -> None:
    circle = chain(10_000) | {"0": node("ImageInvert", image=["10000", 0])}
    said = refused(heddle(home, "validate", circle), INVALID)
    assert "Dependency cycle detected" in said
    assert len(said) < 3000
    assert len(heddle(home, "validate", circle, "--json").output) < 100_000_000


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"a": "é"}'.encode("utf-16"), "it is not UTF-8"),
        (b'{"1": {"class_type": "X", "inputs": ' + b'{"a":' * 9000 + b"1" + b"}" * 9001, "nested too deeply"),
        (b'{"1": {"class_type": "PrimitiveInt", "inputs": {"value": ' + b"9" * 5000 + b"}}}", "too many digits"),
        (b'{"1": null}', "its entry '1' is no node"),
        (b'{"1": {"class_type": "PrimitiveInt", "inputs": {"value": 1}}}', "Prompt has no outputs"),
    ],
    ids=["UTF-16", "deep", "digits", "null", "no outputs"],
)
def test_a_file_that_is_no_prompt_says_why(home: Path, content: bytes, told: str) -> None:
    assert told in refused(heddle(home, "validate", content), INVALID)


def test_verbose_shows_where_a_node_failed(home: Path) -> None:
    (home / "models" / "checkpoints" / "none.safetensors").write_bytes(b"")
    ran = heddle(home, "run", text_to_image(ckpt_name="none.safetensors"), "--verbose")
    assert ran.exit_code == FAILED
    assert "  ckpt_name = none.safetensors" in ran.output
    assert "load.py" in ran.output


def test_saved_files_hold_no_prompt_where_that_is_wanted(home: Path) -> None:
    prompt = shown("ImageInvert", image=["p", 0]) | {"3": node("SaveImage", images=["2", 0], filename_prefix="bare")}
    for options, count in (("--disable-metadata",), 0), ((), 1):
        ran = heddle(home, "run", prompt, *options)
        with Image.open(ran.output.splitlines()[-1]) as picture:
            assert len(picture.info) == count
