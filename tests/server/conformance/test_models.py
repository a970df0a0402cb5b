"""Model files by folder (protocol, section 8.4)."""

import io
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.server.conformance.asking import status_of
from tests.server.serving import Client, Server, speak

FOLDERS = [
    *("checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision", "style_models"),
    *("embeddings", "diffusers", "vae_approx", "controlnet", "gligen", "upscale_models", "custom_nodes"),
    *("hypernetworks", "photomaker", "classifiers", "model_patches", "audio_encoders"),
]


def safetensors(path: Path, metadata: Mapping[str, Any] | None = None) -> None:
    header = json.dumps({} if metadata is None else {"__metadata__": metadata}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header)


@pytest.fixture(scope="module")
def models(server: Server) -> Path:
    folder = server.base / "models"
    safetensors(folder / "loras" / "b.safetensors", {"ss_tag": "x"})
    safetensors(folder / "loras" / "sub" / "a.safetensors")
    (folder / "loras" / "notes.txt").write_text("no model")
    (folder / "loras" / "with.preview.png").write_bytes(_png())
    safetensors(folder / "loras" / "with.safetensors")
    safetensors(folder / "embeddings" / "style" / "ink.safetensors")
    return folder


def _png() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (16, 16), (1, 2, 3)).save(made, "png")
    return made.getvalue()


def test_folders_in_their_order(server: Server, models: Path) -> None:
    async def scenario(client: Client) -> None:
        names = await client.get("/models")
        assert [each for each in names if each in FOLDERS] == FOLDERS

    speak(server, scenario)


def test_files_of_a_folder(server: Server, models: Path) -> None:
    async def scenario(client: Client) -> None:
        files = await client.get("/models/loras")
        assert files == sorted(files)
        assert {"b.safetensors", "sub/a.safetensors"} <= set(files)
        assert "notes.txt" not in files
        for gone in ("unet", "clip", "nothing"):
            async with client.http.get(f"/models/{gone}") as answer:
                assert (answer.status, await answer.read()) == (404, b"404: Not Found")
        assert await client.get("/embeddings") == ["style/ink"]

    speak(server, scenario)


def test_folders_and_files_described(server: Server, models: Path) -> None:
    async def scenario(client: Client) -> None:
        folders = {entry["name"]: entry for entry in await client.get("/experiment/models")}
        assert not {"configs", "custom_nodes"} & set(folders)
        assert str(models / "loras") in folders["loras"]["folders"]
        assert ".safetensors" in folders["loras"]["extensions"]
        described = {entry["name"]: entry for entry in await client.get("/experiment/models/loras")}
        entry = described["sub/a.safetensors"]
        path = models / "loras" / "sub" / "a.safetensors"
        assert entry["size"] == path.stat().st_size
        assert folders["loras"]["folders"][entry["pathIndex"]] == str(models / "loras")
        assert entry["modified"] == pytest.approx(path.stat().st_mtime)
        assert "created" in entry
        for gone in ("configs", "custom_nodes", "nothing"):
            assert await status_of(client, "GET", f"/experiment/models/{gone}") == 404

    speak(server, scenario)


def test_a_picture_beside_a_model(server: Server, models: Path) -> None:
    async def scenario(client: Client) -> None:
        described = {entry["name"]: entry for entry in await client.get("/experiment/models/loras")}
        index = described["with.safetensors"]["pathIndex"]
        base = "/experiment/models/preview/loras"
        async with client.http.get(f"{base}/{index}/with.safetensors") as answer:
            assert (answer.status, answer.content_type) == (200, "image/webp")
            assert Image.open(io.BytesIO(await answer.read())).format == "WEBP"
        assert await status_of(client, "GET", f"{base}/{index}/b.safetensors") == 404
        for path in (f"{base}/99/with.safetensors", f"{base}/-1/with.safetensors", f"{base}/x/with.safetensors"):
            assert await status_of(client, "GET", path) in (400, 404)
        assert await status_of(client, "GET", f"{base}/{index}/%2e%2e%2f%2e%2e%2fx") in (403, 404)

    speak(server, scenario)


def test_a_picture_in_a_models_metadata(server: Server, models: Path) -> None:
    import base64

    cover = json.dumps([base64.b64encode(_png()).decode()])
    safetensors(models / "loras" / "inside.safetensors", {"ssmd_cover_images": cover})
    safetensors(models / "loras" / "broken.safetensors", {"ssmd_cover_images": '["no picture"]'})

    async def scenario(client: Client) -> None:
        described = {entry["name"]: entry for entry in await client.get("/experiment/models/loras")}
        index = described["inside.safetensors"]["pathIndex"]
        async with client.http.get(f"/experiment/models/preview/loras/{index}/inside.safetensors") as answer:
            assert (answer.status, answer.content_type) == (200, "image/webp")
        assert await status_of(client, "GET", f"/experiment/models/preview/loras/{index}/broken.safetensors") == 404

    speak(server, scenario)


def test_metadata(server: Server, models: Path) -> None:
    async def scenario(client: Client) -> None:
        assert await client.get("/view_metadata/loras", filename="b.safetensors") == {"ss_tag": "x"}
        for query in ("filename=sub/a.safetensors", "filename=none.safetensors", "filename=notes.txt", ""):
            assert await status_of(client, "GET", f"/view_metadata/loras?{query}") == 404
        assert await status_of(client, "GET", "/view_metadata/nothing?filename=b.safetensors") == 404

    speak(server, scenario)
