"""What strangers may not do: each attack has its test."""

import asyncio
import io
import json
import struct
import uuid
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from tests.server.serving import Client, Server, serving, speak
from tests.server.test_files import png, upload, viewed

TRAVERSALS = (
    "../secret.txt",
    "..%2fsecret.txt",
    "....//secret.txt",
    "/etc/passwd",
    "//etc/passwd",
    "sub/../../secret.txt",
    "..\\secret.txt",
    "C:\\secret.txt",
    "file:///etc/passwd",
    "a\0b",
    ".heddle/staging",
    "x" * 5000,
)


@pytest.fixture(scope="module")
def secret(server: Server) -> bytes:
    (server.base / "secret.txt").write_bytes(b"secret")
    link = server.base / "input" / "link.txt"
    if not link.exists():
        link.symlink_to(server.base / "secret.txt")
    return b"secret"


@pytest.mark.parametrize("name", TRAVERSALS, ids=range(len(TRAVERSALS)))
def test_no_name_leads_out_of_its_folder(server: Server, secret: bytes, name: str) -> None:
    async def scenario(client: Client) -> None:
        for kind in ("input", "output", "temp"):
            for query in ({"filename": name}, {"filename": "secret.txt", "subfolder": name}):
                status, _, data = await viewed(client, type=kind, **query)
                assert status in (400, 403, 404)
                assert data != secret
        for path in ("/userdata/{}", "/api/userdata/{}", "/extensions/small/{}", "/workflow_templates/{}/x.json"):
            async with client.http.get(path.format(_quoted(name))) as answer:
                assert answer.status in (400, 403, 404), path
        async with client.http.post(f"/userdata/{_quoted(name)}", data=b"x") as answer:
            outside = server.base / "user" / "default"
            assert answer.status in (400, 403, 404, 200)
            if answer.status == 200:
                assert (outside / (await answer.json())).resolve().is_relative_to(outside.resolve())
        status, told = await upload(client, "x.png", png((0, 0, 0)), subfolder=name)
        if status == 200:
            kept = server.base / "input" / told["subfolder"] / told["name"]
            assert kept.resolve().is_relative_to((server.base / "input").resolve())
        async with client.http.get("/experiment/models/preview/checkpoints/0/" + _quoted(name)) as answer:
            assert answer.status in (400, 403, 404)
        async with client.http.get("/view_metadata/checkpoints", params={"filename": name}) as answer:
            assert answer.status in (400, 403, 404)

    speak(server, scenario)
    assert (server.base / "secret.txt").read_bytes() == b"secret"


def test_a_link_out_of_a_folder_is_not_followed(server: Server, secret: bytes) -> None:
    async def scenario(client: Client) -> None:
        assert (await viewed(client, filename="link.txt", type="input"))[0] == 403

    speak(server, scenario)


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.js", "x.xhtml", "x.xml", "x.css", "x.pdf", "x"])
def test_an_upload_cannot_run_in_the_servers_name(server: Server, name: str) -> None:
    async def scenario(client: Client) -> None:
        script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
        kept = (await upload(client, f"{uuid.uuid4().hex}{name[1:]}", script))[1]
        status, headers, _ = await viewed(client, filename=kept["name"], type="input")
        assert status == 200
        assert headers["Content-Disposition"].startswith("attachment")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in headers["Content-Security-Policy"]
        assert not any(word in headers["Content-Type"] for word in ("html", "svg", "javascript", "css"))

    speak(server, scenario)


def test_pages_of_other_origins_and_names_may_not_ask(server: Server) -> None:
    async def scenario(client: Client) -> None:
        port = server.address.rpartition(":")[2]
        for headers, expected in (
            ({"Origin": "http://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": "http://127.0.0.1:1"}, 403),
            ({"Origin": f"http://127.0.0.1:{port}"}, 200),
            ({"Host": "evil.example"}, 403),
            ({"Host": f"localhost:{port}"}, 200),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
        ):
            async with client.http.post("/free", json={}, headers=headers) as answer:
                assert answer.status == expected, headers
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await client.http.ws_connect("/ws", headers={"Origin": "http://evil.example"})

    speak(server, scenario)


def test_off_loopback_a_token_is_needed(tmp_path: Path) -> None:
    with serving(tmp_path, "--listen=0.0.0.0", "--token=opensesame") as guarded:
        address = guarded.address.replace("0.0.0.0", "127.0.0.1")

        async def run() -> None:
            async with aiohttp.ClientSession(address) as session:

                async def status(path: str, **more: Any) -> int:
                    async with session.get(path, **more) as answer:
                        return answer.status

                bearer = {"Authorization": "Bearer opensesame"}
                assert await status("/queue") == 401
                assert await status("/") == 401
                assert await status("/queue?token=opensesame") == 401
                assert await status("/healthz") == 200
                assert await status("/queue", headers=bearer) == 200
                assert await status("/queue", headers={"Authorization": "Bearer opensesam"}) == 401
                assert await status("/login?token=wrong") == 401
                with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
                    await session.ws_connect("/ws")
                async with session.ws_connect("/ws?token=opensesame") as socket:
                    assert (await socket.receive_json())["type"] == "status"
            jar = aiohttp.CookieJar(unsafe=True)
            async with aiohttp.ClientSession(address, cookie_jar=jar) as session:
                async with session.get("/login?token=opensesame") as answer:
                    assert answer.status == 200
                async with session.get("/queue") as answer:
                    assert answer.status == 200

        asyncio.run(run())


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"prompt": NaN}', b"[" * 100_000, b'{"prompt":' * 50_000],
    ids=range(9),
)
def test_malformed_bodies_are_refused_in_words(server: Server, body: bytes) -> None:
    async def scenario(client: Client) -> None:
        for path in ("/prompt", "/queue", "/history", "/free", "/api/jobs/cancel", "/settings"):
            async with client.http.post(path, data=body) as answer:
                assert answer.status == 400, path
                assert (await answer.json())["error"]

    speak(server, scenario)


def test_numbers_names_and_places_that_cannot_be_are_refused(server: Server) -> None:
    many, half = "1" * 400, '"\\ud800"'
    form = aiohttp.FormData()
    form.add_field("image", b"x", filename="x.png")
    form.add_field("subfolder", "taken/below")
    broken = b'--b\r\nContent-Disposition: form-data; name="\x01"\r\n\r\nx\r\n--b--\r\n'
    multipart = {"Content-Type": "multipart/form-data; boundary=b"}
    cases: list[tuple[str, str, int, dict[str, Any]]] = [
        ("POST", "/queue/nobody/move", 400, {"data": '{"number": 1e400}'}),
        ("POST", "/queue/nobody/move", 400, {"data": f'{{"number": {many}}}'}),
        ("POST", "/settings/x", 400, {"data": "1e400"}),
        ("POST", "/queue", 400, {"data": f'{{"delete": [{half}]}}'}),
        ("POST", "/history", 400, {"data": f'{{"delete": [{half}]}}'}),
        ("POST", "/api/jobs/cancel", 400, {"data": f'{{"job_ids": [{half}]}}'}),
        ("GET", f"/api/jobs?offset={2**63 - 1}", 400, {}),
        ("GET", f"/history?max_items={2**53}", 400, {}),
        ("GET", "/experiment/models/preview/checkpoints/%C2%B2/x", 404, {}),
        ("GET", f"/experiment/models/preview/checkpoints/{many}/x", 404, {}),
        ("POST", "/userdata/taken%2Fbelow", 409, {"data": b"x"}),
        ("POST", "/userdata/taken/move/taken%2Fbelow", 409, {}),
        ("POST", "/upload/image", 409, {"data": form}),
        ("POST", "/upload/image", 400, {"data": broken, "headers": multipart}),
    ]

    async def scenario(client: Client) -> None:
        async with client.http.post("/userdata/taken", data=b"x") as answer:
            assert answer.status == 200
        (server.base / "input" / "taken").write_bytes(b"x")
        for method, path, wanted, more in cases:
            async with client.http.request(method, path, **more) as answer:
                assert answer.status == wanted, (path, await answer.text())

    speak(server, scenario)


def test_what_the_server_tells_of_a_job_cannot_be_told_by_its_client(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {"s": {"class_type": "Sleep", "inputs": {"seconds": 0}}}
        entry = await client.ended(await client.submit(prompt, extra_data={"create_time": -1}))
        assert entry["prompt"][3]["create_time"] > 0

    speak(server, scenario)


def test_bodies_and_messages_that_are_too_large_are_refused(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async with client.http.post("/prompt", data=io.BytesIO(b" " * (101 * 2**20))) as answer:
            assert answer.status == 413
        async with client.http.ws_connect("/ws") as socket:
            await socket.receive()
            await socket.send_str("x" * (2**20 + 1))
            while not socket.closed:
                await socket.receive()
            assert socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG

    speak(server, scenario)


def test_a_decompression_bomb_is_not_opened(server: Server) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 10_000_000)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")

    async def scenario(client: Client) -> None:
        name = (await upload(client, f"{uuid.uuid4().hex}.png", bomb))[1]["name"]
        for more in ({"preview": "webp"}, {"channel": "rgb"}, {"channel": "a"}):
            assert (await viewed(client, filename=name, type="input", **more))[0] == 422
        reference = json.dumps({"filename": name, "type": "input"})
        assert (await upload(client, "m.png", png((0, 0, 0)), "/upload/mask", original_ref=reference))[0] == 400

    speak(server, scenario)


def test_a_client_that_sends_slowly_keeps_nobody_waiting(server: Server) -> None:
    async def scenario(client: Client) -> None:
        host, port = server.address.removeprefix("http://").split(":")
        slow = [await asyncio.open_connection(host, int(port)) for _ in range(50)]
        for _, writer in slow:
            writer.write(b"POST /prompt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{")
        async with asyncio.timeout(5):
            assert await client.get("/prompt")
        for _, writer in slow:
            writer.close()

    speak(server, scenario)


def test_errors_tell_strangers_no_paths(server: Server) -> None:
    async def scenario(client: Client) -> None:
        for path in ("/view?filename=none.png", "/userdata/none", "/models/none", "/experiment/models/preview/a/0/b"):
            async with client.http.get(path) as answer:
                assert str(server.base) not in await answer.text()

    speak(server, scenario)


def _quoted(name: str) -> str:
    return quote(name, safe="")
