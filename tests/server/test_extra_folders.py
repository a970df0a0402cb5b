"""More folders for models and packs: everybody sees them, the server, its workers, packs, and runs without a server."""

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.server.serving import Client, Server, serving, speak

PACK = """
import folder_paths

class WhereLoras:
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "go", True, "test"
    INPUT_TYPES = classmethod(lambda cls: {"required": {"name": (folder_paths.get_filename_list("loras"),)}})

    def go(self, name):
        paths = folder_paths.get_folder_paths("loras")
        return {"ui": {"text": [folder_paths.get_full_path("loras", name), *paths]}}

NODE_CLASS_MAPPINGS = {"WhereLoras": WhereLoras}
"""
PROMPT = {"1": {"class_type": "WhereLoras", "inputs": {"name": "b.safetensors"}}}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base directory whose file names a default section, and another file beside it."""
    folder = tmp_path_factory.mktemp("extra")
    for each in ("models/loras/a", "shared/loras/b", "more/deep/c", "shared/detectors/d"):
        path = folder / f"{each}.safetensors"
        path.parent.mkdir(parents=True)
        path.touch()
    (folder / "more" / "packs").mkdir()
    (folder / "more" / "packs" / "where.py").write_text(PACK)
    (folder / "extra_model_paths.yaml").write_text(
        "shared:\n  is_default: true\n  base_path: shared\n  loras: loras\n  detectors: detectors\n"
    )
    (folder / "more.yaml").write_text("more:\n  base_path: more\n  loras: |\n    .\n    deep\n  custom_nodes: packs\n")
    return folder


@pytest.fixture(scope="module")
def extended(base: Path) -> Generator[Server]:
    with serving(base, f"--extra-model-paths-config={base / 'more.yaml'}") as server:
        yield server


def loras(base: Path) -> list[str]:
    return [str(base / each) for each in ("shared/loras", "models/loras", "more", "more/deep")]


def test_clients_see_the_files_of_all_folders_and_where_each_lies(extended: Server) -> None:
    async def scenario(client: Client) -> None:
        paths = await client.get("/internal/folder_paths")
        assert [each for each in paths["loras"] if "bundled" not in each] == loras(extended.base)
        assert paths["custom_nodes"] == [str(extended.base / "custom_nodes"), str(extended.base / "more" / "packs")]
        files = await client.get("/models/loras")
        assert {"a.safetensors", "b.safetensors", "c.safetensors", "deep/c.safetensors"} <= set(files)
        assert "detectors" in await client.get("/models")
        assert await client.get("/models/detectors") == ["d.safetensors"]
        told = {each["name"]: each for each in await client.get("/experiment/models/loras")}
        where = {name: told[name]["pathIndex"] for name in told if len(Path(name).stem) == 1}
        assert where == {"b.safetensors": 0, "a.safetensors": 1, "deep/c.safetensors": 2, "c.safetensors": 3}
        info = await client.get("/object_info/LoraLoader")
        assert "b.safetensors" in info["LoraLoader"]["input"]["required"]["lora_name"][0]

    speak(extended, scenario)


def test_packs_come_from_all_folders_and_see_them(extended: Server) -> None:
    async def scenario(client: Client) -> None:
        job = await client.ended(await client.submit(PROMPT))
        found, *paths = job["outputs"]["1"]["text"]
        assert found == str(extended.base / "shared" / "loras" / "b.safetensors")
        assert [each for each in paths if "bundled" not in each] == loras(extended.base)

    speak(extended, scenario)


def heddle(base: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    (base / "prompt.json").write_text(json.dumps(PROMPT))
    command = [sys.executable, "-m", "engine", "run", str(base / "prompt.json"), "--json", "--device=cpu"]
    return subprocess.run(
        [*command, f"--base-directory={base}", *more], capture_output=True, text=True, check=False, timeout=120
    )


def test_a_run_without_a_server_sees_them_too(base: Path) -> None:
    ran = heddle(base, f"--extra-model-paths-config={base / 'more.yaml'}")
    assert ran.returncode == 0, ran.stderr
    (output,) = [event["output"] for event in map(json.loads, ran.stdout.splitlines()) if event["type"] == "executed"]
    assert output["text"][0] == str(base / "shared" / "loras" / "b.safetensors")


def test_a_file_that_cannot_be_meant_ends_the_run_before_it_begins(base: Path) -> None:
    (base / "bad.yaml").write_text("more:\n  loras: 7\n")
    ran = heddle(base, f"--extra-model-paths-config={base / 'bad.yaml'}")
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"Error: {base / 'bad.yaml'}: more: loras: wanted is a text")
