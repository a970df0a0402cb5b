"""A server that takes its settings from the environment and files."""

import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.server.serving import Server, serving


def worker_of(server: Server) -> psutil.Process:
    """The server's first worker, once it was started."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for child in psutil.Process(server.process.pid).children():
            if "worker" in child.cmdline():
                return child
        time.sleep(0.05)
    raise TimeoutError("no worker was started")


def test_a_token_is_asked_for_and_reaches_no_log_no_worker_and_no_list_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("of-the-file\n")
    (tmp_path / "heddle.toml").write_text('token-file = "token"\nlisten = "127.0.0.2"\n')
    monkeypatch.delenv("HEDDLE_CONFIG")
    monkeypatch.setenv("HEDDLE_TOKEN", "open-sesame")  # comes before the file, whichever of the two options it has
    monkeypatch.setenv("HEDDLE_LISTEN", "127.0.0.1")
    with serving(tmp_path, seconds=0) as server:
        assert server.address.startswith("http://127.0.0.1:")
        assert server.greeting.endswith(server.address)  # and no token
        for token, status in (("of-the-file", 401), ("open-sesame", 200)):
            assert asked(server, token) == status
        worker = worker_of(server)
        assert "open-sesame" not in str(
            [worker.cmdline(), worker.environ(), psutil.Process(server.process.pid).cmdline()]
        )


def test_a_token_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of-the-file\n")
    with serving(tmp_path, f"--token-file={tmp_path / 'token'}", seconds=0) as server:
        assert asked(server, "of-the-file") == 200
        assert asked(server, "another") == 401


def asked(server: Server, token: str) -> int:
    """The status of an answer to who shows a token."""
    request = urllib.request.Request(f"{server.address}/queue", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
