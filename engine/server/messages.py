"""Events of a run as the messages that clients get, in the order that they expect."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from engine.queue.account import Message
from engine.run.events import Blocked, Event, Executed, NodeFinished, NodeStarted, Progress, Where


class Frame(NamedTuple):
    """One message: JSON with a type, or a picture of where a node stands."""

    type: str
    data: Mapping[str, Any]
    picture: bytes = b""


PREVIEW = "preview"


class Telling:
    """One job's messages; it knows how far each of its nodes is, which every `progress_state` repeats."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.node: str | None = None  # the one shown as running
        self._states: dict[str, dict[str, Any]] = {}

    def tell(self, event: Event, message: Message | None, picture: bytes = b"") -> Iterator[Frame]:
        """What clients are told of an event. `message` is what the history keeps of it, if anything."""
        if message is not None:
            yield Frame(*message)
            return
        match event:
            case NodeStarted():
                self.node = event.node.display
                yield self._state(event.node, 0.0, 1.0, "running")
                yield Frame("executing", {"node": event.node.id, "display_node": event.node.display, **self._job})
            case Progress():
                known = self._states.get(event.node.id)
                if picture and known and (known["value"], known["max"]) == (event.value, event.total):
                    yield Frame(PREVIEW, self._place(event.node), picture)  # made after the progress was told
                    return
                yield self._state(event.node, event.value, event.total, "running")
                if picture:
                    yield Frame(PREVIEW, self._place(event.node), picture)
                told = {"value": event.value, "max": event.total, **self._job, "node": event.node.id}
                yield Frame("progress", told)
            case Executed():
                where = {"node": event.node.id, "display_node": event.node.display}
                yield Frame("executed", {**where, "output": event.output, **self._job})
            case NodeFinished():
                total = self._states.get(event.node.id, {}).get("max", 1.0)
                yield self._state(event.node, total, total, "finished")
            case Blocked():
                yield Frame("execution_error", self._blocked(event))
            case _:
                return

    def now(self) -> Iterator[Frame]:
        """How far each node is."""
        if self._states:
            yield Frame("progress_state", {**self._job, "nodes": {id: dict(each) for id, each in self._states.items()}})

    def over(self) -> Frame:
        """The last message of a job."""
        return Frame("executing", {"node": None, **self._job})

    @property
    def _job(self) -> dict[str, Any]:
        return {"prompt_id": self.id}

    def _place(self, node: Where) -> dict[str, Any]:
        return {
            "node_id": node.id,
            "prompt_id": self.id,
            "display_node_id": node.display,
            "parent_node_id": node.parent,
            "real_node_id": node.real,
        }

    def _state(self, node: Where, value: float, total: float, state: str) -> Frame:
        self._states[node.id] = {"value": value, "max": total, "state": state, **self._place(node)}
        return next(self.now())

    def _blocked(self, event: Blocked) -> dict[str, Any]:
        return {
            **self._job,
            "node_id": event.node.real,
            "node_type": event.node_type,
            "executed": list(event.executed),
            "exception_message": event.message,
            "exception_type": "ExecutionBlocked",
            "traceback": [],
            "current_inputs": [],
            "current_outputs": [],
        }
