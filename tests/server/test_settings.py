"""A server that takes its settings from the environment and files."""

import os
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.server.serving import serving


def test_a_token_from_a_file_is_asked_for_and_reaches_no_list_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("open-sesame\n")
    (tmp_path / "heddle.toml").write_text('token-file = "token"\nlisten = "127.0.0.2"\n')
    monkeypatch.delenv("HEDDLE_CONFIG")
    monkeypatch.setenv("HEDDLE_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("HEDDLE_LISTEN", "127.0.0.1")
    with serving(tmp_path, seconds=0) as server:
        assert server.address.startswith("http://127.0.0.1:")
        assert server.greeting.endswith(server.address)  # and no token
        with pytest.raises(urllib.error.HTTPError, match="401") as refused:
            urllib.request.urlopen(f"{server.address}/queue")
        refused.value.close()
        asked = urllib.request.Request(f"{server.address}/queue", headers={"Authorization": "Bearer open-sesame"})
        with urllib.request.urlopen(asked) as answer:
            assert answer.status == 200
        listed = Path(f"/proc/{server.process.pid}/cmdline")
        assert os.name != "posix" or not listed.exists() or b"open-sesame" not in listed.read_bytes()
