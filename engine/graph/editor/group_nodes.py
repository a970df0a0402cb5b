"""Legacy group nodes, kept in a workflow's `extra`, opened into subgraphs before the file is read."""

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from engine.graph.editor.trouble import WorkflowError

Raw = Mapping[str, Any]


def with_group_nodes_opened(root: Raw, subgraphs: list[Raw]) -> list[Raw]:
    """The root and the subgraphs, followed by one more subgraph for each use of a group node.

    The nodes inside are named by their index in the group. Raises WorkflowError for a group that contains itself.
    """
    extra = root.get("extra")
    groups = extra.get("groupNodes") if isinstance(extra, Mapping) else None
    if not isinstance(groups, Mapping) or not groups:
        return [root, *subgraphs]
    opened: list[Raw] = []
    number = count()
    waiting: deque[tuple[Raw, tuple[str, ...]]] = deque((graph, ()) for graph in [root, *subgraphs])
    while waiting:
        graph, around = waiting.popleft()
        nodes: list[Any] = []
        for node in _list(graph.get("nodes")):
            name = _group_name(node)
            group = groups.get(name)
            if name in around:
                raise WorkflowError(f"Circular reference: the group node {name!r} contains itself.")
            if name is not None and isinstance(group, Mapping):
                try:
                    inside = _opened(group, node, f"{node['type']}#{next(number)}")
                except (AttributeError, IndexError, TypeError, ValueError) as error:
                    raise WorkflowError(f"The group node {name!r} cannot be read: {error}.") from error
                waiting.append((inside, (*around, name)))
                node = {**node, "type": inside["id"]}
            nodes.append(node)
        opened.append({**graph, "nodes": nodes})
    return opened


def _list(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else []


def _group_name(node: Any) -> str | None:
    type = node.get("type") if isinstance(node, Mapping) else None
    if isinstance(type, str) and type.startswith(("workflow>", "workflow/")):
        return type[len("workflow>") :]
    return None


def _opened(group: Raw, host: Raw, id: str) -> Raw:
    """One group as the subgraph that this host uses; open slots become its own, in the order of the nodes."""
    nodes: list[dict[str, Any]] = [
        {**node, "id": index, "inputs": [{**slot, "link": None} for slot in node.get("inputs") or []]}
        for index, node in enumerate(group.get("nodes") or [])
    ]
    links: list[Raw] = []

    def link(origin: Any, origin_slot: int, target: Any, target_slot: int) -> int:
        ends = {"origin_id": origin, "origin_slot": origin_slot, "target_id": target, "target_slot": target_slot}
        links.append({"id": len(links), **ends})
        return len(links) - 1

    used: set[tuple[int, int]] = set()
    for source, source_slot, target, target_slot, *_ in group.get("links") or []:
        if source is not None and _has(nodes, target, target_slot):
            nodes[target]["inputs"][target_slot]["link"] = link(source, source_slot, target, target_slot)
            used.add((source, source_slot))
    used -= {(index, slot) for index, slot, *_ in group.get("external") or []}

    inputs: list[Raw] = []
    names = _HostNames(host)
    for index, slot, name in _shown(group, nodes, "inputs"):
        raw = nodes[index]["inputs"][slot]
        if raw["link"] is None:
            raw["link"] = link(-10, len(inputs), index, slot)
            inputs.append({"name": names.take(name, raw.get("type")), "type": raw.get("type")})
    outputs: list[Raw] = []
    for index, slot, name in _shown(group, nodes, "outputs"):
        if (index, slot) not in used:
            ids = [link(index, slot, -20, len(outputs))]
            outputs.append({"name": name, "type": nodes[index]["outputs"][slot].get("type"), "linkIds": ids})
    name = _group_name(host)
    return {"id": id, "name": name, "nodes": nodes, "links": links, "inputs": inputs, "outputs": outputs}


def _has(nodes: list[dict[str, Any]], index: Any, slot: Any) -> bool:
    return isinstance(index, int) and 0 <= index < len(nodes) and 0 <= slot < len(nodes[index]["inputs"])


def _shown(group: Raw, nodes: list[dict[str, Any]], side: str) -> Iterator[tuple[int, int, str]]:
    """The slots that the group does not hide: index of the node, index of the slot, and the name it is shown by."""
    config = group.get("config") or {}
    for index, node in enumerate(nodes):
        settings = (config.get(str(index)) or {}).get(side.removesuffix("s")) or {}
        for slot, raw in enumerate(node.get(side) or []):
            key = str(slot) if side == "outputs" else raw.get("name", "")
            setting = settings.get(key) or {}
            if setting.get("visible") is not False:
                yield index, slot, str(setting.get("name") or raw.get("name", ""))


class _HostNames:
    """The names a host gives to the group's inputs: the same name where there is one, else the next of that type."""

    def __init__(self, host: Raw) -> None:
        self._left = [(str(slot.get("name", "")), slot.get("type")) for slot in host.get("inputs") or []]

    def take(self, name: str, type: Any) -> str:
        found = next((each for each in self._left if each[0] == name), None)
        found = found or next((each for each in self._left if each[1] == type), None)
        if found is None:
            return name
        self._left.remove(found)
        return found[0]
