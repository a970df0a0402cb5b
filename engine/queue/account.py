"""What a job has told of itself so far, and how it ends: events in, the history's entry out."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.queue.job import Ending, File
from engine.run.events import (
    Event,
    Executed,
    NodeStarted,
    RunCached,
    RunFailed,
    RunFinished,
    RunInterrupted,
    RunStarted,
)

Message = tuple[str, Mapping[str, Any]]


@dataclass
class Account:
    """The record of one run. Messages are those of the websocket that the history repeats."""

    id: str
    outputs: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    meta: dict[str, Any] = field(default_factory=dict[str, Any])
    messages: list[Message] = field(default_factory=list[Message])
    last: Event | None = None
    last_node: str | None = None  # the prompt's node that was started last

    def take(self, event: Event) -> Message | None:
        """Note an event; the message that the history keeps of it, if it is one of those."""
        self.last = event
        if isinstance(event, NodeStarted):
            self.last_node = event.node.real
        elif isinstance(event, Executed) and event.output is not None:
            node = event.node
            self.outputs[node.display] = event.output
            self.meta[node.display] = {
                "node_id": node.id,
                "display_node": node.display,
                "parent_node": node.parent,
                "real_node_id": node.real,
            }
        message = self._message(event)
        if message is not None:
            self.messages.append(message)
        return message

    def ending(self, files: tuple[File, ...] = (), renamed: Mapping[str, str] | None = None) -> Ending:
        """How the run ended. `renamed` are files that had to take another name below the outputs."""
        outputs = _with_names(self.outputs, renamed) if renamed else self.outputs
        if isinstance(self.last, RunFinished):
            return Ending("done", outputs, self.meta, tuple(self.messages), None, files)
        failure = self.messages[-1][1] if isinstance(self.last, RunFailed) else None
        outcome = "failed" if failure is not None else "cancelled"
        return Ending(outcome, outputs, self.meta, tuple(self.messages), failure, files)

    def evidence(self, ended: Mapping[str, Any]) -> dict[str, Any]:
        """What is known when the worker died with the job: as an execution error, with the exit code and the log."""
        where = f" in node {self.last_node}" if self.last_node else ""
        return {
            "prompt_id": self.id,
            "node_id": self.last_node or "",
            "node_type": "",
            "executed": [],
            "exception_message": f"the worker ended{where}: {ended['reason']}\n",
            "exception_type": "WorkerDied",
            "traceback": [],
            "current_inputs": {},
            "current_outputs": [],
            "timestamp": int(time.time() * 1000),
            "exit_code": ended["exit_code"],
            "log": ended["log"],
        }

    def interrupted(self, node_type: str = "") -> Message:
        """Note that the run was stopped from outside, in the middle of a node."""
        return self.take(RunInterrupted(self.last_node or "", node_type, ())) or ("", {})

    def _message(self, event: Event) -> Message | None:
        stamp = {"prompt_id": self.id, "timestamp": int(time.time() * 1000)}
        match event:
            case RunStarted():
                return "execution_start", stamp
            case RunCached():
                return "execution_cached", {"nodes": list(event.nodes), **stamp}
            case RunFinished():
                return "execution_success", stamp
            case RunInterrupted():
                where = {"node_id": event.node_id, "node_type": event.node_type, "executed": list(event.executed)}
                return "execution_interrupted", {**where, **stamp}
            case RunFailed():
                return "execution_error", {**_failure(event), **stamp}
            case _:
                return None


def _failure(event: RunFailed) -> dict[str, Any]:
    return {
        "node_id": event.node_id,
        "node_type": event.node_type,
        "executed": list(event.executed),
        "exception_message": event.message,
        "exception_type": event.exception_type,
        "traceback": list(event.traceback),
        "current_inputs": dict(event.inputs),
        "current_outputs": list(event.outputs),
    }


def _with_names(outputs: Mapping[str, Mapping[str, Any]], renamed: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    return {
        node: {
            kind: [_with_name(item, renamed) for item in items] if isinstance(items, list) else items
            for kind, items in lists.items()
        }
        for node, lists in outputs.items()
    }


def _with_name(item: Any, renamed: Mapping[str, str]) -> Any:
    if not isinstance(item, Mapping) or item.get("type") != "output" or "filename" not in item:
        return item
    subfolder = str(item.get("subfolder") or "")
    now = renamed.get(f"{subfolder}/{item['filename']}" if subfolder else str(item["filename"]))
    return {**item, "filename": now.rpartition("/")[2]} if now else item
