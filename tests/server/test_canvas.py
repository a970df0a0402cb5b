"""The canvas at the server's address, as the build left it in the package."""

import re
from pathlib import Path

import pytest

from engine.server import pages
from tests.server.serving import Client, Server, serving, speak

BUILT = Path(pages.__file__).parent / "canvas" / "index.html"
pytestmark = pytest.mark.skipif(not BUILT.is_file(), reason="the canvas is not built here: pip install -e . builds it")


def policy(header: str) -> dict[str, set[str]]:
    """A content security policy by its directives."""
    return {name: set(sources) for name, *sources in (part.split() for part in header.split(";"))}


def test_the_canvas_is_the_first_page_and_asks_nobody_else(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async with client.http.get("/") as answer:
            page = await answer.text()
            assert (answer.status, answer.content_type) == (200, "text/html")
            assert "no-store" in answer.headers["Cache-Control"]
            told = policy(answer.headers["Content-Security-Policy"])
        assert told["default-src"] == {"'none'"}
        assert told["script-src"] == {"'self'"}
        assert all(source.startswith("'") or source in ("blob:", "data:") for each in told.values() for source in each)
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), "the policy lets no script run inside the page"
        assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)

    speak(server, scenario)


def test_what_has_its_hash_in_its_name_is_kept_for_good(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async with client.http.get("/") as answer:
            named = re.findall(r"""(?:src|href)=["']\./(assets/[^"']+)""", await answer.text())
        assert {Path(each).suffix for each in named} >= {".js", ".css"}
        for each in named:
            async with client.http.get(f"/{each}") as answer:
                assert answer.status == 200
                assert "immutable" in answer.headers["Cache-Control"]
                assert "Content-Security-Policy" in answer.headers
        async with client.http.get("/icon.svg") as answer:
            assert (answer.content_type, answer.headers["Cache-Control"]) == ("image/svg+xml", "no-cache")
        async with client.http.get("/licenses.txt") as answer:
            assert answer.content_type == "text/plain"
            assert "@xyflow/react" in await answer.text()
        async with client.http.get("/assets/no-such-file.js") as answer:
            assert answer.status == 404

    speak(server, scenario)


def test_a_chosen_frontend_takes_the_place_of_the_canvas(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("my own")

    async def scenario(client: Client) -> None:
        async with client.http.get("/") as answer:
            assert await answer.text() == "my own"
            assert "Content-Security-Policy" not in answer.headers
        async with client.http.get("/icon.svg") as answer:
            assert answer.status == 404

    with serving(tmp_path / "base", f"--frontend={tmp_path / 'mine'}", seconds=0) as server:
        speak(server, scenario)
