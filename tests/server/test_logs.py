"""The server's log: lines for people, JSON for programs, and what of it clients are shown (docs/server.md, "Logs")."""

import asyncio
import json
import logging
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engine.server.log_format import WORKER, JsonLines, TextLines
from tests.server.serving import Client, Server, serving, speak

NOISY = """
import sys

class Say:
    RETURN_TYPES, FUNCTION, OUTPUT_NODE, CATEGORY = (), "go", True, "test"
    INPUT_TYPES = classmethod(lambda cls: {"required": {"text": ("STRING", {"default": ""})}})

    def go(self, text):
        print(text, file=sys.stderr, flush=True)
        return {"ui": {"text": [text]}}

NODE_CLASS_MAPPINGS = {"Say": Say}
"""


async def line_of(server: Server, wanted: Callable[[str], bool]) -> str:
    """The first line of the log that is wanted, once there is one."""
    async with asyncio.timeout(60):
        while True:
            for line in list(server.log):
                if wanted(line):
                    return line
            await asyncio.sleep(0.02)


def install_noise(base: Path) -> None:
    pack = base / "custom_nodes" / "noisy"
    pack.mkdir(parents=True)
    (pack / "__init__.py").write_text(NOISY)


def test_each_line_is_json_and_says_what_it_is_about(tmp_path: Path) -> None:
    install_noise(tmp_path)

    async def scenario(client: Client) -> None:
        id = await client.submit({"1": {"class_type": "Say", "inputs": {"text": 'loud "and" clear'}}})
        told = json.loads(await line_of(server, lambda line: '"engine.worker"' in line and "clear" in line))
        assert datetime.fromisoformat(told.pop("time")).tzinfo is not None
        assert told == {
            "level": "info",
            "logger": "engine.worker",
            "message": 'loud "and" clear',
            "worker": "cpu",
            "job": id,
        }
        await client.ended(id)
        (server.base / "user" / "default" / "comfy.settings.json").mkdir(parents=True)
        assert (await client.post("/settings/a", 1))[0] == 500
        failed = json.loads(await line_of(server, lambda line: "POST /settings/a failed" in line))
        assert (failed["level"], failed["logger"]) == ("error", "engine.server.guard")
        assert failed["exception"].startswith("Traceback (most recent call last):\n")
        assert "IsADirectoryError" in failed["exception"].splitlines()[-1]
        async with client.http.get("/userdata/a%0Ab?token=opensesame") as answer:
            assert answer.status == 404
        asked = json.loads(await line_of(server, lambda line: '"path": "/userdata/' in line))
        assert (asked["method"], asked["path"], asked["status"]) == ("GET", "/userdata/a%0Ab", 404)
        assert (asked["logger"], asked["remote"]) == ("engine.access", "127.0.0.1")
        assert asked["seconds"] >= 0
        shown = await client.get("/internal/logs")
        assert 'loud "and" clear\n' in shown
        assert "POST /settings/a failed\nTraceback" in shown
        assert "/userdata" not in shown  # who asks for the log would add to it

    with serving(tmp_path, "--log-format=json", "--access-log") as server:
        speak(server, scenario)
    assert not any("opensesame" in line for line in server.log)
    assert all(json.loads(line) for line in server.log)


def test_people_read_lines_and_warnings_alone_where_they_say_so(tmp_path: Path) -> None:
    install_noise(tmp_path)

    async def scenario(client: Client) -> None:
        id = await client.submit({"1": {"class_type": "Say", "inputs": {"text": "shown to clients"}}})
        await client.ended(id)
        (server.base / "user" / "default" / "comfy.settings.json").mkdir(parents=True)
        assert (await client.post("/settings/a", 1))[0] == 500
        line = await line_of(server, lambda line: line.endswith(" POST /settings/a failed"))
        datetime.fromisoformat(line.partition(",")[0])
        async with asyncio.timeout(60):
            while "shown to clients" not in await client.get("/internal/logs"):
                await asyncio.sleep(0.02)
        assert not any("shown to clients" in line or "/internal" in line for line in server.log)

    with serving(tmp_path, "--log-level=warning") as server:
        speak(server, scenario)


@pytest.mark.parametrize("format", ["text", "json"])
def test_what_keeps_a_server_from_starting_is_told_in_the_format(tmp_path: Path, format: str) -> None:
    (tmp_path / "user").mkdir()
    sqlite3.connect(tmp_path / "user" / "heddle.db").close()
    (tmp_path / "user" / "heddle.db").write_bytes(b"no database at all" * 100)
    command = [sys.executable, "-m", "engine", "serve", "--port=0", f"--base-directory={tmp_path}"]
    ended = subprocess.run([*command, f"--log-format={format}"], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    told: Any = json.loads(line) if format == "json" else {"level": "critical", "message": line}
    assert told["level"] == "critical"
    assert "heddle.db is damaged" in told["message"]


FAIL = "def fail(): raise ValueError('unforeseen')"


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("fail()", "critical"),
        ("threading.Thread(target=fail).start()", "critical"),
        ("warnings.warn('unforeseen')", "warning"),
    ],
)
def test_what_nobody_catches_is_a_line_of_json(code: str, level: str) -> None:
    start = "import threading, warnings\nfrom engine.server.log_format import write_log\nwrite_log('json', 'info')"
    command = [sys.executable, "-c", f"{start}\n{FAIL}\n{code}"]
    (line,) = subprocess.run(command, capture_output=True, text=True, check=False).stderr.splitlines()
    told = json.loads(line)
    assert told["level"] == level
    assert "unforeseen" in told["message"]
    assert ("ValueError: unforeseen" in told.get("exception", "")) == (level == "critical")


def test_people_see_whose_line_it_is() -> None:
    about: dict[str, Any] = {"msg": "hello", "worker": "cuda:1"}
    ours, workers = (logging.makeLogRecord({**about, "name": name}) for name in ("engine.queue.pool", WORKER))
    assert "[" not in TextLines().format(ours)
    assert TextLines().format(workers).endswith(" [cuda:1] hello")


def test_what_has_no_word_in_json_is_written_as_text() -> None:
    record = logging.makeLogRecord({"msg": "x", "levelname": "INFO", "job": Path("a"), "other": 1})
    assert json.loads(JsonLines().format(record))["job"] == "a"
