"""Submitting, watching and fetching, as the ecosystem's clients do it (protocol, sections 1, 4, 5, 6 and 11)."""

import asyncio
import io
import json
import uuid
from pathlib import Path
from typing import Any

from PIL import Image

from tests.server.serving import Client, Server, speak


def picture(color: int = 0, prefix: str = "t", size: int = 16) -> dict[str, Any]:
    inputs = {"width": size, "height": size, "batch_size": 1, "color": color}
    return {
        "1": {"class_type": "EmptyImage", "inputs": inputs},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": prefix}},
    }


def sleep(seconds: float) -> dict[str, Any]:
    return {"s": {"class_type": "Sleep", "inputs": {"seconds": seconds}}}


def types(messages: list[dict[str, Any]]) -> list[Any]:
    return [message["type"] for message in messages]


def test_submit_watch_fetch(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        async with client.socket(me) as socket:
            workflow = {"id": "w-1", "nodes": []}
            extra = {"extra_pnginfo": {"workflow": workflow}}
            id = await client.submit(picture(200, "fetch"), client_id=me, extra_data=extra)
            seen = await socket.until_over(id)
        assert types(seen) == [
            *("status", "status", "execution_start", "execution_cached"),
            *("progress_state", "executing", "progress_state") * 1,
            *("progress_state", "executing", "executed", "progress_state"),
            *("execution_success", "status", "executing"),
        ]
        assert [each["data"]["node"] for each in seen if each["type"] == "executing"] == ["1", "3", None]
        entry = (await client.get(f"/history/{id}"))[id]
        assert entry["status"]["status_str"] == "success"
        assert [name for name, _ in entry["status"]["messages"]] == [
            *("execution_start", "execution_cached", "execution_success")
        ]
        assert entry["prompt"][1:3] == [id, picture(200, "fetch")]
        assert entry["prompt"][3]["extra_pnginfo"] == extra["extra_pnginfo"]
        assert entry["prompt"][4] == ["3"]
        (image,) = entry["outputs"]["3"]["images"]
        async with client.http.get("/api/view", params=image) as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            shown = Image.open(io.BytesIO(await answer.read()))
        assert (shown.size, shown.getpixel((0, 0))) == ((16, 16), (0, 0, 200))
        assert json.loads(shown.info["workflow"]) == workflow  # pyright: ignore[reportUnknownMemberType]

    speak(server, scenario)


def test_a_job_answered_from_the_cache_repeats_its_files(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        first = await client.ended(await client.submit(picture(7, "cached")))
        async with client.socket(me) as socket:
            id = await client.submit(picture(7, "cached"), client_id=me)
            seen = await socket.until_over(id)
        (cached,) = [each["data"]["nodes"] for each in seen if each["type"] == "execution_cached"]
        assert set(cached) == {"1", "3"}
        assert not [each for each in seen if each["type"] == "executing" and each["data"]["node"]]
        assert (await client.ended(id))["outputs"] == first["outputs"]

    speak(server, scenario)


def test_a_failure_names_the_node_and_what_it_was_given(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        prompt = {"f": {"class_type": "Fail", "inputs": {"msg": "no luck"}}}
        async with client.socket(me) as socket:
            id = await client.submit(prompt, client_id=me)
            seen = await socket.until_over(id)
        (error,) = [each["data"] for each in seen if each["type"] == "execution_error"]
        assert (error["node_id"], error["node_type"]) == ("f", "Fail")
        assert (error["exception_type"], error["exception_message"]) == ("ValueError", "no luck\n")
        assert error["current_inputs"] == {"msg": ["no luck"]}
        assert any("raise ValueError" in line for line in error["traceback"])
        entry = await client.ended(id)
        assert entry["status"]["status_str"] == "error"
        assert (await client.get(f"/api/jobs/{id}"))["execution_error"]["node_id"] == "f"

    speak(server, scenario)


def test_a_running_job_is_interrupted_by_id_and_a_waiting_one_is_dropped(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        async with client.socket(me) as socket:
            running = await client.submit(sleep(60), client_id=me)
            waiting = await client.submit(sleep(0), client_id=me)
            while (await socket.next())["type"] != "executing":
                pass
            await client.stands(waiting, "pending")
            queue = await client.get("/queue")
            assert [item[1] for item in queue["queue_running"]] == [running]
            assert [item[1] for item in queue["queue_pending"]] == [waiting]
            assert (await client.post("/queue", {"delete": [waiting, running, "nobody"]}))[0] == 200
            assert (await client.post("/interrupt", {"prompt_id": waiting}))[0] == 200
            assert (await client.post("/interrupt", {"prompt_id": running}))[0] == 200
            seen = await socket.until_over(running)
        (stopped,) = [each["data"] for each in seen if each["type"] == "execution_interrupted"]
        assert (stopped["node_id"], stopped["node_type"]) == ("s", "Sleep")
        assert (await client.ended(running))["status"]["status_str"] == "error"
        assert await client.get(f"/history/{waiting}") == {}
        states = {job["id"]: job["status"] for job in (await client.get("/api/jobs", status="cancelled"))["jobs"]}
        assert states[running] == states[waiting] == "cancelled"

    speak(server, scenario)


def test_a_client_that_comes_back_is_told_where_its_job_stands_and_what_it_missed(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        async with client.http.ws_connect(f"/ws?clientId={me}&since=0") as connection:
            status = await connection.receive_json()
            last = status["seq"]
            id = await client.submit(sleep(1.0), client_id=me)
            while (await connection.receive_json())["type"] != "executing":
                pass
        async with client.http.ws_connect(f"/ws?clientId={me}&since={last}") as connection:
            told: list[Any] = []
            while not told or told[-1]["data"].get("node", "") is not None:
                told.append(await connection.receive_json())
        kinds = types(told)
        assert kinds[:3] == ["status", "executing", "progress_state"]
        assert told[1]["data"]["node"] == "s"
        assert "execution_start" in kinds
        assert "execution_success" in kinds
        numbers = [each["seq"] for each in told if each["type"].startswith("execution")]
        assert numbers == sorted(set(numbers))
        assert (await client.ended(id))["status"]["completed"]

    speak(server, scenario)


def test_jobs_take_turns_by_number_and_can_be_moved(server: Server) -> None:
    async def scenario(client: Client) -> None:
        await client.post("/queue/pause", {})
        first, second = await client.submit(sleep(0)), await client.submit(sleep(0))
        front = await client.submit(sleep(0), front=True)
        urgent = await client.submit(sleep(0), number=-1e6)
        assert [item[1] for item in (await client.get("/queue"))["queue_pending"]] == [urgent, front, first, second]
        assert (await client.post(f"/queue/{second}/move", {"front": True}))[0] == 200
        assert (await client.post(f"/queue/{second}/move", {"number": "x"}))[0] == 400
        assert (await client.post("/queue/nobody/move", {"front": True}))[0] == 409
        assert (await client.get("/queue/state"))["paused"] is True
        await client.post("/queue/resume", {})
        for id in (first, second, front, urgent):
            await client.ended(id)
        order = list(await client.get("/history", max_items=4))
        assert order == [second, urgent, front, first]

    speak(server, scenario)


def test_the_same_key_gives_the_same_job(server: Server) -> None:
    async def scenario(client: Client) -> None:
        key = {"Idempotency-Key": uuid.uuid4().hex}
        answers = [await client.post("/prompt", {"prompt": sleep(0)}, headers=key) for _ in range(3)]
        assert len({answer["prompt_id"] for _, answer in answers}) == 1
        status, answer = await client.post("/prompt", {"prompt": sleep(0.01)}, headers=key)
        assert (status, answer["error"]["type"]) == (422, "idempotency_key_reused")
        await client.ended(answers[0][1]["prompt_id"])

    speak(server, scenario)


def test_what_is_wrong_with_a_prompt_is_said_in_the_words_that_clients_know(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async def refused(body: Any) -> Any:
            status, answer = await client.post("/prompt", body)
            assert status == 400, answer
            return answer

        assert (await refused({}))["error"]["type"] == "no_prompt"
        assert (await refused({"prompt": {}}))["error"]["type"] == "prompt_no_outputs"
        assert (await refused({"prompt": []}))["error"]["type"] == "invalid_prompt"
        unknown = await refused({"prompt": {"1": {"class_type": "Nothing", "inputs": {}}}})
        assert unknown["error"] | {"message": ""} == {
            "type": "invalid_prompt",
            "message": "",
            "details": "Node ID '#1'",
            "extra_info": {},
        }
        too_wide = picture()
        too_wide["1"]["inputs"]["width"] = 99999
        answer = await refused({"prompt": too_wide})
        assert answer["error"]["type"] == "prompt_outputs_failed_validation"
        (problem,) = answer["node_errors"]["1"]["errors"]
        assert (problem["type"], problem["extra_info"]["received_value"]) == ("value_bigger_than_max", 99999)
        assert answer["node_errors"]["1"]["dependent_outputs"] == ["3"]
        assert (await refused({"prompt": sleep(0), "prompt_id": "../x"}))["error"]["type"] == "invalid_prompt_id"
        packs = await refused({"prompt": {"f": {"class_type": "Sleep", "inputs": {}}}})
        assert packs["node_errors"]["f"]["errors"][0]["type"] == "required_input_missing"

        both = {**picture(1, "ok"), "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "no"}}}
        status, answer = await client.post("/prompt", {"prompt": both})
        assert (status, list(answer["node_errors"])) == (200, ["9"])
        assert (await client.ended(answer["prompt_id"]))["prompt"][4] == ["3"]

    speak(server, scenario)


def test_only_the_wanted_outputs_run(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {**picture(3, "wanted"), "9": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
        id = await client.submit(prompt, partial_execution_targets=["9"])
        assert list((await client.ended(id))["outputs"]) == ["9"]

    speak(server, scenario)


def test_history_pages_and_forgets(server: Server) -> None:
    async def scenario(client: Client) -> None:
        ids = [await client.submit(sleep(0)) for _ in range(3)]
        for id in ids:
            await client.ended(id)
        assert list(await client.get("/history", max_items=2)) == ids[1:]
        assert await client.get("/history", max_items=0) == {}
        assert (await client.post("/history", {"delete": [ids[0]]}))[0] == 200
        assert await client.get(f"/history/{ids[0]}") == {}
        async with client.http.get("/history", params={"max_items": "x"}) as answer:
            assert answer.status == 400

    speak(server, scenario)


def test_jobs_are_listed_in_pages_with_all_that_later_frontends_insist_on(server: Server) -> None:
    async def scenario(client: Client) -> None:
        id = await client.submit(picture(9, "listed"))
        await client.ended(id)
        page = await client.get("/api/jobs", status="completed", limit=1)
        assert page["pagination"] == {
            "offset": 0,
            "limit": 1,
            "total": page["pagination"]["total"],
            "has_more": page["pagination"]["total"] > 1,
        }
        (job,) = page["jobs"]
        assert (job["id"], job["status"], job["outputs_count"]) == (id, "completed", 1)
        assert job["preview_output"]["nodeId"] == "3"
        assert isinstance(job["create_time"], int)
        whole = await client.get(f"/api/jobs/{id}")
        assert whole["workflow"]["prompt"] == picture(9, "listed")
        assert list(whole["outputs"]) == ["3"]
        for path, status in (("/api/jobs/none", 404), ("/api/jobs?status=odd", 400), ("/jobs", 404)):
            async with client.http.get(path) as answer:
                assert answer.status == status
        assert (await client.post("/api/jobs/none/cancel"))[1] == {"cancelled": False}
        assert (await client.post("/api/jobs/cancel", {"job_ids": 3}))[0] == 400

    speak(server, scenario)


def test_two_sockets_of_one_client_and_the_older_one_goes(server: Server) -> None:
    async def scenario(client: Client) -> None:
        me = uuid.uuid4().hex
        async with client.socket(me) as older, client.socket(me) as newer:
            await older.connection.close()
            id = await client.submit(sleep(0), client_id=me)
            assert types(await newer.until_over(id))[-1] == "executing"

    speak(server, scenario)


def test_feature_flags_are_exchanged_once(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async with client.socket(uuid.uuid4().hex) as socket:
            await socket.connection.send_str("{not json")
            await socket.connection.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
            answer = await socket.next()
            assert answer["type"] == "feature_flags"
            assert answer["data"] == await client.get("/features")

    speak(server, scenario)


def test_jobs_of_many_clients_at_once_are_all_done(server: Server) -> None:
    async def scenario(client: Client) -> None:
        ids = await asyncio.gather(*(client.submit(sleep(0)) for _ in range(40)))
        assert len(set(ids)) == 40
        for id in ids:
            assert (await client.ended(id))["status"]["completed"]

    speak(server, scenario)


def test_previews_come_while_a_picture_is_sampled_in_the_form_that_the_client_knows(server: Server) -> None:
    workflow = json.loads((Path(__file__).parents[2] / "workflows" / "text_to_image.json").read_text("utf-8"))
    workflow["5"]["inputs"]["steps"] = 60  # previews are paid for by time that went by

    async def scenario(client: Client) -> None:
        for flags, kind in (({"supports_preview_metadata": True}, 4), ({}, 1)):
            me = uuid.uuid4().hex
            async with client.socket(me) as socket:
                await socket.connection.send_json({"type": "feature_flags", "data": flags})
                workflow["5"]["inputs"]["seed"] = kind
                asked = {} if flags else {"preview_method": "auto"}  # who does not say that it shows them asks for them
                id = await client.submit(workflow, client_id=me, extra_data=asked)
                seen = await socket.until_over(id)
            pictures = [each["data"] for each in seen if each["type"] == kind]
            assert pictures
            assert {each["type"] for each in seen if isinstance(each["type"], int)} == {kind}
            length = int.from_bytes(pictures[0][:4], "big")
            if kind == 4:
                told = json.loads(pictures[0][4 : 4 + length])
                assert (told["node_id"], told["prompt_id"], told["image_type"]) == ("5", id, "image/jpeg")
                shown = Image.open(io.BytesIO(pictures[0][4 + length :]))
            else:
                assert length == 1
                shown = Image.open(io.BytesIO(pictures[0][4:]))
            assert (shown.format, shown.size) == ("JPEG", (512, 512))

    speak(server, scenario)
