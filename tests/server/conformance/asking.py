"""What every test of conformance does: submit a prompt of small nodes, watch it to its end, read what came."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.server.serving import Client

Prompt = Mapping[str, Any]


def node(type: str, /, **inputs: Any) -> dict[str, Any]:
    """One node of a prompt."""
    return {"class_type": type, "inputs": inputs}


def picture(color: int = 0, prefix: str = "p", size: int = 8) -> dict[str, Any]:
    """A prompt that saves a picture."""
    image = node("EmptyImage", width=size, height=size, batch_size=1, color=color)
    return {"1": image, "2": node("SaveImage", images=["1", 0], filename_prefix=prefix)}


def sleep(seconds: float = 0.0) -> dict[str, Any]:
    """A prompt that takes so long, each time that it is asked for."""
    return {"s": node("Sleep", seconds=seconds)}


@dataclass(frozen=True)
class Run:
    """A job that has ended: the frames that its client got, and the history's entry."""

    id: str
    frames: list[dict[str, Any]]
    entry: Mapping[str, Any]

    @property
    def types(self) -> list[Any]:
        return [frame["type"] for frame in self.frames]

    @property
    def executing(self) -> list[str]:
        """The nodes that ran, in their order."""
        return [frame["data"]["node"] for frame in self.frames if frame["type"] == "executing"][:-1]

    def all(self, type: str | int) -> list[Any]:
        """What the frames of a type carried."""
        return [frame["data"] for frame in self.frames if frame["type"] == type]

    def one(self, type: str | int) -> Any:
        """What the only frame of a type carried."""
        (found,) = self.all(type)
        return found

    def shown(self, id: str) -> list[Any]:
        """The values that a node of the pack showed as texts of JSON."""
        return [json.loads(text) for text in self.entry["outputs"][id]["text"]]


async def watched(client: Client, prompt: Prompt, flags: Mapping[str, Any] | None = None, **more: Any) -> Run:
    """Submit a prompt that is valid and watch it to its end."""
    me = uuid.uuid4().hex
    async with client.socket(me) as socket:
        if flags is not None:
            await socket.connection.send_json({"type": "feature_flags", "data": flags})
            while (await socket.next())["type"] != "feature_flags":
                pass  # the queue's length, which the job before has just changed
        id = await client.submit(prompt, client_id=me, **more)
        frames = await socket.until_over(id)
    return Run(id, frames, await client.ended(id))


async def shown(client: Client, prompt: Prompt, id: str) -> list[Any]:
    """Run a prompt; the values that one of its nodes showed."""
    run = await watched(client, prompt)
    assert run.entry["status"]["completed"], run.entry["status"]
    return run.shown(id)


async def refused(client: Client, prompt: Any, **more: Any) -> dict[str, Any]:
    """Submit a prompt that is not valid; the answer."""
    status, answer = await client.post("/prompt", {"prompt": prompt, **more})
    assert status == 400, answer
    return answer


async def problem(client: Client, prompt: Prompt, id: str) -> dict[str, Any]:
    """Submit a prompt with one thing wrong in one node; that problem."""
    answer = await refused(client, prompt)
    assert answer["error"]["type"] == "prompt_outputs_failed_validation"
    assert list(answer["node_errors"]) == [id]
    (found,) = answer["node_errors"][id]["errors"]
    return found


async def status_of(client: Client, method: str, path: str, **more: Any) -> int:
    """The status of an answer."""
    async with client.http.request(method, path, **more) as answer:
        await answer.read()
        return answer.status
