"""The machine, what surrounds the canvas, and the rules of HTTP (protocol, sections 2, 3 and 9)."""

import asyncio
import json
import uuid
from typing import Any

import pytest

from tests.server.conformance.asking import node, sleep, status_of, watched
from tests.server.serving import Client, Server, speak


def test_the_machine_and_the_program(server: Server) -> None:
    async def scenario(client: Client) -> None:
        stats = await client.get("/system_stats")
        assert set(stats) == {"system", "devices"}
        assert set(stats["system"]) >= {
            *("os", "ram_total", "ram_free", "comfyui_version", "required_frontend_version", "python_version"),
            *(
                "installed_templates_version",
                "required_templates_version",
                "pytorch_version",
                "embedded_python",
                "argv",
            ),
        }
        assert "--disable-api-nodes" in stats["system"]["argv"]  # or pages ask a host outside
        (device,) = stats["devices"]
        assert set(device) >= {
            *("name", "type", "index", "vram_total", "vram_free", "torch_vram_total", "torch_vram_free")
        }
        assert (device["type"], device["index"]) == ("cpu", None)
        assert stats["system"]["ram_total"] >= stats["system"]["ram_free"] > 0

    speak(server, scenario)


def test_features(server: Server) -> None:
    async def scenario(client: Client) -> None:
        told = await client.get("/features")
        assert told["supports_preview_metadata"] is True
        assert told["max_upload_size"] == 104857600

    speak(server, scenario)


def test_scripts_styles_texts_and_examples_of_packs(server: Server) -> None:
    async def scenario(client: Client) -> None:
        scripts = await client.get("/extensions")
        assert {"/extensions/probe/probe.js", "/extensions/probe/deep/inner.js"} <= set(scripts)
        assert not [script for script in scripts if not script.endswith(".js")]
        for path, type in (
            ("probe.js", "text/javascript"),
            ("deep/inner.js", "text/javascript"),
            ("look.css", "text/css"),
        ):
            async with client.http.get(f"/extensions/probe/{path}") as answer:
                assert (answer.status, answer.content_type) == (200, type)
                assert answer.headers["Cache-Control"] == "no-cache"
        for path in ("/extensions/probe/none.js", "/extensions/none/x.js", "/extensions/probe/__init__.py"):
            assert await status_of(client, "GET", path) == 404
        texts = await client.get("/i18n")
        assert texts == {
            "de": {"settings": {"title": "Einstellungen"}, "nodeDefs": {"Show": {"display_name": "Zeigen"}}}
        }
        assert (await client.get("/workflow_templates"))["probe"] == ["first"]
        assert (await client.get("/api/workflow_templates/probe/first.json")) == {"nodes": [], "links": []}
        async with client.http.get("/api/workflow_templates/probe/first.jpg") as answer:
            assert (answer.status, answer.content_type) == (200, "image/jpeg")
        assert await status_of(client, "GET", "/api/workflow_templates/probe/second.json") == 404
        assert "text_to_image" in (await client.get("/workflow_templates"))["heddle"]
        assert "1" in await client.get("/api/workflow_templates/heddle/text_to_image.json")
        async with client.http.get("/api/workflow_templates/heddle/text_to_image.jpg") as answer:
            assert (answer.status, answer.content_type) == (200, "image/webp")
        for name in ("none.json", "text_to_image.webp", "README.md", "train%2Fscenes.json", "..%2Fpyproject.toml"):
            assert await status_of(client, "GET", f"/api/workflow_templates/heddle/{name}") == 404
        assert isinstance(await client.get("/global_subgraphs"), dict)
        assert isinstance(await client.get("/node_replacements"), dict)

    speak(server, scenario)


def test_lines_of_the_log(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me, line = uuid.uuid4().hex, uuid.uuid4().hex
        async with client.socket(me) as socket:
            body = {"clientId": me, "enabled": True}
            assert await status_of(client, "PATCH", "/internal/logs/subscribe", json=body) == 200
            await client.submit({"1": node("Prints", line=line)})
            while (frame := await socket.next())["type"] != "logs" or line not in json.dumps(frame):
                pass
            assert set(frame["data"]) == {"entries", "size"}
            (entry,) = frame["data"]["entries"]
            assert set(entry) == {"t", "m"}
        raw = await client.get("/internal/logs/raw")
        assert raw["size"] == {"cols": 80, "rows": 24}
        assert any(line in each["m"] for each in raw["entries"])
        text = await client.get("/internal/logs")
        assert f" - {line}\n" in text
        assert await status_of(client, "GET", "/api/internal/logs") == 404

    speak(server, scenario)


def test_folders_and_their_files(server: Server) -> None:
    async def scenario(client: Client) -> None:
        paths = await client.get("/internal/folder_paths")
        assert str(server.base / "models" / "checkpoints") in paths["checkpoints"]
        for name in ("older.txt", "newer.txt", ".hidden"):
            (server.base / "input" / name).write_text("x")
        import os

        os.utime(server.base / "input" / "older.txt", (1, 1))
        files = await client.get("/internal/files/input")
        assert files.index("newer.txt") < files.index("older.txt")
        assert ".hidden" not in files
        async with client.http.get("/internal/files/secrets") as answer:
            assert answer.status == 400
            assert (await answer.json())["error"]

    speak(server, scenario)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/api/nothing", 404),
        ("GET", "/assets/nothing.js", 404),
        ("GET", "/api/assets", 404),
        ("POST", "/nothing", 404),
        ("GET", "/interrupt", 405),
        ("GET", "/api/free", 405),
        ("POST", "/view", 405),
        ("DELETE", "/queue", 405),
        ("OPTIONS", "/prompt", 200),
        ("OPTIONS", "/nothing", 200),
        ("HEAD", "/queue", 200),
        ("HEAD", "/", 200),
    ],
)
def test_paths_and_methods(server: Server, method: str, path: str, status: int) -> None:
    async def scenario(client: Client) -> None:
        async with client.http.request(method, path) as answer:
            body = await answer.read()
            assert answer.status == status
            if status == 405:
                assert answer.headers["Allow"]
            if method in ("OPTIONS", "HEAD"):
                assert body == b""

    speak(server, scenario)


def test_answers_are_json_in_utf_8_and_empty_ones_are_empty(server: Server) -> None:
    async def scenario(client: Client) -> None:
        for path in ("/queue", "/history", "/object_info/Show", "/settings", "/users", "/api/jobs", "/prompt"):
            async with client.http.get(path) as answer:
                assert answer.headers["Content-Type"] == "application/json; charset=utf-8", path
        async with client.http.post("/interrupt") as answer:
            assert (answer.status, answer.headers["Content-Length"]) == (200, "0")

    speak(server, scenario)


def test_the_first_page_is_never_kept(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async with client.http.get("/") as answer:
            assert answer.content_type == "text/html"
            assert "no-store" in answer.headers["Cache-Control"]
            assert (answer.headers["Pragma"], answer.headers["Expires"]) == ("no-cache", "0")

    speak(server, scenario)


def test_routes_exist_with_and_without_the_prefix(server: Server) -> None:
    async def scenario(client: Client) -> None:
        for path in (
            *("/prompt", "/queue", "/history", "/object_info", "/system_stats", "/features", "/extensions", "/i18n"),
            *("/users", "/settings", "/models", "/embeddings", "/experiment/models", "/workflow_templates"),
            *("/global_subgraphs", "/node_replacements", "/v2/userdata"),
        ):
            for each in (path, f"/api{path}"):
                assert await status_of(client, "GET", each) in (200, 404 if "userdata" in path else 200), each

    speak(server, scenario)


def test_what_a_frontend_asks_for_at_its_start_is_answered(server: Server) -> None:
    """Section 2.1: the requests that a frontend cannot do without, and those it is glad of."""

    async def scenario(client: Client) -> None:
        assert (await client.get("/api/users"))["storage"] == "server"
        assert isinstance(await client.get("/api/settings"), dict)
        assert isinstance(await client.get("/api/extensions"), list)
        assert await client.get("/api/object_info")
        for path in ("/user.css", "/api/userdata/user.css", "/api/userdata/comfy.templates.json"):
            assert await status_of(client, "GET", path) in (200, 404)
        async with client.http.post(
            "/api/settings/Comfy.InstalledVersion", data='"1.27.10"', headers={"Content-Type": "text/plain"}
        ) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
        files = "/api/userdata?dir=workflows&recurse=true&split=false&full_info=true"
        assert await status_of(client, "GET", files) in (200, 404)
        for path in (
            "/api/queue",
            "/api/history?max_items=64",
            "/api/jobs?status=in_progress,pending&limit=200&offset=0",
        ):
            assert await status_of(client, "GET", path) == 200

    speak(server, scenario)


def test_many_requests_at_once_while_a_job_runs(server: Server) -> None:
    async def scenario(client: Client) -> None:
        run = asyncio.create_task(watched(client, sleep(0.5)))
        paths = ["/queue", "/prompt", "/history?max_items=5", "/system_stats", "/api/jobs", "/object_info/Show"] * 20
        answers: list[Any] = await asyncio.gather(*(status_of(client, "GET", path) for path in paths))
        assert set(answers) == {200}
        assert (await run).entry["status"]["completed"]

    speak(server, scenario)
