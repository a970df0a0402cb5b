"""How much a client may ask for, of everything that costs the server something: each bound has its test."""

import asyncio
import gzip
import sys
import zlib
from collections.abc import Callable, Coroutine, Generator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSCloseCode

from engine.server.desk import Bounds
from tests.server.conformance.asking import picture
from tests.server.serving import Client, Server, serving, speak
from tests.server.tight import BOUNDS

Scenario = Callable[[Client], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    within = [sys.executable, str(Path(__file__).parent / "tight.py")]
    with serving(tmp_path_factory.mktemp("tight"), seconds=0, within=within) as started:
        yield started


def ask(server: Server, scenario: Scenario) -> None:
    speak(server, scenario, headers={"Connection": "close"})  # idle connections are closed soon


def test_every_bound_is_set_by_default() -> None:
    usual = Bounds()
    assert all(value for value in vars(usual).values())
    assert usual.patience.idle <= 120
    assert usual.patience.grace <= 120


async def trickled(server: Server, begin: bytes, drop: bytes, meanwhile: Callable[[], Any]) -> None:
    """Send a request drop by drop until the server has had enough."""
    host, port = server.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    closed = asyncio.create_task(reader.read())
    writer.write(begin)
    async with asyncio.timeout(60):
        while not closed.done():
            try:
                writer.write(drop)
                await writer.drain()
            except ConnectionError:
                break
            await meanwhile()
            await asyncio.wait([closed], timeout=0.1)
    writer.close()
    await asyncio.gather(closed, return_exceptions=True)


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"GET /prompt HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-A: b\r\n"),
        (b"POST /prompt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90000\r\n\r\n{", b" "),
        (b"POST /prompt HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"POST /small/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90000\r\n\r\n{", b" "),
        (
            b"POST /upload/image HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n",
            b"X-A: b\r\n",
        ),
    ],
    ids=["headers", "body", "chunks", "a pack's route", "form"],
)
def test_a_client_that_trickles_is_cut_off_and_others_are_served(tight: Server, begin: bytes, drop: bytes) -> None:
    async def scenario(client: Client) -> None:
        async def others() -> None:
            assert "exec_info" in await client.get("/prompt")

        await trickled(tight, begin, drop, others)

    ask(tight, scenario)


def test_websockets_are_bounded_in_number_size_and_rate(tight: Server) -> None:
    async def scenario(client: Client) -> None:
        async with AsyncExitStack() as opened:
            for _ in range(BOUNDS.sockets_of_one):
                await opened.enter_async_context(client.http.ws_connect("/ws"))
            with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
                await client.http.ws_connect("/ws")
        for flood, code in (
            (["x" * (BOUNDS.message + 1)], WSCloseCode.MESSAGE_TOO_BIG),
            (["{"] * 1000, WSCloseCode.POLICY_VIOLATION),
        ):
            async with asyncio.timeout(60):
                socket = await one_socket(client)
                try:
                    for message in flood:
                        await socket.send_str(message)
                except (aiohttp.ClientConnectionError, ConnectionError):
                    pass
                while not socket.closed:
                    await socket.receive()
            assert socket.close_code == code

    ask(tight, scenario)


async def one_socket(client: Client) -> aiohttp.ClientWebSocketResponse:
    """A websocket, as soon as those that were closed are gone."""
    while True:
        try:
            return await client.http.ws_connect("/ws")
        except aiohttp.WSServerHandshakeError:
            await asyncio.sleep(0.05)


def test_no_more_jobs_wait_than_may(tight: Server) -> None:
    async def scenario(client: Client) -> None:
        await client.post("/queue/pause")
        for _ in range(BOUNDS.waiting):
            await client.submit(picture())
        status, told = await client.post("/prompt", {"prompt": picture()})
        assert (status, told["error"]["type"]) == (503, "queue_full")
        await client.post("/queue", {"clear": True})
        await client.submit(picture())
        await client.post("/queue", {"clear": True})
        await client.post("/queue/resume")

    ask(tight, scenario)


def form(*parts: tuple[str, bytes]) -> dict[str, Any]:
    """A multipart body of parts as they are: their headers, and what is in them."""
    lines = [b"--x\r\n" + head.encode() + b"\r\n\r\n" + body + b"\r\n" for head, body in parts]
    return {"data": b"".join(lines) + b"--x--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}


FILE = 'Content-Disposition: form-data; name="image"; filename="bomb.bin"'
FIELD = 'Content-Disposition: form-data; name="f"'
PACKED = zlib.compress(b"\0" * 10_000_000)
TOO_LARGE: dict[str, tuple[str, dict[str, Any]]] = {
    "a body": ("/prompt", {"data": b" " * (BOUNDS.upload + 1)}),
    "a packed body": ("/prompt", {"data": gzip.compress(b" " * 10_000_000), "headers": {"Content-Encoding": "gzip"}}),
    "a file of a user": ("/userdata/large.txt", {"data": b" " * (BOUNDS.upload + 1)}),
    "an upload": ("/upload/image", form((FILE, b" " * (BOUNDS.upload + 1)))),
    "many parts": ("/upload/image", form(*[(FIELD, b"x")] * 1000, (FILE, b"x"))),
    "large parts": ("/upload/image", form(*[(FIELD, b"x" * 60_000)] * 2, (FILE, b"x"))),
}


@pytest.mark.parametrize("what", TOO_LARGE)
def test_what_is_too_large_is_refused_also_when_it_comes_packed(tight: Server, what: str) -> None:
    path, body = TOO_LARGE[what]

    async def scenario(client: Client) -> None:
        async with client.http.post(path, **body) as answer:
            assert answer.status == 413, await answer.text()

    ask(tight, scenario)
    assert not list((tight.base / "input").glob("bomb*"))


def test_a_packed_part_of_a_form_stays_packed(tight: Server) -> None:
    async def scenario(client: Client) -> None:
        part = FILE.replace("bomb", "packed") + "\r\nContent-Encoding: deflate"
        async with client.http.post("/upload/image", **form((part, PACKED))) as answer:
            assert answer.status == 200
        assert (tight.base / "input" / "packed.bin").read_bytes() == PACKED

    ask(tight, scenario)
