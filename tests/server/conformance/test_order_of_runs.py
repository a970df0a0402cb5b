"""Which node runs when, and what a run leaves behind (execution, section 3)."""

import uuid

from tests.server.conformance.asking import node, sleep, watched
from tests.server.serving import Client, Server, speak


def salt() -> int:
    return uuid.uuid4().int % 2**40


def test_a_ready_output_goes_first_and_then_what_leads_to_one(server: Server) -> None:
    async def scenario(client: Client) -> None:
        value = salt()
        prompt = {
            "deep": node("Number", value=value),
            "mid": node("Add", a=["deep", 0], b=1),
            "near": node("Number", value=value + 1),
            "out1": node("Expects", number=["mid", 0], other=["near", 0]),
            "out2": node("Show", value=["near", 0]),
            "out3": node("Show", value=value),
        }
        run = await watched(client, prompt)
        # The output that needs nothing; what blocks outputs before what blocks those; each output as soon as it can.
        assert run.executing == ["out3", "near", "out2", "deep", "mid", "out1"]

    speak(server, scenario)


def test_each_node_runs_once_however_often_it_is_linked(server: Server) -> None:
    async def scenario(client: Client) -> None:
        value = salt()
        prompt = {
            "a": node("Number", value=value),
            "b": node("Add", a=["a", 0], b=["a", 0]),
            "c": node("Add", a=["b", 0], b=["a", 0]),
            "1": node("Show", value=["c", 0]),
            "2": node("Show", value=["b", 0]),
        }
        run = await watched(client, prompt)
        assert (run.shown("1"), run.shown("2")) == ([3 * value], [2 * value])
        assert sorted(run.executing) == ["1", "2", "a", "b", "c"]
        assert (await client.get("/probe/calls"))[f"number {value}"] == 1

    speak(server, scenario)


def test_chains_of_any_length(server: Server) -> None:
    async def scenario(client: Client) -> None:
        prompt = {"0": node("Number", value=salt())}
        prompt |= {str(n): node("Add", a=[str(n - 1), 0], b=1) for n in range(1, 300)}
        prompt["s"] = node("Show", value=["299", 0])
        run = await watched(client, prompt)
        assert run.entry["status"]["completed"]
        assert len(run.executing) == 301

    speak(server, scenario)


def test_the_first_failure_ends_a_run_and_what_was_made_stays(server: Server) -> None:
    async def scenario(client: Client) -> None:
        value = salt()
        prompt = {
            "n": node("Number", value=value),
            "f": node("Fails", message="x", after=["n", 0]),
            "s": node("Show", value=["f", 0]),
        }
        run = await watched(client, prompt)
        assert run.one("execution_error")["executed"] == ["n"]
        assert "s" not in run.executing
        again = await watched(client, {**prompt, "f": node("Add", a=["n", 0], b=1)})
        assert again.one("execution_cached")["nodes"] == ["n"]
        assert again.executing == ["f", "s"]
        assert (await client.get("/probe/calls"))[f"number {value}"] == 1

    speak(server, scenario)


def test_an_interrupt_keeps_what_was_made(server: Server) -> None:
    async def scenario(client: Client) -> None:
        value = salt()
        prompt = {"n": node("Number", value=value), "s": node("Sleep", seconds=60, after=["n", 0])}
        me = uuid.uuid4().hex
        async with client.socket(me) as socket:
            id = await client.submit(prompt, client_id=me)
            while (frame := await socket.next())["type"] != "executing" or frame["data"]["node"] != "s":
                pass
            await client.post("/interrupt")
            frames = await socket.until_over(id)
        stopped = next(frame["data"] for frame in frames if frame["type"] == "execution_interrupted")
        assert (stopped["node_id"], stopped["executed"]) == ("s", ["n"])
        run = await watched(client, {"n": prompt["n"], "t": node("Show", value=["n", 0])})
        assert run.one("execution_cached")["nodes"] == ["n"]
        assert (await watched(client, sleep())).entry["status"]["completed"]

    speak(server, scenario)


def test_cached_nodes_are_named_also_where_nobody_needs_them(server: Server) -> None:
    async def scenario(client: Client) -> None:
        value = salt()
        prompt = {
            "a": node("Number", value=value),
            "b": node("Add", a=["a", 0], b=1),
            "s": node("Show", value=["b", 0]),
        }
        await watched(client, prompt)
        run = await watched(client, {**prompt, "t": node("Show", value=["b", 0], more=1)})
        assert sorted(run.one("execution_cached")["nodes"]) == ["a", "b", "s"]
        assert sorted(run.entry["outputs"]) == ["s", "t"]  # the cached one is told again

    speak(server, scenario)
