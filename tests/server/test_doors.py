"""Who may come in, on every route that the server has: forged names and origins, no token, what strangers are told."""

import json
import pickle
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from engine.server.discretion import without_paths
from tests.server.conformance.asking import node, watched
from tests.server.routes import OPEN, changing_routes, every_route
from tests.server.serving import Client, Server, serving, speak

FAR = {"X-Forwarded-For": "203.0.113.9"}
FORGED: tuple[Mapping[str, str], ...] = (
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Host": "evil.example"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "localhost.evil.example"},
    {"Host": "[::1].evil.example"},
    {"Host": "127.0.0.1@evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
)


@pytest.mark.parametrize("headers", FORGED, ids=lambda headers: "-".join(*headers.items()))
def test_forged_names_and_origins_change_nothing_on_any_route(server: Server, headers: Mapping[str, str]) -> None:
    async def scenario(client: Client) -> None:
        asked = changing_routes()
        assert ("POST", "/api/prompt") in asked
        for method, path in [*asked, ("GET", "/ws"), ("GET", "/api/ws")]:
            async with client.http.request(method, path, headers=headers, data=b"{}") as answer:
                assert answer.status in (400, 403), (method, path)
                assert answer.status == 403 or "Host" in headers  # a name that is none is no HTTP either
        with pytest.raises(aiohttp.WSServerHandshakeError, match="40[03]"):
            await client.http.ws_connect("/ws", headers=headers)

    speak(server, scenario)


def test_a_forged_name_reads_nothing_on_any_route(server: Server) -> None:
    async def scenario(client: Client) -> None:
        for method, path in every_route():
            async with client.http.request(method, path, headers={"Host": "evil.example"}) as answer:
                assert answer.status == 403, (method, path)

    speak(server, scenario)


def test_without_the_token_nothing_is_answered_on_any_route(tmp_path: Path) -> None:
    wrong: tuple[tuple[dict[str, str], str], ...] = (
        ({}, ""),
        ({"Authorization": "Bearer opensesam"}, ""),
        ({"Authorization": "opensesame"}, ""),
        ({"Authorization": "Basic opensesame"}, ""),
        ({"Cookie": "heddle_token=opensesamee"}, ""),
        ({"Authorization": "Bearer \xe9"}, ""),
        ({}, "?token=opensesamee"),
    )
    with serving(tmp_path, "--token=opensesame", seconds=0) as guarded:

        async def scenario(client: Client) -> None:
            for method, path in every_route():
                for headers, query in wrong:
                    async with client.http.request(method, path + query, headers=headers) as answer:
                        assert answer.status in (400, 401) or path in OPEN, (method, path, headers)
                right = {"Authorization": "Bearer opensesame"}
                async with client.http.request(method, path, headers=right, data=b"{") as answer:
                    assert answer.status != 401 or path in OPEN, (method, path)

        speak(guarded, scenario)


WAYS_OUT = (
    "../secret.txt",
    "..%2fsecret.txt",
    "..%252fsecret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "%252e%252e%252fsecret.txt",
    "..%c0%afsecret.txt",
    "..\\secret.txt",
    "..%5csecret.txt",
    "C:\\secret.txt",
    "C:/secret.txt",
    "C:secret.txt",
    "\\\\host\\share\\secret.txt",
    "//host/share/secret.txt",
    "secret.txt\0.png",
    "secret.txt%00.png",
    "../secret.txt::$DATA",
    "link/secret.txt",
    "way.txt",
    "{outside}/secret.txt",
)


@pytest.mark.parametrize("way", WAYS_OUT, ids=range(len(WAYS_OUT)))
def test_no_route_leads_out_of_its_folder(house: Server, way: str) -> None:
    outside = house.base / "outside"
    name = way.format(outside=outside)

    async def scenario(client: Client) -> None:
        before = snapshot(outside)
        for spelled in {quote(name, safe=""), quote(name, safe="/%:")}:
            values: dict[str, str] = dict.fromkeys(PLACES, spelled)
            some = [{**values, "folder": "checkpoints", "index": "0", "pack": pack} for pack in ("small", spelled)]
            paths = {(method, path) for each in (values, *some) for method, path in every_route(each)}
            asked = [(method, path) for method, path in sorted(paths) if spelled in path]
            for query in ("filename", "subfolder", "dir", "path"):
                asked += [("GET", f"{path}?{query}={spelled}&filename=secret.txt") for path in QUERIED]
            for method, path in asked:
                url = URL(f"{house.address}{path}", encoded=True)
                async with client.http.request(method, url, data=b"written") as answer:
                    assert b"the secret" not in await answer.read(), (method, path)
        for file, subfolder in ((name, ""), ("secret.txt", name)):
            parts = f'name="image"; filename="{file}"\r\n\r\nwritten', f'name="subfolder"\r\n\r\n{subfolder}'
            form = "".join(f"--x\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + "--x--\r\n"
            multipart = {"Content-Type": "multipart/form-data; boundary=x"}
            async with client.http.post("/upload/image", data=form.encode(), headers=multipart) as answer:
                assert answer.status in (200, 400, 409)
        assert snapshot(outside) == before

    speak(house, scenario)


PLACES: tuple[str, ...] = ("file", "dest", "name", "path", "folder", "pack", "kind", "class", "id", "index")
QUERIED = ("/view", "/userdata", "/v2/userdata", "/view_metadata/checkpoints")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server, beside whose folders lies a secret, with links to it in each."""
    base = tmp_path_factory.mktemp("house")
    outside = base / "outside"
    folders = ("input", "output", "temp", "user/default", "models/checkpoints", "custom_nodes/small/web", "page")
    for folder in (outside, *(base / each for each in folders), base / "custom_nodes/small/example_workflows"):
        folder.mkdir(parents=True)
    (outside / "secret.txt").write_text("the secret")
    for folder in (*folders, "custom_nodes/small/example_workflows"):
        for parent in (base / folder).parents:
            if parent.is_relative_to(base):
                (parent / "secret.txt").write_text("the secret")
        (base / folder / "way.txt").symlink_to(outside / "secret.txt")
        (base / folder / "link").symlink_to(outside)
    (base / "page" / "index.html").write_text("<!doctype html>")
    with serving(base, f"--frontend={base / 'page'}", seconds=0) as started:
        yield started


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, and what is in it."""
    return {str(each): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_clients_elsewhere_are_told_no_paths_and_no_lines_of_the_program(server: Server) -> None:
    async def scenario(client: Client) -> None:
        near = await watched(client, {"f": node("Fail", msg=f"{server.base}/models/x.safetensors is torn")})
        assert near.one("execution_error")["traceback"]
        assert str(server.base) in near.one("execution_error")["exception_message"]
        me = uuid.uuid4().hex
        async with client.http.ws_connect(f"/ws?clientId={me}", headers=FAR) as socket:
            body = {"prompt": {"f": node("Fail", msg=f"{server.base}/models/x.safetensors is torn")}, "client_id": me}
            id = (await client.post("/prompt", body, headers=FAR))[1]["prompt_id"]
            told: list[str] = []
            while not told or json.loads(told[-1])["data"].get("node", me) is not None:
                told.append((await socket.receive(60)).data)
        (failed,) = [frame["data"] for frame in map(json.loads, told) if frame["type"] == "execution_error"]
        assert (failed["traceback"], failed["exception_message"]) == ([], "x.safetensors is torn\n")
        invalid = {"1": node("SaveImage", images=["9", 0], filename_prefix="x")}
        status, answer = await client.post("/prompt", {"prompt": invalid}, headers=FAR)
        assert status == 400
        told.append(json.dumps(answer))
        for path in (f"/history/{id}", "/history", f"/api/jobs/{id}", "/api/jobs", *READ):
            async with client.http.get(path, headers=FAR) as answer:
                assert answer.status == 200
                told.append(await answer.text())
        for path in ("/internal/logs", "/internal/logs/raw"):
            async with client.http.get(path, headers=FAR) as answer:
                assert answer.status == 403
        for text in told:
            assert 'File \\\\"' not in text
            assert not any(f"{server.base}/{folder}" in text for folder in ("custom_nodes", "models/checkpoints"))
            assert str(Path(__file__).parents[2] / "engine") not in text

    speak(server, scenario)


READ = ("/internal/folder_paths", "/experiment/models", "/system_stats", "/extensions", "/models")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no file /home/ann/models/x.ckpt here", "no file x.ckpt here"),
        ("'C:\\Users\\ann\\x.ckpt'", "'x.ckpt'"),
        ("see https://example.org/a/b and a/b, 1/2", "see https://example.org/a/b and a/b, 1/2"),
    ],
)
def test_paths_are_cut_down_to_names(text: str, shown: str) -> None:
    assert without_paths(text) == shown


class Trap:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("name", ["evil.ckpt", "evil.pt", "evil.safetensors"])
def test_a_pickle_is_refused_and_not_run(server: Server, tmp_path: Path, name: str) -> None:
    marker = tmp_path / "ran"
    folder = server.base / "models" / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(pickle.dumps(Trap(marker)))
    try:

        async def scenario(client: Client) -> None:
            loaded = node("CheckpointLoaderSimple", ckpt_name=name)
            latent = node("EmptyLatentImage", width=64, height=64, batch_size=1)
            picture = node("VAEDecode", samples=["2", 0], vae=["1", 2])
            saved = node("SaveImage", images=["3", 0], filename_prefix="evil")
            id = await client.submit({"1": loaded, "2": latent, "3": picture, "4": saved})
            entry = await client.ended(id)
            assert entry["status"]["status_str"] == "error"
            (error,) = [data for type, data in entry["status"]["messages"] if type == "execution_error"]
            assert error["node_id"] == "1"

        speak(server, scenario)
        assert not marker.exists()
    finally:
        (folder / name).unlink()


SCRIPT = b"<html><script>alert(1)</script></html>"


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.js", "x.xml", "x.css", "workflows/x.html", "user.css"])
def test_a_file_of_a_user_cannot_run_in_the_servers_name(server: Server, name: str) -> None:
    async def scenario(client: Client) -> None:
        path = f"/userdata/{quote(name, safe='')}"
        async with client.http.post(path, data=SCRIPT) as answer:
            assert answer.status == 200
        async with client.http.get(path) as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            if name == "user.css":
                assert answer.content_type == "text/css"
            else:
                assert answer.content_type == "application/octet-stream"
                assert answer.headers["Content-Disposition"] == "attachment"
        async with client.http.delete(path) as answer:
            assert answer.status == 204

    speak(server, scenario)


def test_a_script_that_is_called_a_picture_is_none(server: Server) -> None:
    async def scenario(client: Client) -> None:
        for polyglot in (SCRIPT, b"GIF89a/*" + SCRIPT, b"\x89PNG\r\n\x1a\n" + SCRIPT):
            form = aiohttp.FormData()
            form.add_field("image", polyglot, filename=f"{uuid.uuid4().hex}.png", content_type="text/html")
            async with client.http.post("/upload/image", data=form) as answer:
                kept = (await answer.json())["name"]
            async with client.http.get("/view", params={"filename": kept, "type": "input"}) as answer:
                assert answer.content_type == "image/png"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert "sandbox" in answer.headers["Content-Security-Policy"]
                assert await answer.read() == polyglot
            query = {"filename": kept, "type": "input", "preview": "webp"}
            async with client.http.get("/view", params=query) as answer:
                assert answer.status == 422

    speak(server, scenario)
