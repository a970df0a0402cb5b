"""What packs add to the server: routes and messages; and what becomes of packs that fail (execution, section 5)."""

import json
import uuid

from tests.server.conformance.asking import node, shown, status_of, watched
from tests.server.serving import Client, Server, speak


def test_routes_with_methods_bodies_headers_and_statuses(server: Server) -> None:
    async def scenario(client: Client) -> None:
        for prefix in ("", "/api"):
            async with client.http.put(f"{prefix}/probe/echo/a%20b", data=b"\0abc", headers={"X-Probe": "7"}) as answer:
                assert (answer.status, await answer.read()) == (202, b"cba\0")
                assert (answer.headers["X-Probe"], answer.content_type) == ("7", "application/x-probe")
        assert await status_of(client, "GET", "/probe/echo/x") in (404, 405)
        assert await status_of(client, "GET", "/probe/nothing") == 404
        big = b"x" * 500_000
        async with client.http.put("/probe/echo/big", data=big) as answer:
            assert await answer.read() == big

    speak(server, scenario)


def test_a_route_that_fails_is_the_packs_failure_alone(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async with client.http.get("/probe/fails") as answer:
            assert answer.status == 500
            assert str(server.base) not in await answer.text()
        assert await client.get("/probe/calls") is not None

    speak(server, scenario)


def test_messages_to_one_and_to_all(server: Server) -> None:
    async def scenario(client: Client) -> None:
        one, two = uuid.uuid4().hex, uuid.uuid4().hex
        async with client.socket(one) as first, client.socket(two) as second:
            await client.post("/probe/send", {"event": "to.one", "data": 1, "sid": one})
            await client.post("/probe/send", {"event": "to.all", "data": {"x": None}})
            assert await first.next() == {"type": "to.one", "data": 1}
            for socket in (first, second):
                assert await socket.next() == {"type": "to.all", "data": {"x": None}}

    speak(server, scenario)


def test_a_pack_that_fails_does_not_stop_the_others(server: Server) -> None:
    async def scenario(client: Client) -> None:
        types = await client.get("/object_info")
        assert {"Show", "Halves", "Sleep"} <= set(types)
        lines = json.dumps((await client.get("/internal/logs/raw"))["entries"])
        assert "broken.py" in lines
        assert "nothing_of_this_name" in lines
        assert "off.py.disabled" not in lines

    speak(server, scenario)


def test_nodes_of_packs_keep_their_state_between_jobs(server: Server) -> None:
    async def scenario(client: Client) -> None:
        id = uuid.uuid4().hex
        prompt = {id: node("Remembers"), "2": node("Show", value=[id, 0])}
        assert [await shown(client, prompt, "2") for _ in range(3)] == [[1], [2], [3]]

    speak(server, scenario)


def test_what_else_a_node_shows_passes_through(server: Server) -> None:
    async def scenario(client: Client) -> None:
        run = await watched(client, {"m": node("ManyKinds", number=4)})
        assert run.one("executed")["output"] == {"text": ["n4"], "own": [{"deep": [4]}], "animated": [False]}
        assert run.entry["outputs"]["m"] == run.one("executed")["output"]

    speak(server, scenario)
