"""Saved workflows become the prompts that the ecosystem's editor makes of them.

Prompts are compared as values, where 8 equals 8.0 and whole numbers beyond 2**53 are those of doubles; `_meta` and the
inputs that a file says to ignore do not count. Three kinds of files need a word:

- a muted or bypassed host below the root: the editor emits its inner nodes though nothing refers to them, so only
  what feeds an output is compared;
- a legacy group node: the editor gives new ids to its nodes, so prompts are compared up to a renaming;
- a type without a definition: the editor emits it without a class, and we refuse it by name; what remains is compared
  with the node muted.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.graph.editor.trouble import MissingType, MissingTypes
from engine.graph.editor_file import prompt_from_workflow

Case = dict[str, Any]
Prompt = dict[str, dict[str, Any]]  # id -> {class_type, inputs}


def test_workflow_becomes_the_prompt_that_the_editor_makes_of_it(workflow_pair: Path) -> None:
    case: Case = json.loads(workflow_pair.read_text("utf-8"))
    workflow = case.get("workflow") or case["restored_workflow"]
    unknown = {id for id, node in case["prompt"].items() if "class_type" not in node}
    wanted = _compared(case["prompt"], case, leave_out=unknown)
    missing = _missing(workflow, case)
    assert {each.node for each in missing} <= unknown
    made = _converted(_with_muted(workflow, {each.type for each in missing}), case)
    got = _compared(_renamed(made, case.get("id_map", {})), case)
    if "groupnodes" in case.get("features", ()):
        assert _fingerprints(got) == _fingerprints(wanted)
    elif _has_skipped_host_inside(workflow):
        assert _feeding_outputs(got, case) == _feeding_outputs(wanted, case)
    else:
        assert got == wanted


def _converted(workflow: Mapping[str, Any], case: Case) -> Prompt:
    def first(alternatives: Sequence[str]) -> str:
        return alternatives[0]

    return prompt_from_workflow(workflow, case["object_info"], choose=first)


def _missing(workflow: Mapping[str, Any], case: Case) -> tuple[MissingType, ...]:
    try:
        _converted(workflow, case)
    except MissingTypes as error:
        return error.missing
    return ()


def _compared(prompt: Prompt, case: Case, leave_out: Collection[str] = ()) -> Prompt:
    """What counts of a prompt, in a form in which equal things are equal."""
    ignored = {(id, name) for id, name in case.get("ignore_inputs", ())}
    return {
        id: {
            "class_type": node["class_type"],
            "inputs": {
                name: _plain(value)
                for name, value in node["inputs"].items()
                if (id, name) not in ignored and not (isinstance(value, list) and value[0] in leave_out)
            },
        }
        for id, node in prompt.items()
        if id not in leave_out
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _renamed(prompt: Prompt, names: Mapping[str, str]) -> Prompt:
    def renamed(value: Any) -> Any:
        return [names.get(value[0], value[0]), *value[1:]] if isinstance(value, list) else value

    return {
        names.get(id, id): {**node, "inputs": {name: renamed(value) for name, value in node["inputs"].items()}}
        for id, node in prompt.items()
    }


def _fingerprints(prompt: Prompt) -> Counter[str]:
    """Each node as text, with what feeds it in the place of ids."""

    def told(id: str) -> str:
        node = prompt[id]
        inputs = {
            name: [told(value[0]), value[1]] if isinstance(value, list) else value
            for name, value in sorted(node["inputs"].items())
        }
        return json.dumps([node["class_type"], inputs])

    return Counter(map(told, prompt))


def _feeding_outputs(prompt: Prompt, case: Case) -> Prompt:
    found: Prompt = {}
    waiting = [id for id, node in prompt.items() if case["object_info"][node["class_type"]].get("output_node")]
    while waiting:
        id = waiting.pop()
        if id not in found:
            found[id] = prompt[id]
            waiting.extend(value[0] for value in prompt[id]["inputs"].values() if isinstance(value, list))
    return found


def _subgraphs(workflow: Mapping[str, Any]) -> list[dict[str, Any]]:
    return (workflow.get("definitions") or {}).get("subgraphs") or []


def _has_skipped_host_inside(workflow: Mapping[str, Any]) -> bool:
    hosts = {each["id"] for each in _subgraphs(workflow)}
    nodes: Iterator[dict[str, Any]] = (node for each in _subgraphs(workflow) for node in each["nodes"])
    return any(node["type"] in hosts and node.get("mode") in (2, 4) for node in nodes)


def _with_muted(workflow: Mapping[str, Any], types: set[str]) -> Mapping[str, Any]:
    copy = json.loads(json.dumps(workflow))
    for graph in [copy, *_subgraphs(copy)]:
        for node in graph["nodes"]:
            node["mode"] = 2 if node["type"] in types else node.get("mode", 0)
    return copy
