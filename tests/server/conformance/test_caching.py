"""What is computed again, and what is not (execution, section 4)."""

import uuid
from typing import Any

import pytest

from tests.server.conformance.asking import node, watched
from tests.server.serving import Client, Server, speak


def counted(tag: str, id: str = "c", type: str = "Counts", **more: Any) -> dict[str, Any]:
    """A prompt that shows how often a node with this tag was called."""
    return {id: node(type, tag=tag, **more), "s": node("Show", value=[id, 0])}


async def calls(client: Client, *prompts: dict[str, Any]) -> list[int]:
    """What each of these prompts shows, one run after the other."""
    return [(await watched(client, prompt)).shown("s")[0] for prompt in prompts]


@pytest.fixture
def tag() -> str:
    return uuid.uuid4().hex


def test_the_same_again_is_not_computed_again(server: Server, tag: str) -> None:
    async def scenario(client: Client) -> None:
        assert await calls(client, counted(tag), counted(tag)) == [1, 1]
        renumbered = {"x": node("Counts", tag=tag), "s": node("Show", value=["x", 0])}
        assert await calls(client, renumbered) == [1]
        titled = {**counted(tag), "c": {**node("Counts", tag=tag), "_meta": {"title": "other"}}}
        assert await calls(client, titled) == [1]
        undeclared = {**counted(tag), "c": node("Counts", tag=tag, unknown=5)}
        assert await calls(client, undeclared) == [2]  # part of the key, though nobody is given it

    speak(server, scenario)


def test_only_what_follows_a_change_is_computed_again(server: Server) -> None:
    async def scenario(client: Client) -> None:
        value = uuid.uuid4().int % 2**40

        def prompt(b: Any) -> dict[str, Any]:
            return {
                "1": node("Number", value=value),
                "2": node("Add", a=["1", 0], b=b),
                "3": node("Add", a=["2", 0], b=1),
                "4": node("Show", value=["3", 0]),
            }

        await watched(client, prompt(1))
        assert (await watched(client, prompt(2))).executing == ["2", "3", "4"]
        assert (await watched(client, prompt(2))).executing == []
        assert (await watched(client, prompt(2.0))).executing == []  # equal numbers are one

    speak(server, scenario)


def test_two_equal_nodes_are_one_unless_they_say_otherwise(server: Server, tag: str) -> None:
    async def scenario(client: Client) -> None:
        def twice(type: str, **inputs: Any) -> dict[str, Any]:
            prompt = {id: node(type, tag=tag, **inputs) for id in ("1", "2")}
            return {**prompt, "a": node("Show", value=["1", 0]), "b": node("Expects", number=["1", 0], other=["2", 0])}

        run = await watched(client, twice("Counts"))
        assert run.shown("b") == [[1, 1]]
        run = await watched(client, twice("CountsEach"))
        assert sorted(run.shown("b")[0]) == [2, 3]
        saved = {"i": node("EmptyImage", width=8, height=8, batch_size=1, color=uuid.uuid4().int % 2**24)}
        saved |= {id: node("SaveImage", images=["i", 0], filename_prefix=tag) for id in ("1", "2")}
        run = await watched(client, saved)
        assert len(list((server.base / "output").glob(f"{tag}*"))) == 1
        assert run.entry["outputs"]["1"] == run.entry["outputs"]["2"] or len(run.entry["outputs"]) == 1
        assert {told["node"] for told in run.all("executed")} == {"1", "2"}

    speak(server, scenario)


def test_fingerprints(server: Server, tag: str) -> None:
    async def scenario(client: Client) -> None:
        def prompt(print: str) -> dict[str, Any]:
            return counted(tag, type="CountsChanged", print=print)

        assert await calls(client, prompt("a"), prompt("a"), prompt("b"), prompt("b")) == [1, 1, 2, 2]
        assert await calls(client, prompt("nan"), prompt("nan")) == [3, 4]
        given = prompt("nan")
        given["c"]["is_changed"] = "as it was saved"
        assert await calls(client, given, given) == [5, 5]

    speak(server, scenario)


def test_a_fingerprint_that_fails_has_its_node_run_each_time(server: Server, tag: str) -> None:
    async def scenario(client: Client) -> None:
        prompt = counted(tag, type="CountsUnsure")
        assert await calls(client, prompt, prompt) == [1, 2]

    speak(server, scenario)


def test_what_a_prompt_does_not_name_is_let_go(server: Server, tag: str) -> None:
    async def scenario(client: Client) -> None:
        other = {"o": node("Show", value=tag)}
        first = counted(tag)
        assert await calls(client, first) == [1]
        assert (await watched(client, {**first, "more": node("Show", value=1)})).executing == ["more"]
        await watched(client, other)
        assert await calls(client, first) in ([1], [2])  # as the policy has it; never a wrong answer

    speak(server, scenario)


def test_an_expansion_is_remembered_as_a_whole_and_in_its_parts(server: Server) -> None:
    async def scenario(client: Client) -> None:
        value = uuid.uuid4().int % 2**40
        prompt = {"e": node("Expands", value=value), "s": node("Show", value=["e", 0])}
        assert (await watched(client, prompt)).shown("s") == [value + 100]
        again = await watched(client, prompt)
        assert (again.executing, again.shown("s")) == ([], [value + 100])
        assert (await client.get("/probe/calls"))[f"number {value}"] == 1

    speak(server, scenario)


def test_pictures_are_saved_once_by_the_same_prompt_and_again_by_another_name(server: Server, tag: str) -> None:
    async def scenario(client: Client) -> None:
        def prompt(prefix: str) -> dict[str, Any]:
            image = node("EmptyImage", width=8, height=8, batch_size=1, color=3)
            return {"1": image, "2": node("SaveImage", images=["1", 0], filename_prefix=prefix)}

        for _ in range(3):
            await watched(client, prompt(tag))
        assert len(list((server.base / "output").glob(f"{tag}*"))) == 1
        await watched(client, prompt(f"{tag}b"))
        assert len(list((server.base / "output").glob(f"{tag}*"))) == 2

    speak(server, scenario)
