"""A real server in a process of its own, with a pack of small nodes; tests speak to it over HTTP and websockets."""

import asyncio
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

PACK = """
import time

class Sleep:
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "go", True, "test"
    INPUT_TYPES = classmethod(lambda cls: {"required": {"seconds": ("FLOAT", {"default": 0.0})}})
    IS_CHANGED = classmethod(lambda cls, **inputs: float("nan"))

    def go(self, seconds, after=None):
        end = time.monotonic() + seconds
        import comfy.model_management as management
        while time.monotonic() < end:
            management.throw_exception_if_processing_interrupted()
            time.sleep(0.01)
        return {"ui": {"text": [f"slept {seconds}"]}}

class Fail:
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = ("IMAGE",), "go", True, "test"
    INPUT_TYPES = classmethod(lambda cls: {"required": {"msg": ("STRING", {"default": "boom"})}})

    def go(self, msg):
        raise ValueError(msg)

from aiohttp import web
from server import PromptServer

def on_prompt(body):
    wanted = body.get("extra_data", {}).get("small")
    if wanted == "fail":
        raise RuntimeError("small fails on purpose")
    if wanted == "forget":
        return None
    if wanted == "no JSON":
        body["prompt"]["1"]["inputs"]["color"] = object()
    elif wanted is not None:
        body["prompt"]["1"]["inputs"]["color"] = wanted
        body["extra_data"]["seen"] = [*body["extra_data"].get("seen", []), wanted]
    return body

PromptServer.instance.add_on_prompt_handler(on_prompt)
PromptServer.instance.add_on_prompt_handler(on_prompt)

@PromptServer.instance.routes.post("/small/{name}")
async def greet(request):
    body = await request.text()
    for _ in range(int(request.query.get("times", 1))):
        PromptServer.instance.send_sync("small.greeted", {"name": request.match_info["name"]}, request.query.get("sid"))
    return web.json_response({"name": request.match_info["name"], "body": body}, status=201)

NODE_CLASS_MAPPINGS = {"Sleep": Sleep, "Fail": Fail}
WEB_DIRECTORY = "web"
"""


@dataclass(frozen=True)
class Server:
    """Where a running server is, and its folders."""

    address: str
    base: Path
    process: "subprocess.Popen[str]"
    greeting: str = ""  # what it said once it was up
    log: list[str] = field(default_factory=list[str])  # what it said since then


@contextmanager
def serving(base: Path, *more: str, seconds: float = 90, within: Sequence[str] = ()) -> Generator[Server]:
    """Start a server below a folder, `within` another program that takes a command, and wait until its worker is up.

    With 0 seconds nobody waits for the worker.
    """
    pack = base / "custom_nodes" / "small"
    (pack / "web").mkdir(parents=True, exist_ok=True)
    (pack / "__init__.py").write_text(PACK)
    (pack / "web" / "small.js").write_text("export default 1\n")
    for folder in ("input", "output", "temp"):
        (base / folder).mkdir(exist_ok=True)
    command = [*within, sys.executable, "-m", "engine", "serve", "--port=0", "--device=cpu", "--precision=fp32"]
    process = subprocess.Popen(
        [*command, f"--base-directory={base}", *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    reading: threading.Thread | None = None
    try:
        line = process.stdout.readline()
        while "Heddle is at" not in line:
            assert line, "the server ended before it was up"
            line = process.stdout.readline()
        server = Server(line.split()[-1].partition("/login")[0], base, process, line.strip())
        reading = threading.Thread(target=_read, args=(process, server.log), daemon=True)
        reading.start()  # a full pipe would hold the server up
        if seconds:
            wait_until_ready(server, seconds)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if reading is not None:
            reading.join()
        process.stdout.close()


def _read(process: "subprocess.Popen[str]", into: list[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        into.append(line.rstrip("\n"))


def wait_until_ready(server: Server, seconds: float) -> None:
    """Wait until a worker is up. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{server.address}/readyz") as answer:
                if answer.status == 200:
                    return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 401:
                return
        time.sleep(0.1)
    raise TimeoutError("no worker came up")


@dataclass(frozen=True)
class Client:
    """A program that speaks to a server as those of the ecosystem do."""

    http: aiohttp.ClientSession

    async def get(self, path: str, /, **query: Any) -> Any:
        """The JSON of a path."""
        async with self.http.get(path, params=query) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def post(self, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """The status and the JSON (or text) of what a post answers."""
        async with self.http.post(path, json=body, **more) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if answer.content_type == "application/json" else text

    async def submit(self, prompt: Mapping[str, Any], **more: Any) -> str:
        """Queue a prompt that is valid; its id."""
        status, answer = await self.post("/prompt", {"prompt": prompt, **more})
        assert status == 200, answer
        return answer["prompt_id"]

    async def stands(self, id: str, status: str) -> None:
        """Wait until a job has a status. A worker of quick jobs holds two for a moment, and one of them waits again."""
        async with asyncio.timeout(60):
            while (await self.get(f"/api/jobs/{id}"))["status"] != status:
                await asyncio.sleep(0.01)

    async def ended(self, id: str) -> Any:
        """The history's entry of a job, once there is one."""
        async with asyncio.timeout(60):
            while not (found := await self.get(f"/history/{id}")):
                await asyncio.sleep(0.02)
        return found[id]

    @asynccontextmanager
    async def socket(self, id: str, query: str = "") -> AsyncGenerator["Socket"]:
        """An open websocket that has had its first message."""
        async with self.http.ws_connect(f"/ws?clientId={id}{query}") as connection:
            mine = Socket(connection)
            assert (await mine.next())["data"]["sid"] == id
            yield mine


@dataclass(frozen=True)
class Socket:
    """A websocket of a client."""

    connection: aiohttp.ClientWebSocketResponse

    async def next(self) -> dict[str, Any]:
        """The next message; of a binary one its first number and its bytes."""
        async with asyncio.timeout(60):
            message = await self.connection.receive()
        if message.type is aiohttp.WSMsgType.BINARY:
            return {"type": int.from_bytes(message.data[:4], "big"), "data": message.data[4:]}
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return json.loads(message.data)

    async def until_over(self, id: str) -> list[dict[str, Any]]:
        """All messages up to the last one of a job."""
        seen: list[dict[str, Any]] = []
        while not seen or seen[-1] != {"type": "executing", "data": {"node": None, "prompt_id": id}}:
            seen.append(await self.next())
        return seen


Scenario = Callable[[Client], Coroutine[Any, Any, None]]


def speak(server: Server, scenario: Scenario, **options: Any) -> None:
    """Run a scenario against a server."""

    async def run() -> None:
        async with aiohttp.ClientSession(server.address, **options) as session:
            await scenario(Client(session))

    asyncio.run(run())
