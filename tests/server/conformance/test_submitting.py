"""Submitting a prompt (protocol, section 4; execution, section 1): what is taken, and each fault by its name."""

import json
import uuid
from typing import Any

import pytest

from tests.server.conformance.asking import node, picture, problem, refused, shown, sleep, watched
from tests.server.serving import Client, Server, speak

VALID: dict[str, Any] = {"i": 1, "f": 0.5, "s": "", "b": True, "c": "one"}
INT = ["INT", {"default": 1, "min": 0, "max": 10}]


def everything(**inputs: Any) -> dict[str, Any]:
    return {"e": node("Everything", **{**VALID, **inputs})}


def test_the_length_of_the_queue_is_told(server: Server) -> None:
    async def scenario(client: Client) -> None:
        await client.post("/queue/pause")
        before = (await client.get("/prompt"))["exec_info"]["queue_remaining"]
        id = await client.submit(sleep())
        assert (await client.get("/api/prompt")) == {"exec_info": {"queue_remaining": before + 1}}
        await client.post("/queue", {"delete": [id]})
        await client.post("/queue/resume")

    speak(server, scenario)


def test_numbers_are_counted_also_for_what_is_refused(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async def number(**more: Any) -> Any:
            status, answer = await client.post("/prompt", {"prompt": sleep(), **more})
            assert (status, set(answer)) == (200, {"prompt_id", "number", "node_errors"})
            return answer["number"]

        first = await number()
        assert isinstance(first, int)
        await refused(client, {})
        assert await number() == first + 2
        assert await number(number=2.5) == 2.5
        assert await number(front=True) == -(first + 3)
        assert await number(number=7, front=True) == 7
        assert await number() == first + 4

    speak(server, scenario)


def test_an_id_of_ones_own_is_kept_and_a_taken_one_refused(server: Server) -> None:
    async def scenario(client: Client) -> None:
        mine = str(uuid.uuid4())
        assert await client.submit(sleep(), prompt_id=mine) == mine
        assert (await refused(client, sleep(), prompt_id=mine))["error"]["type"] == "invalid_prompt_id"
        assert uuid.UUID(await client.submit(sleep(), prompt_id=None)).version == 4
        for odd in ("", "../x", "a/b", "x" * 201, {"a": 1}):
            assert (await refused(client, sleep(), prompt_id=odd))["error"]["type"] == "invalid_prompt_id"

    speak(server, scenario)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ({}, ("prompt_no_outputs", "Prompt has no outputs", "")),
        ({"1": node("Number", value=1)}, ("prompt_no_outputs", "Prompt has no outputs", "")),
        (
            {"1": {"inputs": {}}},
            ("invalid_prompt", "Cannot execute because a node is missing the class_type property.", "Node ID '#1'"),
        ),
        (
            {"1": node("Show", value=1), "x y": node("Nope")},
            ("invalid_prompt", "Cannot execute because node Nope does not exist.", "Node ID '#x y'"),
        ),
    ],
    ids=["empty", "no outputs", "no class", "unknown class"],
)
def test_faults_of_a_whole_prompt(server: Server, prompt: Any, expected: tuple[str, str, str]) -> None:
    async def scenario(client: Client) -> None:
        type, message, details = expected
        error = {"type": type, "message": message, "details": details, "extra_info": {}}
        assert await refused(client, prompt) == {"error": error, "node_errors": {}}

    speak(server, scenario)


def test_a_body_without_a_prompt(server: Server) -> None:
    async def scenario(client: Client) -> None:
        status, answer = await client.post("/prompt", {"client_id": "x"})
        error = answer["error"]
        assert (status, error["type"], error["message"]) == (400, "no_prompt", "No prompt provided")
        assert (error["extra_info"], answer["node_errors"]) == ({}, {})

    speak(server, scenario)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (
            {"i": 11},
            {
                "type": "value_bigger_than_max",
                "message": "Value 11 bigger than max of 10",
                "details": "i",
                "extra_info": {"input_name": "i", "input_config": INT, "received_value": 11},
            },
        ),
        (
            {"i": -1},
            {
                "type": "value_smaller_than_min",
                "message": "Value -1 smaller than min of 0",
                "details": "i",
                "extra_info": {"input_name": "i", "input_config": INT, "received_value": -1},
            },
        ),
        (
            {"i": "ten"},
            {
                "type": "invalid_input_type",
                "message": "Failed to convert an input value to a INT value",
                "details": "i, ten, invalid literal for int() with base 10: 'ten'",
                "extra_info": {
                    "input_name": "i",
                    "input_config": INT,
                    "received_value": "ten",
                    "exception_message": "invalid literal for int() with base 10: 'ten'",
                },
            },
        ),
        (
            {"c": "three"},
            {
                "type": "value_not_in_list",
                "message": "Value not in list",
                "details": "c: 'three' not in ['one', 'two']",
                "extra_info": {
                    "input_name": "c",
                    "input_config": [["one", "two"], {"default": "one"}],
                    "received_value": "three",
                },
            },
        ),
        (
            {"l": "option 99"},
            {
                "type": "value_not_in_list",
                "message": "Value not in list",
                "details": "l: 'option 99' not in (list of length 30)",
                "extra_info": {"input_name": "l", "input_config": None, "received_value": "option 99"},
            },
        ),
        (
            {"s": ["1", 0, 2]},
            {
                "type": "bad_linked_input",
                "message": "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                "details": "s",
                "extra_info": {
                    "input_name": "s",
                    "input_config": ["STRING", {"default": ""}],
                    "received_value": ["1", 0, 2],
                },
            },
        ),
    ],
    ids=["too large", "too small", "not a number", "not listed", "not in a long list", "no link"],
)
def test_faults_of_an_input(server: Server, inputs: Any, expected: dict[str, Any]) -> None:
    async def scenario(client: Client) -> None:
        answer = await refused(client, everything(**inputs))
        found = {"errors": [expected], "dependent_outputs": ["e"], "class_type": "Everything"}
        assert answer["node_errors"] == {"e": found}
        line = f"{expected['message']}: {expected['details']}"
        assert answer["error"]["details"] == line
        assert answer["error"]["message"] == "Prompt outputs failed validation"

    speak(server, scenario)


def test_a_missing_input(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = everything()
        del prompt["e"]["inputs"]["i"]
        assert await problem(client, prompt, "e") == {
            "type": "required_input_missing",
            "message": "Required input is missing",
            "details": "i",
            "extra_info": {"input_name": "i"},
        }

    speak(server, scenario)


def test_values_of_the_combo_form_are_checked_as_later_servers_do(server: Server) -> None:
    async def scenario(client: Client) -> None:
        assert (await problem(client, everything(o="z"), "e"))["type"] == "value_not_in_list"

    speak(server, scenario)


def test_links_of_another_type(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {"1": node("Number", value=1), "2": node("WantsImage", image=["1", 0])}
        assert await problem(client, prompt, "2") == {
            "type": "return_type_mismatch",
            "message": "Return type mismatch between linked nodes",
            "details": "image, received_type(INT) mismatch input_type(IMAGE)",
            "extra_info": {
                "input_name": "image",
                "input_config": ["IMAGE", {}],
                "received_type": "INT",
                "linked_node": ["1", 0],
            },
        }
        for source in ("Number", "Anything"):  # one of several types; the wildcard of a pack
            wanted = {"1": node("Number", value=3), "2": node("WantsNumber", value=["1", 0])}
            if source == "Anything":
                wanted["2"] = node("Show", value=["1", 0])
            assert await shown(client, wanted, "2") == [3]

    speak(server, scenario)


@pytest.mark.parametrize(
    ("link", "exception"), [(["9", 0], "KeyError"), ([1, 0], "KeyError"), (["1", 7], "IndexError")], ids=str
)
def test_links_to_nothing_are_filed_where_they_are_asked_from(server: Server, link: Any, exception: str) -> None:
    async def scenario(client: Client) -> None:
        prompt = {"1": node("Number", value=1), "2": node("Show", value=link)}
        found = await problem(client, prompt, "2")
        assert (found["type"], found["message"]) == ("exception_during_validation", "Exception when validating node")
        assert found["extra_info"]["exception_type"] == exception
        assert isinstance(found["extra_info"]["traceback"], list)
        prompt = {"1": node("Number", value=1), "2": node("Add", a=link, b=1), "3": node("Show", value=["2", 0])}
        found = await problem(client, prompt, "2")
        assert found["type"] == "exception_during_inner_validation"
        assert found["message"] == "Exception when validating inner node"
        assert found["extra_info"]["input_name"] == "value"
        assert found["extra_info"]["linked_node"] == ["2", 0]

    speak(server, scenario)


def test_a_fault_upstream_leaves_the_details_of_the_whole_empty(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {
            "1": node("Number", value="x"),
            "2": node("Add", a=["1", 0], b=0),
            "3": node("Show", value=["2", 0]),
            "4": node("Show", value=["1", 0]),
        }
        answer = await refused(client, prompt)
        assert answer["error"]["details"] == ""
        assert list(answer["node_errors"]) == ["1"]
        assert sorted(answer["node_errors"]["1"]["dependent_outputs"]) == ["3", "4"]

    speak(server, scenario)


@pytest.mark.parametrize(
    "prompt",
    [
        {"1": node("Add", a=["2", 0], b=1), "2": node("Add", a=["1", 0], b=1), "3": node("Show", value=["1", 0])},
        {"1": node("Add", a=["1", 0], b=1), "3": node("Show", value=["1", 0])},
    ],
    ids=["of two", "of one"],
)
def test_a_cycle_is_named_as_later_servers_do(server: Server, prompt: Any) -> None:
    async def scenario(client: Client) -> None:
        answer = await refused(client, prompt)
        found = [each["type"] for errors in answer["node_errors"].values() for each in errors["errors"]]
        assert set(found) == {"dependency_cycle"}
        one = next(iter(answer["node_errors"].values()))["errors"][0]["extra_info"]
        assert set(one) == {"node_id", "cycle_nodes"}

    speak(server, scenario)


def test_validators_decide_for_the_inputs_that_they_name(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async def found(mode: str) -> list[tuple[str, str]]:
            answer = await refused(client, {"j": node("Judged", mode=mode, level=1)})
            return [(each["type"], each["details"]) for each in answer["node_errors"]["j"]["errors"]]

        assert set(await found("no")) == {("custom_validation_failed", "mode"), ("custom_validation_failed", "level")}
        assert ("custom_validation_failed", "mode - not today") in await found("reason")
        assert await found("raise") == [("exception_during_validation", "cannot tell")]
        # The limit of an input is the validator's to judge once it names it.
        assert await shown(client, {"j": node("Judged", mode="yes", level=99)}, "j") == [["yes", 99]]
        linked = {"1": node("Number", value=4), "2": node("JudgesTypes", value=["1", 0])}
        assert await shown(client, linked, "2") == [4]

    speak(server, scenario)


def test_values_become_what_their_inputs_declare(server: Server) -> None:
    async def scenario(client: Client) -> None:
        sent = everything(i="7", f="0.25", s=12, b="false", c="two", l="option 3", o="y", unknown=5)
        run = await watched(client, sent)
        told = {name: value for name, (_, value) in run.shown("e")[0].items()}
        assert told == {"i": 7, "f": 0.25, "s": "12", "b": True, "c": "two", "l": "option 3", "o": "y"}
        (none,) = await shown(client, everything(s=None, i=True, f=1), "e")
        assert (none["s"], none["i"], none["f"]) == (["str", "None"], ["int", 1], ["float", 1.0])
        (wrapped,) = await shown(client, {"1": node("Show", value={"__value__": ["7", 0]})}, "1")
        assert wrapped == ["7", 0]

    speak(server, scenario)


def test_what_is_valid_runs_and_the_rest_is_told(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {**everything(), "bad": node("Show"), "alone": node("Fails", message="nobody asks for me")}
        status, answer = await client.post("/prompt", {"prompt": prompt})
        assert (status, list(answer["node_errors"])) == (200, ["bad"])
        entry = await client.ended(answer["prompt_id"])
        assert entry["prompt"][4] == ["e"]
        assert list(entry["outputs"]) == ["e"]

    speak(server, scenario)


def test_chosen_outputs_alone_run(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {id: node("Show", value=id) for id in ("a", "b", "c")}
        prompt["n"] = node("Number", value=1)
        run = await watched(client, prompt, partial_execution_targets=["c", "a", "nobody", "n"])
        assert sorted(run.entry["outputs"]) == ["a", "c"]
        assert sorted(run.entry["prompt"][4]) == ["a", "c"]
        run = await watched(client, prompt, partial_execution_targets=None)
        assert sorted(run.entry["outputs"]) == ["a", "b", "c"]
        for targets in ([], ["nobody"], ["n"]):
            answer = await refused(client, prompt, partial_execution_targets=targets)
            assert answer["error"]["type"] == "prompt_no_outputs"
        # A fault that only another output has is nobody's business.
        await watched(client, {**prompt, "d": node("Show")}, partial_execution_targets=["a"])

    speak(server, scenario)


def test_ids_are_any_texts_and_unknown_keys_are_passed_over(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {
            "12:7": {**node("Number", value=5), "_meta": {"title": "Five"}, "odd": True},
            "ß x": node("Show", value=["12:7", 0]),
        }
        assert await shown(client, prompt, "ß x") == [5]
        without = {"1": {"class_type": "Counts"}, "2": node("Show", value=1)}  # no inputs, and needed by nobody
        assert await shown(client, without, "2") == [1]

    speak(server, scenario)


def test_a_prompt_of_the_third_generation_is_checked_and_run(server: Server) -> None:
    async def scenario(client: Client) -> None:
        run = await watched(client, {"h": node("Halves", value=9, how="up")})
        assert run.shown("h") == [[5, "h"]]
        errors = (await refused(client, {"h": node("Halves", value=13, how="up")}))["node_errors"]["h"]["errors"]
        assert {each["type"] for each in errors} == {"custom_validation_failed"}
        assert "value - 13 is not halved" in [each["details"] for each in errors]
        found = await problem(client, {"h": node("Halves", value=9, how="sideways")}, "h")
        assert (found["type"], found["details"]) == ("value_not_in_list", "how: 'sideways' not in ['down', 'up']")

    speak(server, scenario)


def test_extra_data_is_kept_and_secrets_are_shown_to_nobody(server: Server) -> None:
    async def scenario(client: Client) -> None:
        info = {"workflow": {"id": "w"}, "more": [1]}
        extra = {"extra_pnginfo": info, "auth_token_comfy_org": "s3cret", "api_key_comfy_org": "k3y", "own": 1}
        await client.post("/queue/pause")
        prompt = {"h": node("Hidden", value=1)}
        id = await client.submit(prompt, extra_data=extra, client_id="someone")
        (item,) = [each for each in (await client.get("/queue"))["queue_pending"] if each[1] == id]
        assert len(item) == 5
        assert {key: item[3][key] for key in ("extra_pnginfo", "own", "client_id")} == {
            "extra_pnginfo": info,
            "own": 1,
            "client_id": "someone",
        }
        assert isinstance(item[3]["create_time"], int)
        await client.post("/queue/resume")
        entry = await client.ended(id)
        (told,) = [json.loads(text) for text in entry["outputs"]["h"]["text"]]
        assert (told["token"], told["info"], told["id"]) == ("s3cret", info, "h")
        for place in (item, entry["prompt"], await client.get(f"/api/jobs/{id}")):
            assert "k3y" not in json.dumps(place)

    speak(server, scenario)


def test_the_same_prompt_with_and_without_the_prefix(server: Server) -> None:
    async def scenario(client: Client) -> None:
        for path in ("/prompt", "/api/prompt"):
            async with client.http.post(
                path, data=json.dumps({"prompt": picture()}), headers={"Content-Type": "text/plain"}
            ) as answer:
                assert answer.status == 200
                assert answer.headers["Content-Type"] == "application/json; charset=utf-8"

    speak(server, scenario)
