"""An order comes in: read, checked, and on the disk before it is answered."""

import asyncio
import logging
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.graph.check import check
from engine.graph.prompt import PromptError, graph_from_prompt
from engine.queue.checks import NoWorker
from engine.queue.job import Job, Order
from engine.queue.schema import StoreError
from engine.queue.store import IdTaken, KeyReused, QueueFull
from engine.server.asker import Asker
from engine.server.desk import Desk

log = logging.getLogger(__name__)
_LONGEST_ID = 200  # characters
_SMALL = 50  # nodes of a prompt that is checked at once; the loop goes on while a thread checks a larger one
Error = Mapping[str, Any]


class NotTaken(Exception):  # noqa: N818 - an answer, not a fault of the program
    """An order that was refused: the status and the answer."""

    def __init__(self, status: int, error: Error, node_errors: Mapping[str, Any] | None = None) -> None:
        super().__init__(error["message"])
        self.status = status
        self.answer = {"error": error, "node_errors": node_errors or {}}

    @classmethod
    def because(cls, type: str, message: str, details: str = "", status: int = 400) -> "NotTaken":
        return cls(status, {"type": type, "message": message, "details": details, "extra_info": {}})


@dataclass(frozen=True)
class Taken:
    """A job, and what was wrong with those of its outputs that will not run."""

    job: Job
    node_errors: Mapping[str, Any]

    @property
    def answer(self) -> dict[str, Any]:
        number = self.job.number
        shown = int(number) if math.isfinite(number) and number == int(number) else number
        return {"prompt_id": self.job.id, "number": shown, "node_errors": self.node_errors}


async def submit(desk: Desk, body: Mapping[str, Any], asker: Asker, idempotency_key: str | None = None) -> Taken:
    """Take an order. Raises NotTaken."""
    body, unseen = await _changed(desk, body)
    try:
        order, targets = _read(body, idempotency_key)
        if len(order.prompt) > desk.bounds.nodes:
            raise NotTaken.because("invalid_prompt", f"A prompt has at most {desk.bounds.nodes} nodes.")
        outputs, node_errors = await _checked(desk, order.prompt, targets)
    except NotTaken:
        if body.get("number") is None:
            desk.store.skip_number()
        raise
    order = replace(order, targets=tuple(outputs), unseen=unseen, user=asker.owner)
    try:
        added = asyncio.wrap_future(desk.store.add(order))
        desk.pool.wake()
        job = await added
    except IdTaken as error:
        raise NotTaken.because("invalid_prompt_id", "The prompt_id is taken.", str(error)) from error
    except KeyReused as error:
        raise NotTaken.because("idempotency_key_reused", "The key was used before.", str(error), 422) from error
    except QueueFull as error:
        raise NotTaken.because("queue_full", "The queue is full.", str(error), 503) from error
    except StoreError as error:
        raise NotTaken.because("not_stored", "The job could not be stored.", str(error), 507) from error
    except ValueError as error:
        raise NotTaken.because("invalid_prompt", "The prompt cannot be stored.", str(error)) from error
    desk.status.tell(job.client_id)
    return Taken(job, node_errors)


async def _changed(desk: Desk, body: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """What packs make of a body, where any wants to see it; and whether they have yet to, as no worker is up."""
    if desk.types.changes_prompts is False:
        return body, False
    try:
        return await desk.pool.change(body), False
    except NoWorker as error:
        log.warning("packs will see a prompt when it runs, not now: %s", error)
        return body, True


def _read(body: Mapping[str, Any], idempotency_key: str | None) -> tuple[Order, list[str] | None]:
    if "prompt" not in body:
        raise NotTaken.because("no_prompt", "No prompt provided", "the body has no entry 'prompt'")
    prompt, extra = body["prompt"], body.get("extra_data") or {}
    if not isinstance(prompt, Mapping):
        raise NotTaken.because("invalid_prompt", "A prompt is an object of nodes.", f"got {type(prompt).__name__}")
    if not isinstance(extra, Mapping):
        raise NotTaken.because("invalid_prompt", "extra_data is an object.", f"got {type(extra).__name__}")
    extra = {name: value for name, value in extra.items() if name != "create_time"}  # the server's own to tell
    client = body.get("client_id")
    client = None if client is None else str(client)
    if client is not None:
        extra = {**extra, "client_id": client}
    order = Order(
        id=_id(body.get("prompt_id")),
        prompt=prompt,
        extra_data=extra,
        client_id=client,
        number=_number(body.get("number")),
        front=bool(body.get("front")),
        idempotency_key=idempotency_key,
    )
    return order, _targets(body.get("partial_execution_targets"))


def _id(given: Any) -> str:
    if given is None:
        return str(uuid.uuid4())
    text = str(given)
    if not isinstance(given, (str, int)) or not 0 < len(text) <= _LONGEST_ID or not _is_plain(text):
        wanted = f"up to {_LONGEST_ID} letters, digits, '-', '_' and '.', beginning with a letter or digit"
        raise NotTaken.because("invalid_prompt_id", "The prompt_id cannot be used.", f"wanted are {wanted}")
    return text


def _is_plain(text: str) -> bool:
    """An id also names a folder, so it holds nothing that a path could trip over."""
    return text.isascii() and text[0].isalnum() and all(each.isalnum() or each in "-_." for each in text)


def _number(given: Any) -> float | None:
    if given is None:
        return None
    try:
        number = float(given)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise NotTaken.because("invalid_prompt", "The number of a job is a number.", f"got {str(given)[:40]!r}")
    return number


def _targets(given: Any) -> list[str] | None:
    if given is None:
        return None
    if not isinstance(given, Sequence) or isinstance(given, str):
        got = type(given).__name__
        raise NotTaken.because("invalid_prompt", "partial_execution_targets is a list of node ids.", f"got {got}")
    return [str(each) for each in given]


async def _checked(
    desk: Desk, prompt: Mapping[str, Any], targets: list[str] | None
) -> tuple[Sequence[str], Mapping[str, Any]]:
    """The outputs that will run, and what is wrong with the others. Raises NotTaken if none will."""
    try:
        graph = graph_from_prompt(prompt)
    except PromptError as error:
        raise NotTaken(400, error.as_json()) from error
    if desk.types.needs_worker(graph):
        try:
            found = await desk.pool.check(prompt, targets)
        except NoWorker as error:
            raise NotTaken.because("no_worker", "The prompt could not be checked.", str(error), 503) from error
        if found.get("error"):
            raise NotTaken(400, found["error"], found.get("node_errors"))
        return found["outputs"], found["node_errors"]
    types = desk.types.built_in.snapshot()
    is_small = len(graph.nodes) <= _SMALL
    verdict = check(graph, types, targets) if is_small else await asyncio.to_thread(check, graph, types, targets)
    if verdict.error is not None:
        raise NotTaken(400, verdict.error.as_json(), verdict.node_errors_as_json())
    return verdict.outputs, verdict.node_errors_as_json()
