"""Missing weights are fetched only where that was asked for, and from where they are published."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.hints import annotators as weights
from engine.hints.annotators import Fetching, MissingWeights, Weights
from engine.weights import read
from engine.weights.read import Reading

CONTENT = b"weights of a small network"
FILE = Weights("small.safetensors", "somebody/annotators", "below")


class _Hub(BaseHTTPRequestHandler):
    """Serves one file as the host of published weights does."""

    asked: list[str] = []

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(CONTENT)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, body: bytes) -> None:
        self.asked.append(f"{self.command} {self.path}")
        there = self.path == "/somebody/annotators/resolve/main/below/small.safetensors"
        self.send_response(200 if there else 404)
        self.send_header("Content-Length", str(len(CONTENT)) if there else "0")
        if there:
            self.send_header("ETag", '"1"')
            self.send_header("X-Repo-Commit", "0" * 40)
        else:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        if there:
            self.wfile.write(body)


@pytest.fixture
def host() -> Iterator[str]:
    _Hub.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def rules_afterwards() -> Iterator[None]:
    yield
    weights.use(Fetching())
    read.use(Reading())


def test_nothing_is_fetched_unless_it_was_asked_for(annotators: Path, host: str) -> None:
    weights.use(Fetching(is_allowed=False, host=host))
    with pytest.raises(MissingWeights, match="published at https://huggingface.co/somebody/annotators in below"):
        weights.find(FILE, "A test")
    assert _Hub.asked == []


def test_what_is_missing_is_fetched_once(annotators: Path, host: str) -> None:
    weights.use(Fetching(is_allowed=True, host=host))
    path = weights.find(FILE, "A test")
    assert path.read_bytes() == CONTENT
    assert path.is_relative_to(annotators)
    asked = list(_Hub.asked)
    assert any(each.startswith("GET ") for each in asked)
    assert weights.find(FILE, "A test") == path
    assert _Hub.asked == asked


def test_what_cannot_be_fetched_is_said(annotators: Path, host: str) -> None:
    weights.use(Fetching(is_allowed=True, host=host))
    with pytest.raises(MissingWeights, match=r"A test needs no.safetensors, and it could not be fetched .* by hand"):
        weights.find(Weights("no.safetensors", "somebody/annotators"), "A test")


def test_a_pickle_is_not_fetched_where_it_would_not_be_read(annotators: Path, host: str) -> None:
    weights.use(Fetching(is_allowed=True, host=host))
    with pytest.raises(
        MissingWeights, match=r"published as a pickle: start with --allow-pickle too .* or put small.saf"
    ):
        weights.find(Weights("small.pth", "somebody/annotators"), "A test")
    assert _Hub.asked == []
