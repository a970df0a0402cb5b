"""The websocket: connection, flags, who is told what, and in which order (protocol, section 11)."""

import asyncio
import io
import json
import uuid
from typing import Any

import aiohttp
from PIL import Image

from tests.server.conformance.asking import node, picture, sleep, watched
from tests.server.serving import Client, Server, Socket, speak

BOTH = ("status", "progress_state", "progress", 1, 4)


async def drained(socket: Socket) -> list[dict[str, Any]]:
    """What comes up to the next message that a test sends to all."""
    seen: list[dict[str, Any]] = []
    while not seen or seen[-1]["type"] != "marker":
        seen.append(await socket.next())
    return seen[:-1]


async def mark(client: Client, id: str | None = None) -> None:
    await client.post("/probe/send", {"event": "marker", "data": 1, "sid": id})


def test_the_first_message_names_the_client(server: Server) -> None:
    async def scenario(client: Client) -> None:
        for query, expected in (("?clientId=me-77", "me-77"), ("", None), ("?clientId=", None)):
            async with client.http.ws_connect(f"/ws{query}") as connection:
                first = await connection.receive_json()
                sid = first["data"].pop("sid")
                assert first == {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}}}
                if expected:
                    assert sid == expected
                else:
                    assert len(sid) == 32
                    assert int(sid, 16) >= 0
        async with client.http.ws_connect("/api/ws") as connection:
            assert (await connection.receive_json())["type"] == "status"

    speak(server, scenario)


def test_flags_are_those_of_the_first_message_alone(server: Server) -> None:
    async def scenario(client: Client) -> None:
        flags = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
        me = uuid.uuid4().hex
        async with client.socket(me) as socket:
            await socket.connection.send_str("{no json")
            await socket.connection.send_json(flags)
            told = await socket.next()
            assert told == {"type": "feature_flags", "data": await client.get("/features")}
            await socket.connection.send_json(flags)
            await socket.connection.send_str("[]")
            await mark(client, me)
            assert await drained(socket) == []
        async with client.socket(me) as socket:  # a first message of another kind: no flags
            await socket.connection.send_json({"type": "hello"})
            await socket.connection.send_json(flags)
            await mark(client, me)
            assert await drained(socket) == []

    speak(server, scenario)


def test_the_messages_of_a_job_in_their_order(server: Server) -> None:
    async def scenario(client: Client) -> None:
        salt = uuid.uuid4().int % 2**31
        prompt = {"1": node("Number", value=salt), "2": node("Show", value=["1", 0])}
        run = await watched(client, prompt)
        assert run.types == [
            *("status", "status", "execution_start", "execution_cached"),
            *("progress_state", "executing", "progress_state"),
            *("progress_state", "executing", "executed", "progress_state"),
            *("execution_success", "status", "executing"),
        ]
        remaining = [told["status"]["exec_info"]["queue_remaining"] for told in run.all("status")]
        assert remaining == [1, 1, 0]
        assert set(run.one("execution_start")) == {"prompt_id", "timestamp"}
        cached = run.one("execution_cached")
        assert (cached["nodes"], type(cached["timestamp"])) == ([], int)
        assert run.all("executing") == [
            {"node": "1", "display_node": "1", "prompt_id": run.id},
            {"node": "2", "display_node": "2", "prompt_id": run.id},
            {"node": None, "prompt_id": run.id},
        ]
        assert run.one("executed") == {
            "node": "2",
            "display_node": "2",
            "prompt_id": run.id,
            "output": {"text": [json.dumps(salt)]},
        }
        states = [{id: each["state"] for id, each in told["nodes"].items()} for told in run.all("progress_state")]
        assert states == [
            {"1": "running"},
            {"1": "finished"},
            {"1": "finished", "2": "running"},
            {"1": "finished", "2": "finished"},
        ]
        first = run.all("progress_state")[0]
        assert first == {
            "prompt_id": run.id,
            "nodes": {
                "1": {
                    "value": 0.0,
                    "max": 1.0,
                    "state": "running",
                    "node_id": "1",
                    "prompt_id": run.id,
                    "display_node_id": "1",
                    "parent_node_id": None,
                    "real_node_id": "1",
                }
            },
        }
        assert set(run.one("execution_success")) == {"prompt_id", "timestamp"}

    speak(server, scenario)


def test_a_job_answered_from_the_cache(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = picture(uuid.uuid4().int % 2**24, "cached")
        first = await watched(client, prompt)
        again = await watched(client, prompt)
        assert again.types == [
            *("status", "status", "execution_start", "execution_cached"),
            *("executed", "progress_state", "execution_success", "status", "executing"),
        ]
        assert sorted(again.one("execution_cached")["nodes"]) == ["1", "2"]
        assert again.one("executed")["output"] == first.one("executed")["output"]
        assert again.entry["outputs"] == first.entry["outputs"]
        assert again.entry["meta"] == first.entry["meta"]

    speak(server, scenario)


def test_progress_and_previews_in_the_form_that_the_client_knows(server: Server) -> None:
    async def scenario(client: Client) -> None:
        for flags, kind in (({"supports_preview_metadata": True}, 4), (None, 1)):
            asked = {} if flags else {"preview_method": "auto"}
            run = await watched(client, {"w": node("Works", steps=3 + kind, pause=0.3)}, flags, extra_data=asked)
            assert {each for each in run.types if isinstance(each, int)} == {kind}
            told = [(each["value"], each["max"], each["node"]) for each in run.all("progress")]
            assert told == [(value + 1, 3 + kind, "w") for value in range(3 + kind)]
            for index, type in enumerate(run.types):  # each progress comes after its state, pictures in between
                if type == "progress":
                    before = [each for each in run.types[:index] if not isinstance(each, int)]
                    assert before[-1] == "progress_state"
            running = [each["nodes"]["w"]["value"] for each in run.all("progress_state")]
            assert running == [0, *range(1, 4 + kind), 3 + kind]
            data = run.all(kind)[0]
            if kind == 4:
                length = int.from_bytes(data[:4], "big")
                header, data = json.loads(data[4 : 4 + length]), data[4 + length :]
                assert header == {
                    "node_id": "w",
                    "prompt_id": run.id,
                    "display_node_id": "w",
                    "parent_node_id": None,
                    "real_node_id": "w",
                    "image_type": "image/jpeg",
                }
            else:
                assert data[:4] == b"\0\0\0\1"
                data = data[4:]
            shown = Image.open(io.BytesIO(data))
            assert (shown.format, max(shown.size)) == ("JPEG", 512)

    speak(server, scenario)


def test_previews_come_to_those_who_say_that_they_show_them_unless_asked_not_to(server: Server) -> None:
    async def scenario(client: Client) -> None:
        shows = {"supports_preview_metadata": True}
        for steps, flags, extra in ((11, shows, {"preview_method": "none"}), (12, None, {})):
            prompt = {"w": node("Works", steps=steps, pause=0.1)}
            run = await watched(client, prompt, flags, extra_data=extra)
            assert not [each for each in run.types if isinstance(each, int)]
            assert len(run.all("progress")) == steps

    speak(server, scenario)


def test_texts_for_a_node(server: Server) -> None:
    async def scenario(client: Client) -> None:
        text = f"50 % – {uuid.uuid4().hex}"
        run = await watched(client, {"tells": node("Tells", text=text)})
        assert run.one(3) == b"\0\0\0\5tells" + text.encode()

    speak(server, scenario)


def test_a_job_is_told_to_its_client_alone(server: Server) -> None:
    async def scenario(client: Client) -> None:
        other = uuid.uuid4().hex
        async with client.socket(other) as socket:
            run = await watched(client, {"w": node("Works", steps=2, pause=0.001)})
            seen = [await socket.next()]
            while seen[-1]["data"] != {"status": {"exec_info": {"queue_remaining": 0}}}:
                seen.append(await socket.next())
            await mark(client, other)
            seen += await drained(socket)
        assert {each["type"] for each in seen} == {"status"}
        assert len(seen) <= len(run.all("status"))  # several changes that come together are told once
        assert not [each for each in seen if "sid" in each["data"]]

    speak(server, scenario)


def test_a_job_without_a_client_is_told_to_all_in_part(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async with client.socket(uuid.uuid4().hex) as one, client.socket(uuid.uuid4().hex) as two:
            asked = {"preview_method": "auto"}
            await client.ended(await client.submit({"w": node("Works", steps=8, pause=0.3)}, extra_data=asked))
            id = await client.submit(sleep(60))
            seen: list[dict[str, Any]] = []
            while not seen or "s" not in seen[-1].get("data", {}).get("nodes", ""):
                frame = await one.next()
                seen.append(frame if isinstance(frame["data"], dict) else {"type": frame["type"], "data": {}})
            await client.post("/interrupt", {"prompt_id": id})
            for socket in (one, two):
                while (frame := await socket.next())["type"] != "execution_interrupted":
                    seen.append(frame)
                assert frame["data"]["prompt_id"] == id
        types = {each["type"] for each in seen}
        assert types <= set(BOTH)
        assert {"status", "progress_state", "progress", 1} <= types

    speak(server, scenario)


def test_a_failure(server: Server) -> None:
    async def scenario(client: Client) -> None:
        salt = uuid.uuid4().int % 2**31
        prompt = {
            "1": node("Number", value=salt),
            "2": node("Fails", message="boom"),
            "3": node("Expects", number=["1", 0], other=["2", 0]),
        }
        prompt["2"]["inputs"]["after"] = ["1", 0]
        run = await watched(client, prompt)
        assert run.types[-3:] == ["execution_error", "status", "executing"]
        assert "execution_success" not in run.types
        error = run.one("execution_error")
        assert set(error) == {
            *("prompt_id", "node_id", "node_type", "executed", "exception_message", "exception_type", "traceback"),
            *("current_inputs", "current_outputs", "timestamp"),
        }
        assert (error["node_id"], error["node_type"], error["executed"]) == ("2", "Fails", ["1"])
        assert (error["exception_message"], error["exception_type"]) == ("boom\n", "ValueError")
        assert error["current_inputs"]["message"] == ["boom"]
        assert "1" in error["current_outputs"]
        assert all(isinstance(line, str) for line in error["traceback"])
        states = run.all("progress_state")[-1]["nodes"]
        assert states["2"]["state"] == "running"  # it never finished

    speak(server, scenario)


def test_an_interrupted_job(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        async with client.socket(me) as socket:
            id = await client.submit({"s": node("Sleep", seconds=60)}, client_id=me)
            while (await socket.next())["type"] != "executing":
                pass
            await client.post("/interrupt")
            frames = await socket.until_over(id)
        assert [frame["type"] for frame in frames][-3:] == ["execution_interrupted", "status", "executing"]
        told = frames[-3]["data"]
        assert set(told) == {"prompt_id", "node_id", "node_type", "executed", "timestamp"}
        assert (told["node_id"], told["node_type"], told["executed"]) == ("s", "Sleep", [])

    speak(server, scenario)


def test_history_is_certain_when_the_last_message_comes(server: Server) -> None:
    async def scenario(client: Client) -> None:
        for _ in range(10):
            me = uuid.uuid4().hex
            async with client.socket(me) as socket:
                id = await client.submit(picture(uuid.uuid4().int % 2**24, "certain"), client_id=me)
                await socket.until_over(id)
                entry = (await client.get(f"/history/{id}"))[id]
                (image,) = entry["outputs"]["2"]["images"]
                async with client.http.get("/view", params=image) as answer:
                    assert answer.status == 200

    speak(server, scenario)


def test_a_client_that_comes_back_while_its_job_runs(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        async with client.socket(me) as socket:
            id = await client.submit(sleep(60), client_id=me)
            while (await socket.next())["type"] != "executing":
                pass
        async with client.socket(me) as socket:
            told = await socket.next()
            assert told == {"type": "executing", "data": {"node": "s"}}
            await client.post("/interrupt", {"prompt_id": id})
            await socket.until_over(id)

    speak(server, scenario)


def test_the_newer_of_two_sockets_is_told_and_goes_on_when_the_older_closes(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        older = await client.http.ws_connect(f"/ws?clientId={me}")
        await older.receive()
        async with client.socket(me) as newer:
            id = await client.submit(sleep(), client_id=me)
            await newer.until_over(id)
            with_nothing = asyncio.create_task(older.receive())
            done, _ = await asyncio.wait([with_nothing], timeout=0.05)
            assert not done  # open, and silent
            with_nothing.cancel()
            await older.close()
            id = await client.submit(sleep(), client_id=me)
            await newer.until_over(id)

    speak(server, scenario)


def test_what_clients_say_breaks_nothing(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        async with client.socket(me) as socket:
            await socket.connection.send_bytes(b"\0\1\2")
            for text in ("", "null", "[]", "3", '{"type": 5}', '{"type": "feature_flags", "data": 7}', "x" * 100_000):
                await socket.connection.send_str(text)
            await client.post("/probe/send", {"event": "own.kind", "data": {"a": [1]}, "sid": me})
            while (frame := await socket.next())["type"] != "own.kind":
                assert frame["type"] == "feature_flags"
            assert frame["data"] == {"a": [1]}
            assert not socket.connection.closed
        async with client.http.get("/ws") as answer:  # no upgrade
            assert answer.status == 400
        assert isinstance(client.http, aiohttp.ClientSession)

    speak(server, scenario)
