"""What clients elsewhere are not told: where files lie, and where inside the program something failed."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.queue.job import Record

_PATH = re.compile(r"(?<![\w:/\\.])(?:[A-Za-z]:)?[\\/](?:[^\\/\s'\":]+[\\/])*([^\\/\s'\":]*)")


def without_paths(text: str) -> str:
    """A text whose absolute paths are cut down to their last parts."""
    return _PATH.sub(r"\1", text)


def discreet(failure: Mapping[str, Any]) -> dict[str, Any]:
    """What went wrong in a run, without the lines of the program and of the worker's log."""
    told = {**failure, "exception_message": without_paths(str(failure.get("exception_message", ""))), "traceback": []}
    return {**told, "log": []} if "log" in told else told


def discreet_json(type: str, text: str) -> str:
    """A message of the websocket or of the history, both as JSON."""
    return json.dumps(discreet(json.loads(text))) if type == "execution_error" else text


def discreet_record(record: Record) -> Record:
    """A job and what it made, for the history."""
    made = record.made
    if made is None or record.job.state != "failed":
        return record
    messages = [
        [type, discreet(data) if type == "execution_error" else data] for type, data in json.loads(made.messages)
    ]
    failure = None if made.failure is None else discreet_json("execution_error", made.failure)
    return replace(record, made=replace(made, messages=json.dumps(messages), failure=failure))


def discreet_answer(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong with a prompt and its nodes, without the lines of the program."""
    nodes = {
        id: {**found, "errors": [_discreet(each) for each in found["errors"]]}
        for id, found in answer["node_errors"].items()
    }
    told = {**answer, "node_errors": nodes}
    return {**told, "error": _discreet(told["error"])} if "error" in told else told


def discreet_device(device: Mapping[str, Any]) -> dict[str, Any]:
    """A device whose memory is told by kind alone: names of networks hold names of files."""
    told = device["heddle"]
    ram = None if told["ram"] is None else _unnamed(told["ram"])
    return {**device, "heddle": {**_unnamed(told), "estimates": [], "ram": ram}}


def _unnamed(account: Mapping[str, Any]) -> dict[str, Any]:
    return {**account, "shares": [{**each, "what": None} for each in account["shares"]]}


def _discreet(error: Mapping[str, Any]) -> dict[str, Any]:
    extra = error.get("extra_info") or {}
    shown = {**extra, "traceback": []} if "traceback" in extra else extra
    return {**error, "details": without_paths(str(error.get("details", ""))), "extra_info": shown}
