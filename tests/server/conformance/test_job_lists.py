"""Jobs as later frontends read them (protocol, section 6)."""

import asyncio
import json
import uuid
from typing import Any

import pytest

from tests.server.conformance.asking import node, picture, sleep, status_of, watched
from tests.server.serving import Client, Server, speak

ALWAYS = {"id", "status", "priority", "create_time", "outputs_count", "previewable_outputs_count"}


def test_a_job_in_each_of_its_states(server: Server) -> None:
    async def scenario(client: Client) -> None:
        await client.post("/history", {"clear": True})
        workflow = {"extra_pnginfo": {"workflow": {"id": "w-7", "nodes": []}}, "heddle": {"name": "A house"}}
        done = (await watched(client, picture(1, "jobs"), extra_data=workflow)).id
        failed = (await watched(client, {"1": node("Fails", message="x"), "2": node("Show", value=["1", 0])})).id
        me = uuid.uuid4().hex
        async with client.socket(me) as socket:
            running = await client.submit(sleep(60), client_id=me)
            while (await socket.next())["type"] != "executing":
                pass
            waiting, dropped = await client.submit(sleep()), await client.submit(sleep())
            assert (await client.post(f"/api/jobs/{dropped}/cancel")) == (200, {"cancelled": True})
            await client.stands(waiting, "pending")
            await client.stands(dropped, "cancelled")
            listed = {job["id"]: job for job in (await client.get("/api/jobs"))["jobs"]}
            states = {id: job["status"] for id, job in listed.items()}
            assert states == {
                done: "completed",
                failed: "failed",
                running: "in_progress",
                waiting: "pending",
                dropped: "cancelled",
            }
            for job in listed.values():
                assert set(job) >= ALWAYS
                assert None not in job.values()
                assert isinstance(job["create_time"], int)
            assert listed[done]["workflow_id"] == "w-7"
            assert (listed[done]["name"], listed[done]["node_count"]) == ("A house", 2)
            assert listed[running]["client_id"] == me
            assert listed[done]["execution_end_time"] >= listed[done]["execution_start_time"]
            assert listed[done]["preview_output"] == {
                "filename": "jobs_00001_.png",
                "subfolder": "",
                "type": "output",
                "nodeId": "2",
                "mediaType": "images",
            }
            assert listed[failed]["execution_error"]["exception_type"] == "ValueError"
            assert "execution_end_time" not in listed[running]
            assert (listed[waiting]["outputs_count"], "execution_start_time" in listed[waiting]) == (0, False)
            cancelled = await client.post("/api/jobs/cancel", {"job_ids": [running, waiting, done, "unknown"]})
            assert cancelled == (200, {"cancelled": True})
            await socket.until_over(running)
        for id in (running, waiting, done, "unknown"):  # ended, or never there
            assert await client.post(f"/api/jobs/{id}/cancel") == (200, {"cancelled": False})
        assert (await client.get(f"/api/jobs/{running}"))["status"] == "cancelled"

    speak(server, scenario)


def test_a_job_whole(server: Server) -> None:
    async def scenario(client: Client) -> None:
        workflow = {"extra_pnginfo": {"workflow": {"id": "w-8"}}}
        run = await watched(client, picture(2, "whole"), extra_data=workflow)
        job = await client.get(f"/api/jobs/{run.id}")
        assert job["workflow"]["prompt"] == picture(2, "whole")
        assert job["workflow"]["extra_data"]["extra_pnginfo"] == workflow["extra_pnginfo"]
        assert job["outputs"] == run.entry["outputs"]
        assert job["execution_status"] == run.entry["status"]
        async with client.http.get("/api/jobs/unknown") as answer:
            assert (answer.status, await answer.json()) == (404, {"error": "Job not found"})

    speak(server, scenario)


def test_what_is_shown_of_a_job_is_what_was_saved_or_else_the_first_there_is(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async def preview(prompt: dict[str, Any]) -> Any:
            job = await client.get(f"/api/jobs/{(await watched(client, prompt)).id}")
            return job.get("preview_output"), job["outputs_count"]

        both = {**picture(4, "both"), "0": node("PreviewImage", images=["1", 0])}
        shown, count = await preview(both)
        assert (shown["type"], shown["nodeId"], count) == ("output", "2", 2)
        shown, _ = await preview({"1": both["1"], "0": both["0"]})
        assert (shown["type"], shown["nodeId"]) == ("temp", "0")
        shown, _ = await preview({"t": node("Show", value="x" * 3000)})
        assert (shown["nodeId"], shown["mediaType"], len(shown["content"])) == ("t", "text", 1024)

    speak(server, scenario)


def test_pages_filters_and_orders(server: Server) -> None:
    async def scenario(client: Client) -> None:
        await client.post("/history", {"clear": True})
        long = await client.submit(sleep(0.3), extra_data={"extra_pnginfo": {"workflow": {"id": "mine"}}})
        ids = [long, *[await client.submit(sleep()) for _ in range(4)]]
        await client.ended(ids[-1])

        async def page(**query: Any) -> tuple[list[str], dict[str, Any]]:
            told = await client.get("/api/jobs", **query)
            return [job["id"] for job in told["jobs"]], told["pagination"]

        assert await page() == (ids[::-1], {"offset": 0, "limit": 200, "total": 5, "has_more": False})
        assert await page(limit=2) == (ids[:2:-1], {"offset": 0, "limit": 2, "total": 5, "has_more": True})
        assert await page(limit=2, offset=4) == ([ids[0]], {"offset": 4, "limit": 2, "total": 5, "has_more": False})
        assert (await page(offset=-3, sort_order="asc"))[0] == ids
        assert (await page(offset=99))[0] == []
        assert (await page(sort_by="execution_duration", limit=1))[0] == [long]
        assert (await page(sort_by="execution_duration", sort_order="asc"))[0][-1] == long
        assert (await page(status="completed,failed"))[1]["total"] == 5
        assert (await page(status="pending,in_progress"))[0] == []
        assert (await page(workflow_id="mine")) == ([long], {"offset": 0, "limit": 200, "total": 1, "has_more": False})
        assert (await page(workflow_id="none"))[0] == []

    speak(server, scenario)


@pytest.mark.parametrize(
    "query",
    ["status=odd", "status=completed,odd", "limit=0", "limit=x", "offset=x", "sort_by=size", "sort_order=up"],
)
def test_bad_values_are_refused_in_words(server: Server, query: str) -> None:
    async def scenario(client: Client) -> None:
        async with client.http.get(f"/api/jobs?{query}") as answer:
            assert answer.status == 400
            assert isinstance((await answer.json())["error"], str)

    speak(server, scenario)


def test_bad_orders_to_cancel_are_refused_in_words(server: Server) -> None:
    async def scenario(client: Client) -> None:
        for body in (b"{", b"[]", b"{}", b'{"job_ids": "x"}', b'{"job_ids": [1]}'):
            async with client.http.post("/api/jobs/cancel", data=body) as answer:
                assert answer.status == 400
                assert json.loads(await answer.text())["error"]
        status, answer = await client.post("/api/jobs/cancel", {"job_ids": ["fine", 7]})
        assert (status, answer["invalid_ids"]) == (400, [7])
        assert await status_of(client, "GET", "/jobs") == 404  # below the prefix only

    speak(server, scenario)


def test_no_list_holds_a_job_without_what_frontends_insist_on(server: Server) -> None:
    async def scenario(client: Client) -> None:
        ids = await asyncio.gather(*(client.submit(sleep()) for _ in range(10)))
        for _ in range(20):  # while they run
            told = await client.get("/api/jobs", limit=20)
            for job in told["jobs"]:
                assert set(job) >= ALWAYS
                assert job["status"] in ("pending", "in_progress", "completed", "failed", "cancelled")
            assert {type(told["pagination"][name]) for name in ("offset", "limit", "total")} == {int}
        for id in ids:
            await client.ended(id)

    speak(server, scenario)
