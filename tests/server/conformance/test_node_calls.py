"""How nodes are called, and what becomes of what they give back (execution, section 2)."""

import json
import uuid
from typing import Any

import pytest

from tests.server.conformance.asking import Prompt, Run, node, shown, watched
from tests.server.serving import Client, Server, speak


def salt() -> int:
    """A number that no earlier prompt used, so that nothing comes from the cache."""
    return uuid.uuid4().int % 2**40


async def failed(client: Client, prompt: Prompt) -> Any:
    """Run a prompt that fails; the error that its client is told."""
    run = await watched(client, prompt)
    assert (run.entry["status"]["status_str"], run.entry["status"]["completed"]) == ("error", False)
    return run.one("execution_error")


def test_lists_are_matched_by_repeating_the_last(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {
            "3": node("Spread", count=3),
            "2": node("Spread", count=2),
            "+": node("Pair", a=["3", 0], b=["2", 0]),
            "c": node("Pair", a=["3", 0], b=7),
            "=": node("ShowList", values=["+", 0]),
            "#": node("ShowList", values=["c", 0]),
            "k": node("ShowList", values=7),
            "each": node("Show", value=["3", 0]),
        }
        run = await watched(client, prompt)
        assert run.shown("=") == [[[0, 0], [1, 1], [2, 1]]]
        assert run.shown("#") == [[[0, 7], [1, 7], [2, 7]]]
        assert run.shown("k") == [[7]]
        assert run.shown("each") == [0, 1, 2]  # what each call shows is put together

    speak(server, scenario)


def test_empty_lists(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {"0": node("Spread", count=0), "1": node("Pair", a=["0", 0], b=5), "2": node("Show", value=["1", 0])}
        error = await failed(client, prompt)
        assert (error["node_id"], error["exception_type"]) == ("1", "IndexError")
        whole = {"0": node("Spread", count=0), "2": node("ShowList", values=["0", 0])}
        assert await shown(client, whole, "2") == [[]]

    speak(server, scenario)


def test_hidden_inputs(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {"1": node("Number", value="5"), "h": node("Hidden", value=["1", 0])}
        run = await watched(client, prompt, extra_data={"extra_pnginfo": {"workflow": {"a": 1}}})
        (told,) = run.shown("h")
        assert told["prompt"]["1"]["inputs"] == {"value": 5}  # as it was converted
        assert told["live"] == ["1", "h"]
        assert (told["info"], told["id"], told["token"]) == ({"workflow": {"a": 1}}, "h", None)

    speak(server, scenario)


def test_what_is_passed_to_a_node(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {
            "1": node("Number", value=1),
            "2": node("TakesAll", linked=["1", 0], constant=5),  # undeclared: links are passed, constants are not
            "3": node("TakesAny", linked=["1", 0], constant=5),  # every name is declared
        }
        run = await watched(client, prompt)
        assert (run.shown("2"), run.shown("3")) == ([{"linked": 1}], [{"constant": 5, "linked": 1}])
        prompt = {"1": node("Number", value=salt()), "2": node("Raw", value=["1", 0])}
        run = await watched(client, prompt)
        assert run.shown("2") == [["1", 0]]
        assert run.executing == ["1", "2"]  # the source runs all the same
        optional = {"1": node("Expects", number=1, other=2, extra=["0", 0]), "0": node("Number", value=1)}
        error = await failed(client, optional)
        assert (error["node_id"], error["exception_type"]) == ("1", "TypeError")

    speak(server, scenario)


def test_what_is_given_back(server: Server) -> None:
    async def scenario(client: Client) -> None:
        error = await failed(client, {"1": node("GivesNone"), "2": node("Show", value=["1", 0])})
        assert (error["node_id"], error["exception_type"]) == ("1", "TypeError")
        assert error["exception_message"] == "object of type 'NoneType' has no len()\n"
        nothing = {"1": node("GivesUiAlone"), "2": node("Show", value=["1", 0])}
        run = await watched(client, nothing)
        assert run.shown("2") == [None]
        assert run.entry["outputs"]["1"] == {"text": ["alone"]}  # though it is no output node
        letters = {"1": node("GivesText"), "2": node("Show", value=["1", 1])}
        assert await shown(client, letters, "2") == ["b"]
        third = {"1": node("Halves", value=9, how="down"), "2": node("Show", value=["1", 1])}
        assert await shown(client, third, "2") == [5]

    speak(server, scenario)


def test_a_blocker_with_a_message_is_told_by_each_that_it_reaches(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {
            "b": node("Blocks", message=f"not now {salt()}"),
            "n": node("Add", a=["b", 0], b=1),
            "1": node("Show", value=["n", 0]),
            "2": node("Show", value=["b", 0]),
            "3": node("Show", value=3),
        }
        run = await watched(client, prompt)
        assert run.entry["status"]["completed"]
        assert run.types[-3:] == ["execution_success", "status", "executing"]
        errors = run.all("execution_error")
        assert sorted(error["node_id"] for error in errors) == ["2", "n"]
        for error in errors:
            assert error["exception_type"] == "ExecutionBlocked"
            assert error["exception_message"].startswith("Execution Blocked: not now")
            assert (error["traceback"], error["current_inputs"], error["current_outputs"]) == ([], [], [])
            assert "timestamp" not in error
        assert list(run.entry["outputs"]) == ["3"]
        assert [kind for kind, _ in run.entry["status"]["messages"]] == [
            *("execution_start", "execution_cached", "execution_success")
        ]
        assert sorted(run.executing) == ["1", "2", "3", "b", "n"]

    speak(server, scenario)


def test_a_blocker_without_a_message_is_silent_and_one_of_a_list_stops_one_call(server: Server) -> None:
    async def scenario(client: Client) -> None:
        run = await watched(client, {"b": node("Blocks", message=""), "1": node("Show", value=["b", 0])})
        assert run.entry["status"]["completed"]
        assert not run.all("execution_error")
        assert run.entry["outputs"] == {}
        prompt = {
            "s": node("Spread", count=4),
            "b": node("BlocksOdd", value=["s", 0]),
            "1": node("Show", value=["b", 0]),
        }
        assert await shown(client, prompt, "1") == [0, 2]

    speak(server, scenario)


@pytest.mark.parametrize("which", [True, False])
def test_only_the_lazy_input_that_is_asked_for_is_made(server: Server, which: bool) -> None:
    async def scenario(client: Client) -> None:
        value = salt()
        prompt = {
            "yes": node("Number", value=value),
            "no": node("Number", value=value + 1),
            "c": node("Choose", which=which, yes=["yes", 0], no=["no", 0]),
            "s": node("Show", value=["c", 0]),
        }
        run = await watched(client, prompt)
        assert run.shown("s") == [value if which else value + 1]
        assert run.executing == ["c", "yes" if which else "no", "c", "s"]

    speak(server, scenario)


def test_lazy_inputs_of_lists_and_faults(server: Server) -> None:
    async def scenario(client: Client) -> None:
        value = salt()
        mixed = {
            "w": node("Flags"),
            "yes": node("Number", value=value),
            "no": node("Number", value=value + 1),
            "c": node("Choose", which=["w", 0], yes=["yes", 0], no=["no", 0]),
            "s": node("Show", value=["c", 0]),
        }
        run = await watched(client, mixed)
        assert run.shown("s") == [value, value + 1]
        error = await failed(client, {"n": node("Number", value=1), "a": node("AsksForNothing", value=["n", 0])})
        assert error["exception_type"] == "comfy_execution.graph.NodeInputError"
        message = "Node a says it needs input missing, but there is no input to that node at all\n"
        assert error["exception_message"] == message

    speak(server, scenario)


def test_an_expansion_runs_inside_its_node(server: Server) -> None:
    async def scenario(client: Client) -> None:
        value = salt()
        prompt = {
            "e": node("Expands", value=value),
            "s": node("Show", value=["e", 0]),
            "t": node("Show", value=["e", 1]),
        }
        run = await watched(client, prompt)
        assert (run.shown("s"), run.shown("t")) == ([value + 100], ["plain"])
        inner = [told for told in run.all("executing")[:-1] if told["node"] not in prompt]
        assert [told["node"] for told in inner] == ["e.0.0.1", "e.0.0.2"]
        assert {told["display_node"] for told in inner} == {"e"}
        state = run.all("progress_state")[-1]["nodes"]["e.0.0.1"]
        assert (state["display_node_id"], state["parent_node_id"], state["real_node_id"]) == ("e", "e", "e")
        while_inside = [told["nodes"] for told in run.all("progress_state") if "e.0.0.1" in told["nodes"]]
        assert while_inside[0]["e"]["state"] == "running"
        assert run.executing.count("e") == 1

    speak(server, scenario)


def test_expansions_within_expansions_and_of_lists(server: Server) -> None:
    async def scenario(client: Client) -> None:
        for times in (0, 1, 4, 40):
            prompt = {"c": node("Countdown", times=times, value=100), "s": node("Show", value=["c", 0])}
            assert await shown(client, prompt, "s") == [100 + times]
        value = salt()
        mapped = {
            "s": node("Spread", count=2),
            "a": node("Add", a=["s", 0], b=value),
            "1": node("Expands", value=["a", 0]),
        }
        run = await watched(client, {**mapped, "2": node("Show", value=["1", 0])})
        assert run.shown("2") == [value + 100, value + 101]
        assert {"1.0.0.1", "1.1.0.1"} <= set(run.executing)

    speak(server, scenario)


def test_outputs_inside_an_expansion_run_too_and_may_be_shown_elsewhere(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {"x": node("ExpandsToShow", value=salt()), "other": node("Show", value=["x", 0])}
        run = await watched(client, prompt)
        told = {frame["node"]: frame["display_node"] for frame in run.all("executed")}
        assert told == {"other": "other", "x.0.0.show": "other"}

    speak(server, scenario)


def test_faults_of_expansions_are_reported_on_the_node_that_was_asked_for(server: Server) -> None:
    async def scenario(client: Client) -> None:
        async def error(what: str) -> tuple[str, str, str]:
            prompt = {"x": node("ExpandsBadly", what=what), "s": node("Show", value=["x", 0])}
            told = await failed(client, prompt)
            return told["node_id"], told["node_type"], told["exception_type"]

        inside = {"x": node("ExpandsToFailure", value=1), "s": node("Show", value=["x", 0])}
        told = await failed(client, inside)
        assert (told["node_id"], told["node_type"]) == ("x", "ExpandsToFailure")
        assert (told["exception_type"], told["exception_message"]) == ("ValueError", "inside\n")
        assert await error("unknown") == ("x", "ExpandsBadly", "KeyError")
        assert await error("no result") == ("x", "ExpandsBadly", "TypeError")
        assert await error("cycle") == ("x", "ExpandsBadly", "graph.DependencyCycleError")
        assert await error("double") == ("x", "ExpandsBadly", "execution.DuplicateNodeError")

    speak(server, scenario)


def test_async_nodes_overlap(server: Server) -> None:
    async def scenario(client: Client) -> None:
        first = salt()
        prompt = {str(n): node("wait_a_little", seconds=0.3, value=first + n) for n in range(3)}
        prompt |= {f"s{n}": node("Show", value=[str(n), 0]) for n in range(3)}
        run = await watched(client, prompt)
        spans = [run.shown(f"s{n}")[0] for n in range(3)]
        assert max(begin for begin, _ in spans) < min(end for _, end in spans)
        assert run.executing[:3] == ["0", "1", "2"] or set(run.executing[:3]) == {"0", "1", "2"}
        spread = {"l": node("Spread", count=3), "a": node("Add", a=["l", 0], b=salt())}
        spread |= {"w": node("wait_a_little", seconds=0.2, value=["a", 0]), "s": node("Show", value=["w", 0])}
        spans = await shown(client, spread, "s")
        assert max(begin for begin, _ in spans) < min(end for _, end in spans)

    speak(server, scenario)


def test_failures_while_async_nodes_are_under_way(server: Server) -> None:
    async def scenario(client: Client) -> None:
        error = await failed(client, {"f": node("fail_later", seconds=0.05), "s": node("Show", value=["f", 0])})
        assert (error["node_id"], error["exception_message"]) == ("f", "later\n")
        prompt = {
            "w": node("wait_a_little", seconds=60, value=salt()),
            "1": node("Show", value=["w", 0]),
            "f": node("Fails", message="meanwhile"),
            "2": node("Show", value=["f", 0]),
        }
        assert (await failed(client, prompt))["node_id"] == "f"  # and the other is not waited for
        assert await shown(client, {"s": node("Show", value=1)}, "s") == [1]

    speak(server, scenario)


def test_context_is_that_of_the_call(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {"l": node("Spread", count=2), "x": node("Where", value=["l", 0]), "s": node("Show", value=["x", 0])}
        run: Run = await watched(client, prompt)
        assert run.shown("s") == [[run.id, "x", 0], [run.id, "x", 1]]

    speak(server, scenario)


def test_values_that_are_no_json_are_told_as_texts(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {
            "1": node("EmptyImage", width=2, height=2, batch_size=1, color=0),
            "2": node("Fails", message="x", after=["1", 0]),
            "3": node("Show", value=["2", 0]),
        }
        inputs = (await failed(client, prompt))["current_inputs"]
        assert inputs["message"] == ["x"]
        assert "tensor" in inputs["after"][0]
        json.dumps(inputs)

    speak(server, scenario)
