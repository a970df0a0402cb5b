"""What happens in a run, as frozen values: the socket, the journal and the tests each read the same stream.

Nothing here knows torch. What a preview holds is for whoever shows it to know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Where:
    """A node of the live graph: its own id, the one clients show, who expanded it, and the prompt's node behind it."""

    id: str
    display: str
    parent: str | None
    real: str


@dataclass(frozen=True)
class RunStarted:
    """First of all."""

    prompt_id: str


@dataclass(frozen=True)
class RunCached:
    """Second: the prompt's nodes whose results are there already, needed or not."""

    nodes: tuple[str, ...]


@dataclass(frozen=True)
class NodeStarted:
    """A node is about to be called. One with lazy inputs may start more than once before it finishes."""

    node: Where


@dataclass(frozen=True)
class Progress:
    """How far a node is. `preview`, where there is one, belongs to the same moment.

    It is what the node reported, or the latest denoised latent (B, C, …) of a node that samples, whose kind is `form`.
    """

    node: Where
    value: float
    total: float
    preview: Any = None
    form: Any = None


@dataclass(frozen=True)
class Executed:
    """A node's UI, new or kept; a kept result without UI has None."""

    node: Where
    output: Mapping[str, Any] | None


@dataclass(frozen=True)
class NodeFinished:
    """A node's result is there."""

    node: Where


@dataclass(frozen=True)
class Blocked:
    """A node was not called because a value that came to it blocks it, with a message. The run goes on."""

    node: Where
    node_type: str
    message: str
    executed: tuple[str, ...]


@dataclass(frozen=True)
class RunFailed:
    """Last, after a failure. `node_id` is the prompt's node; `inputs` are what the call was given, in words.

    `executed` are the nodes finished in this run, `outputs` those whose results are kept. After `out_of_memory` the
    one who drives the run may want to let go of models. What is `explained` needs no traceback: the message says what
    was wrong with a file, a size or a setting.
    """

    node_id: str
    node_type: str
    message: str
    exception_type: str
    traceback: tuple[str, ...]
    inputs: Mapping[str, list[Any]]
    outputs: tuple[str, ...]
    executed: tuple[str, ...]
    out_of_memory: bool = False
    explained: bool = False


@dataclass(frozen=True)
class RunInterrupted:
    """Last, after a cancel; the node is the prompt's one that was running or about to."""

    node_id: str
    node_type: str
    executed: tuple[str, ...]


@dataclass(frozen=True)
class RunFinished:
    """Last, when all went well."""

    executed: tuple[str, ...]


Event = (
    RunStarted
    | RunCached
    | NodeStarted
    | Progress
    | Executed
    | NodeFinished
    | Blocked
    | RunFailed
    | RunInterrupted
    | RunFinished
)
