"""What is known of waiting jobs beforehand: the files that they will ask for."""

import json

import pytest

from engine.queue.choice import files_of


def prompt(*names: str) -> str:
    return json.dumps({str(at): {"inputs": {"name": name, "from": ["1", 0]}} for at, name in enumerate(names)})


@pytest.mark.parametrize("name", ["a.safetensors", "below/it/a.safetensors", r"below\it\a.safetensors"])
def test_files_are_told_without_their_folders(name: str) -> None:
    assert files_of([prompt(name)]) == {"a.safetensors"}


def test_files_of_all_prompts_are_told_and_nothing_else() -> None:
    assert files_of([prompt("a.ckpt", "a house"), prompt("B.GGUF", "a.ckpt"), prompt("a picture.png")]) == {
        "a.ckpt",
        "B.GGUF",
    }
    assert files_of([]) == frozenset()
