"""Routes and messages of packs go through the server."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from engine.server.types import TypeDesk
from nodes import built_in_registry
from tests.server.serving import Client, Server, speak


def test_a_packs_route_is_answered_by_the_pack(server: Server) -> None:
    async def scenario(client: Client) -> None:
        for prefix in ("", "/api"):
            answer = await client.post(f"{prefix}/small/ann", data=b"hello")
            assert answer == (201, {"name": "ann", "body": "hello"})
        async with client.http.get("/small/ann") as answer:
            assert answer.status == 404
        assert (await client.post("/smaller/ann"))[0] == 404

    speak(server, scenario)


def test_what_a_pack_sends_reaches_the_client_it_names(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        async with client.socket(me) as socket:
            await client.post(f"/small/bob?sid={me}", data=b"")
            assert await socket.next() == {"type": "small.greeted", "data": {"name": "bob"}}

    speak(server, scenario)


def small_picture() -> dict[str, Any]:
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }


def test_packs_change_what_is_submitted_before_it_is_looked_at(server: Server) -> None:
    async def scenario(client: Client) -> None:
        id = await client.submit(small_picture(), extra_data={"small": 0x123456})
        _, _, prompt, extra, _ = (await client.ended(id))["prompt"]
        assert prompt["1"]["inputs"]["color"] == 0x123456
        assert extra["seen"] == [0x123456] * 2  # by both handlers, in turn
        status, answer = await client.post("/prompt", {"prompt": small_picture(), "extra_data": {"small": "red"}})
        assert (status, answer["error"]["type"]) == (400, "prompt_outputs_failed_validation")

    speak(server, scenario)


@pytest.mark.parametrize("wanted", ["fail", "forget", "no JSON"])
def test_a_handler_that_fails_is_logged_and_left_out(server: Server, wanted: str) -> None:
    async def scenario(client: Client) -> None:
        id = await client.submit(small_picture(), extra_data={"small": wanted})
        _, _, prompt, _, _ = (await client.ended(id))["prompt"]
        assert prompt == small_picture()
        lines = "".join(each["m"] for each in (await client.get("/internal/logs/raw"))["entries"])
        assert "a prompt goes on" in lines

    speak(server, scenario)


def test_without_handlers_nobody_is_asked(tmp_path: Path) -> None:
    remembered = tmp_path / "node_types.json"
    told = {"types": {}, "web": {}, "failed": {}, "routes": None}
    desk = TypeDesk(built_in_registry(), remembered)
    assert desk.changes_prompts is None
    desk.learn({**told, "changes_prompts": False})
    assert TypeDesk(built_in_registry(), remembered).changes_prompts is False
    desk.learn({**told, "changes_prompts": True})
    assert TypeDesk(built_in_registry(), remembered).changes_prompts is True
