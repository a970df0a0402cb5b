"""Queue, history and control (protocol, section 5)."""

import asyncio
import json
import uuid
from typing import Any

import pytest

from tests.server.conformance.asking import node, picture, sleep, status_of, watched
from tests.server.serving import Client, Server, Socket, speak


async def until_executing(socket: Socket) -> None:
    while (await socket.next())["type"] != "executing":
        pass


def test_the_queue_lists_what_runs_and_what_waits_as_items_of_five(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        async with client.socket(me) as socket:
            running = await client.submit(sleep(60), client_id=me)
            await until_executing(socket)
            waiting = await client.submit(picture(3), number=4.5)
            await client.stands(waiting, "pending")
            queue = await client.get("/api/queue")
            assert set(queue) == {"queue_running", "queue_pending"}
            (item,) = queue["queue_running"]
            assert (item[1], item[2], item[4]) == (running, sleep(60), ["s"])
            assert item[3]["client_id"] == me
            (item,) = queue["queue_pending"]
            assert (len(item), item[0], item[1], item[4]) == (5, 4.5, waiting, ["2"])
            assert await client.get(f"/history/{running}") == {}
            await client.post("/queue", {"clear": True})
            assert (await client.get("/queue"))["queue_pending"] == []
            assert len((await client.get("/queue"))["queue_running"]) == 1
            await client.post("/interrupt")
            await socket.until_over(running)

    speak(server, scenario)


def test_an_interrupt_names_what_it_ends_and_spares_the_next_job(server: Server) -> None:
    async def scenario(client: Client) -> None:
        assert (await client.post("/interrupt")) == (200, "")  # nothing runs: without effect
        assert (await watched(client, sleep())).entry["status"]["completed"]
        for body in (b"", b"{not json", b"[]", b"{}"):  # whatever runs
            me = uuid.uuid4().hex
            async with client.socket(me) as socket:
                id = await client.submit(sleep(60), client_id=me)
                await until_executing(socket)
                assert await status_of(client, "POST", "/interrupt", data=b'{"prompt_id": "another"}') == 200
                assert await status_of(client, "POST", "/interrupt", data=body) == 200
                frames = await socket.until_over(id)
            assert "execution_success" not in [frame["type"] for frame in frames]
            entry = await client.ended(id)
            assert (entry["status"]["status_str"], entry["status"]["completed"]) == ("error", False)
            kind, data = entry["status"]["messages"][-1]
            assert kind == "execution_interrupted"
            assert data | {"timestamp": 0} == {
                "prompt_id": id,
                "node_id": "s",
                "node_type": "Sleep",
                "executed": [],
                "timestamp": 0,
            }
        assert (await watched(client, sleep())).entry["status"]["completed"]

    speak(server, scenario)


def test_free_drops_what_was_kept(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {"1": node("Counts", tag=uuid.uuid4().hex), "2": node("Show", value=["1", 0])}
        assert (await watched(client, prompt)).shown("2") == [1]
        assert await client.post("/free", {"unload_models": True}) == (200, "")
        assert (await watched(client, prompt)).shown("2") == [1]
        assert await client.post("/free", {"free_memory": True}) == (200, "")
        assert (await watched(client, prompt)).shown("2") == [2]

    speak(server, scenario)


def test_an_entry_of_the_history(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {**picture(5, "sub/entry"), "9": node("PreviewImage", images=["1", 0])}
        run = await watched(client, prompt)
        entry = run.entry
        assert set(entry) == {"prompt", "outputs", "status", "meta"}
        number, id, graph, extra, outputs = entry["prompt"]
        assert (id, graph, sorted(outputs)) == (run.id, prompt, ["2", "9"])
        assert isinstance(number, int)
        assert extra["client_id"]
        (saved,), (shown,) = entry["outputs"]["2"]["images"], entry["outputs"]["9"]["images"]
        assert saved == {"filename": "entry_00001_.png", "subfolder": "sub", "type": "output"}
        assert (shown["subfolder"], shown["type"]) == ("", "temp")
        assert entry["meta"]["2"] == {"node_id": "2", "display_node": "2", "parent_node": None, "real_node_id": "2"}
        status = entry["status"]
        assert (status["status_str"], status["completed"]) == ("success", True)
        told = [[frame["type"], frame["data"]] for frame in run.frames if str(frame["type"]).startswith("execution_")]
        assert status["messages"] == told
        assert [kind for kind, _ in told] == ["execution_start", "execution_cached", "execution_success"]

    speak(server, scenario)


def test_a_failed_entry_repeats_the_error(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {
            "1": node("Number", value=1),
            "2": node("Fails", message="no"),
            "3": node("Add", a=["1", 0], b=["2", 0]),
        }
        run = await watched(client, {**prompt, "4": node("Show", value=["3", 0])})
        assert run.entry["status"]["status_str"] == "error"
        assert run.entry["status"]["messages"][-1] == ["execution_error", run.one("execution_error")]

    speak(server, scenario)


def test_history_is_read_in_parts_and_forgotten(server: Server) -> None:
    async def scenario(client: Client) -> None:
        assert await client.post("/history", {"clear": True}) == (200, "")
        assert await client.get("/history") == {}
        ids = [await client.submit(sleep()) for _ in range(5)]
        await client.ended(ids[-1])

        async def part(**query: Any) -> list[str]:
            return list(await client.get("/history", **query))

        assert await part() == ids
        assert await part(max_items=2) == ids[3:]
        assert await part(max_items=0) == []
        assert await part(max_items=99) == ids
        assert await part(offset=2) == ids[2:]
        assert await part(offset=1, max_items=2) == ids[1:3]
        assert await part(offset=99) == []
        assert list(await client.get(f"/history/{ids[1]}")) == [ids[1]]
        assert await client.get("/history/unknown") == {}
        for query in ("max_items=x", "offset=1.5"):
            assert await status_of(client, "GET", f"/history?{query}") == 400
        assert await client.post("/history", {"delete": [ids[0], ids[3], "unknown"]}) == (200, "")
        assert await part() == [ids[1], ids[2], ids[4]]
        assert await client.get(f"/history/{ids[0]}") == {}

    speak(server, scenario)


def test_equal_numbers_take_turns_as_they_came(server: Server) -> None:
    async def scenario(client: Client) -> None:
        await client.post("/queue/pause")
        ids = [await client.submit(sleep(), number=5) for _ in range(6)]
        await client.post("/queue/resume")
        for id in ids:
            await client.ended(id)
        assert list(await client.get("/history", max_items=6)) == ids

    speak(server, scenario)


def test_whether_a_job_waits_or_has_run_it_is_there_once(server: Server) -> None:
    async def scenario(client: Client) -> None:
        await client.post("/queue/pause")
        id = await client.submit(sleep())
        assert await client.get(f"/history/{id}") == {}
        assert [item[1] for item in (await client.get("/queue"))["queue_pending"]] == [id]
        await client.post("/queue/resume")
        await client.ended(id)
        async with asyncio.timeout(30):
            while (await client.get("/prompt"))["exec_info"]["queue_remaining"]:
                await asyncio.sleep(0.02)
        assert await client.get("/queue") == {"queue_running": [], "queue_pending": []}

    speak(server, scenario)


@pytest.mark.parametrize("path", ["/prompt", "/queue", "/history", "/free"])
def test_what_is_no_json_is_refused(server: Server, path: str) -> None:
    async def scenario(client: Client) -> None:
        for body in (b"{", b"", b"3"):
            async with client.http.post(path, data=body) as answer:
                assert answer.status == 400
                assert json.loads(await answer.text())["error"]

    speak(server, scenario)
