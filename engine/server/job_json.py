"""Jobs as clients read them: queue items, history entries, and jobs of later servers."""

import json
from typing import Any

from engine.queue.job import Item, Job, Record
from engine.queue.states import State

STATUS: dict[State, str] = {
    "waiting": "pending",
    "running": "in_progress",
    "publishing": "in_progress",
    "done": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
}


def queue_item(item: Item) -> str:
    """`[number, id, prompt, extra_data, outputs]` as JSON, put together without reading what is inside."""
    created = f'"create_time":{int(item.created * 1000)}'
    extra = f"{{{created}}}" if item.extra_data == "{}" else f"{{{created},{item.extra_data[1:]}"
    return f"[{_number(item.number)},{json.dumps(item.id)},{item.prompt},{extra},{item.targets}]"


def history_entry(record: Record) -> str:
    """`{prompt, outputs, status, meta}` as JSON."""
    made = record.made
    outputs, meta, messages = (made.outputs, made.meta, made.messages) if made else ("{}", "{}", "[]")
    done = record.job.state == "done"
    status = f'{{"status_str":"{"success" if done else "error"}","completed":{json.dumps(done)},"messages":{messages}}}'
    return f'{{"prompt":{queue_item(record.item)},"outputs":{outputs},"status":{status},"meta":{meta}}}'


def history(records: list[Record]) -> str:
    """Entries by id, in their order."""
    return "{" + ",".join(f"{json.dumps(each.job.id)}:{history_entry(each)}" for each in records) + "}"


def job_json(job: Job, failure: str | None = None) -> dict[str, Any]:
    """A job in the shape of later servers. What is not known is left out."""
    shown: dict[str, Any] = {
        **({} if job.about is None else json.loads(job.about)),
        "id": job.id,
        "status": STATUS[job.state],
        "priority": job.number,
        "create_time": int(job.created * 1000),
        "execution_start_time": _milliseconds(job.started),
        "execution_end_time": _milliseconds(job.ended),
        "outputs_count": job.outputs_count,
        "previewable_outputs_count": job.previewable_count,
        "preview_output": None if job.preview is None else json.loads(job.preview),
        "workflow_id": job.workflow_id,
        "client_id": job.client_id,
        "user": job.user or None,
        "execution_error": None if failure is None else json.loads(failure),
    }
    return {name: value for name, value in shown.items() if value is not None}


def whole_job(record: Record) -> dict[str, Any]:
    """A job with its workflow, and with what it made if it has ended."""
    asked, made, job = record.asked, record.made, record.job
    shown = job_json(job, made.failure if made else None)
    shown["workflow"] = {"prompt": json.loads(asked.prompt), "extra_data": json.loads(asked.extra_data)}
    if made is not None and job.ended is not None:
        done = job.state == "done"
        status = {"status_str": "success" if done else "error", "completed": done}
        shown["outputs"] = json.loads(made.outputs)
        shown["execution_status"] = {**status, "messages": json.loads(made.messages)}
    return shown


def _number(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)
