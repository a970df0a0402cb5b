"""What `/metrics` tells of jobs, requests, sockets and the process (docs/server.md, "Metrics")."""

import asyncio
import re
import uuid
from collections.abc import Mapping
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families as families

from tests.server.conformance.asking import node, picture, sleep, watched
from tests.server.serving import Client, serving, speak

Figures = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


async def figures(client: Client) -> Figures:
    """Every sample by its name and labels."""
    async with client.http.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        text = await answer.text()
    samples = [sample for family in families(text) for sample in family.samples]
    return {(each.name, frozenset(each.labels.items())): each.value for each in samples}


def of(told: Figures, name: str, **labels: str) -> float:
    """One sample; 0 where there is none."""
    return told.get((name, frozenset(labels.items())), 0.0)


async def until(client: Client, name: str, value: float, **labels: str) -> Figures:
    """Wait until a sample has a value; all figures of that moment."""
    async with asyncio.timeout(60):
        while of(told := await figures(client), name, **labels) != value:
            await asyncio.sleep(0.05)
    return told


def test_jobs_requests_sockets_and_the_process_are_counted(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        before = await figures(client)
        assert of(before, "heddle_worker_up", worker="cpu") == 1
        assert of(before, "heddle_jobs_ended_total", outcome="done") == 0
        await watched(client, picture(3, "counted"))
        await watched(client, {"f": node("Fail", msg="counted")})
        await client.post("/queue/pause")
        waiting = [await client.submit(sleep()) for _ in range(3)]
        assert (await client.post(f"/api/jobs/{waiting[0]}/cancel"))[1] == {"cancelled": True}
        assert (await client.post("/queue", {"delete": [waiting[1], "nobody"]}))[0] == 200
        for method in ("PUT", "PROPFIND", "REPORT"):
            async with client.http.request(method, "/prompt") as answer:
                assert answer.status == 405
        await client.post("/api/prompt", {})
        async with client.socket(uuid.uuid4().hex):
            told = await until(client, "heddle_websockets", 1)
        assert [of(told, "heddle_jobs", state=state) for state in ("waiting", "done", "failed", "cancelled")] == [
            *(1, 1, 1, 2)
        ]
        ended = [of(told, "heddle_jobs_ended_total", outcome=how) for how in ("done", "failed", "cancelled")]
        assert ended == [1, 1, 2]
        assert (of(told, "heddle_job_wait_seconds_count"), of(told, "heddle_job_run_seconds_count")) == (2, 2)
        assert of(told, "heddle_queue_paused") == 1
        assert of(told, "heddle_job_run_seconds_sum") > 0
        # Both spellings of a route are one, and strangers' methods are one.
        prompts = {"method": "POST", "route": "/api/prompt"}
        assert of(told, "heddle_http_requests_total", **prompts, status="200") == 5
        assert of(told, "heddle_http_requests_total", **prompts, status="400") == 1
        assert of(told, "heddle_http_request_seconds_count", **prompts) == 6
        assert of(told, "heddle_http_requests_total", method="other", route="/{path}", status="405") == 2
        assert of(told, "heddle_http_request_seconds_count", method="GET", route="/api/ws") == 0
        process = psutil.Process(server.process.pid)
        assert of(told, "process_start_time_seconds") == process.create_time()
        assert 0 < of(told, "process_cpu_seconds_total") <= sum(process.cpu_times()[:2])
        assert of(told, "process_resident_memory_bytes") > 10 * 2**20
        async with client.http.get("/api/metrics", headers={"Accept": "application/openmetrics-text"}) as answer:
            assert answer.content_type == "application/openmetrics-text"
            assert (await answer.text()).endswith("# EOF\n")

    with serving(tmp_path) as server:
        speak(server, scenario)


def test_workers_that_die_and_clients_that_do_not_read_are_counted(tmp_path: Path) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        async with client.socket(me):  # 40 MB are more than it, and all buffers on the way to it, can hold
            assert (await client.post(f"/small/{'x' * 5000}?times=8000&sid={me}"))[0] == 201
            await until(client, "heddle_websockets_dropped_total", 1)
            await until(client, "heddle_websockets", 0)
        id = await client.submit(sleep(60))
        async with asyncio.timeout(60):
            while not (await client.get("/queue"))["queue_running"]:
                await asyncio.sleep(0.02)
        (worker,) = psutil.Process(server.process.pid).children()
        worker.kill()
        await until(client, "heddle_worker_restarts_total", 1, worker="cpu")
        await until(client, "heddle_job_retries_total", 1)
        assert (await client.post(f"/api/jobs/{id}/cancel"))[1] == {"cancelled": True}

    with serving(tmp_path) as server:
        speak(server, scenario)


def test_every_figure_is_in_the_docs(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "server.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `((?:heddle|process)_\w+)", page, re.MULTILINE))

    async def scenario(client: Client) -> None:
        async with client.http.get("/metrics", headers={"Authorization": "Bearer opensesame"}) as answer:
            told = {family.name for family in families(await answer.text()) if not family.name.endswith("_created")}
        assert {name.removesuffix("_total") for name in documented} == {name.removesuffix("_total") for name in told}
        async with client.http.get("/metrics") as answer:
            assert answer.status == 401

    with serving(tmp_path, "--token=opensesame", seconds=0) as server:
        speak(server, scenario)
