"""A job as values: what was asked for, where it stands, and how it ended.

Prompts and results are kept as the JSON texts they came as: a listing of many jobs never parses what it passes on.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from engine.queue.states import State

Outcome = Literal["done", "failed", "cancelled"]
SECRETS = ("auth_token_comfy_org", "api_key_comfy_org")  # in extra_data: given to the worker, shown to nobody
_SHOWN = ("images", "video", "audio", "gifs", "3d", "text")  # lists of outputs that clients can preview
_LONGEST_TEXT = 1024  # characters of a previewed text
_LONGEST_NAME = 200  # characters of a workflow's name in listings
_SEEDS = ("seed", "noise_seed")  # what inputs are called that say which noise is drawn


@dataclass(frozen=True)
class Order:
    """What a client asks for. A lower `number` runs first; without one a counter gives it."""

    id: str
    prompt: Mapping[str, Any]
    extra_data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    targets: tuple[str, ...] = ()
    client_id: str | None = None
    number: float | None = None
    front: bool = False
    idempotency_key: str | None = None
    user: str = ""
    unseen: bool = False  # packs that want to see what is submitted have yet to: the worker shows it to them

    @property
    def workflow_id(self) -> str | None:
        """The id of the canvas workflow that the order came from, where it has one."""
        workflow = _entry(_entry(self.extra_data, "extra_pnginfo"), "workflow")
        id = _entry(workflow, "id")
        return id if isinstance(id, str) else None

    @property
    def about(self) -> dict[str, Any]:
        """What listings say of it: how many nodes, the first seed as a text, and the workflow's name if it has one."""
        name = _entry(_entry(self.extra_data, "heddle"), "name")
        inputs = [_entry(node, "inputs") for node in self.prompt.values()]
        found = [_entry(each, key) for each in inputs for key in _SEEDS]
        seeds = [seed for seed in found if type(seed) is int and 0 <= seed < 2**64]
        told: dict[str, Any] = {"node_count": len(self.prompt)}
        if isinstance(name, str) and name.strip():
            told["name"] = name.strip()[:_LONGEST_NAME]
        if seeds:
            told["seed"] = str(seeds[0])
        return told


@dataclass(frozen=True)
class Job:
    """A row of the queue. Times are seconds since 1970; the epoch counts its leases."""

    id: str
    number: float
    state: State
    client_id: str | None
    user: str
    created: float
    started: float | None
    ended: float | None
    epoch: int
    tries: int  # workers that died with it
    worker: str | None
    workflow_id: str | None
    outputs_count: int
    previewable_count: int
    preview: str | None  # JSON
    unwanted: bool  # cancelled while it ran: it does not run again
    about: str | None = None  # JSON: what listings say of what was asked for; jobs of earlier versions have none

    @property
    def lease(self) -> str:
        """Names the lease that the job is under, among all leases of all jobs."""
        return f"{self.id}-{self.epoch}"


@dataclass(frozen=True)
class Asked:
    """What belongs to a job from the start, as JSON."""

    prompt: str
    extra_data: str
    targets: str
    unseen: int = 0


@dataclass(frozen=True)
class HandedOver(Asked):
    """What a worker is told of a job: also what nobody else is."""

    secrets: str | None = None  # JSON: the part of extra_data that is for the worker alone, gone when the job ends
    unwanted: int = 0


@dataclass(frozen=True)
class Made:
    """What belongs to a job in the end, as JSON: outputs and meta by node, messages, and what went wrong if it did."""

    outputs: str
    meta: str
    messages: str
    failure: str | None


class Item(NamedTuple):
    """What listings of the queue tell of a job; what was asked for is JSON."""

    id: str
    number: float
    created: float
    prompt: str
    extra_data: str
    targets: str


@dataclass(frozen=True)
class Record:
    """A job with all that belongs to it."""

    job: Job
    asked: Asked
    made: Made | None = None

    @property
    def item(self) -> Item:
        """The job as listings tell of it."""
        job, asked = self.job, self.asked
        return Item(job.id, job.number, job.created, asked.prompt, asked.extra_data, asked.targets)


class File(NamedTuple):
    """A file to publish: its path below the job's staging folder, and below the outputs."""

    staged: str
    final: str


@dataclass(frozen=True)
class Ending:
    """How a run ended, and what it made."""

    outcome: Outcome
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
    messages: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    failure: Mapping[str, Any] | None = None
    files: tuple[File, ...] = ()

    @property
    def shown(self) -> list[dict[str, Any]]:
        """Every item that a client can preview, with its node and kind; what was saved for good comes first."""
        items = list(_items(self.outputs))
        return sorted(items, key=lambda item: item.get("type") != "output")

    @property
    def count(self) -> int:
        """How many items the outputs list."""
        return sum(len(items) for node in self.outputs.values() for items in node.values() if isinstance(items, list))


def _items(outputs: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for node, lists in outputs.items():
        for kind in _SHOWN:
            for item in lists.get(kind) or ():
                where = {"nodeId": node, "mediaType": kind}
                if isinstance(item, Mapping) and "filename" in item:
                    yield {**item, **where}
                elif isinstance(item, str):
                    yield {"content": item[:_LONGEST_TEXT], **where}


def as_json(value: Any) -> str:
    """Compact JSON. Raises ValueError for numbers that JSON has no word for."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _entry(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None
