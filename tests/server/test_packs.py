"""Routes and messages of packs go through the server."""

import uuid

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
