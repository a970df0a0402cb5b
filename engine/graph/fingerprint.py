"""The cache key of each step: a hash of its type, its constants, and the keys of all that feeds it.

Two steps with one key give the same result, in whatever prompt, process or year they run. Constants compare as Python
compares them (`1 == 1.0 == True`, `"1"` differs). NaN and objects without a value of their own, such as tensors, equal
nothing, not even themselves.
"""

import hashlib
import math
import secrets
from collections.abc import Callable, Generator, Mapping
from numbers import Integral
from typing import Any

from engine.graph.graph import BadLink, Link, Node
from engine.node.spec import NodeType

LONGEST_PART = 256  # bytes that stand in an encoding as they are; longer ones are hashed


class Fingerprints:
    """The keys of the steps of one run, each made once, when it is first asked for.

    `find` gives a node or None, `changed` the answers to the fingerprint questions, by node id.
    """

    def __init__(
        self, find: Callable[[str], Node | None], types: Mapping[str, NodeType], changed: Mapping[str, Any]
    ) -> None:
        self._find = find
        self._types = types
        self._changed = changed
        self._keys: dict[str, str] = {}
        self._is_own: dict[str, bool] = {}

    def __getitem__(self, id: str) -> str:
        """The key of a step, in hex digits. A node that is not there has a key that equals no other."""
        if (known := self._keys.get(id)) is not None:
            return known
        if self._find(id) is None:
            return secrets.token_hex(32)
        self._walk(id)
        return self._keys[id]

    def known(self) -> Mapping[str, str]:
        """The keys made so far, by node id."""
        return self._keys

    def _walk(self, wanted: str) -> None:
        waiting = [wanted]
        opened: set[str] = set()
        while waiting:
            id = waiting[-1]
            node = self._find(id)
            if id in self._keys or node is None:
                waiting.pop()
            elif id not in opened:
                opened.add(id)
                sources = (link.source for _, link in node.links())
                # A source that is open already feeds itself in a circle; such steps never run.
                waiting += [each for each in sources if not (each in self._keys or each in opened)]
            else:
                waiting.pop()
                self._keys[id] = self._key(node)

    def _key(self, node: Node) -> str:
        parts = [encoded(node.type), encoded(self._changed.get(node.id, False))]
        if self._is_its_own(node.type):
            parts.append(b"#" + encoded(node.id))
        for name in sorted(node.inputs):
            value = node.inputs[name]
            parts.append(encoded(name))
            if isinstance(value, Link):
                source = self._keys.get(value.source) or secrets.token_hex(32)
                parts.append(f"@{source}:{value.slot};".encode())
            else:
                parts.append(encoded(list(value.raw) if isinstance(value, BadLink) else value))
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def _is_its_own(self, type_id: str) -> bool:
        """Whether equal steps of this type still differ: it says so, or it is told its own node id."""
        if type_id not in self._is_own:
            try:
                type_ = self._types[type_id]
            except Exception:  # unknown, or a pack that fails to describe it: no such step is ever done
                return True
            is_told = any(keyword(each.type) == "UNIQUE_ID" for each in type_.hidden)
            self._is_own[type_id] = is_told or not type_.idempotent
        return self._is_own[type_id]


def keyword(type_: Any) -> str | None:
    """The keyword of a hidden input as a plain string: packs use `str` subclasses with an equality of their own."""
    return str.__str__(type_) if isinstance(type_, str) else None


def encoded(value: Any) -> bytes:
    """A value as bytes that are equal where the values are; nested values take no recursion."""
    stack = [_encode(value, set())]
    answer: bytes | None = None
    while stack:
        try:
            stack.append(stack[-1].send(answer))
            answer = None
        except StopIteration as done:
            stack.pop()
            answer = done.value
    assert answer is not None
    return answer


def _encode(value: Any, around: set[int]) -> Generator[Any, Any, bytes]:
    """One level of a value; yields the encodings of what it contains and is sent their bytes."""
    if (plain := _plain(value)) is not None:
        return plain
    if not isinstance(value, (list, tuple, Mapping)) or id(value) in around:
        return b"?" + secrets.token_bytes(32)
    around.add(id(value))
    parts: list[bytes] = []
    if isinstance(value, Mapping):
        for key, inner in value.items():
            encoded_key: bytes = yield _encode(key, around)
            encoded_value: bytes = yield _encode(inner, around)
            parts.append(encoded_key + encoded_value)
        parts.sort()
    else:
        for inner in value:
            part = _plain(inner)
            parts.append(part if part is not None else (yield _encode(inner, around)))
    around.discard(id(value))
    body = b"".join(parts)
    if len(body) > LONGEST_PART:  # a value nested in many others is then not copied by each of them
        body = b"h" + hashlib.sha256(body).digest()
    return (b"m" if isinstance(value, Mapping) else b"l") + b"%d:" % len(parts) + body


def _plain(value: Any) -> bytes | None:
    match value:
        case None:
            return b"n"
        case str():
            text = value.encode("utf-8", "surrogatepass")
            return b"s%d:" % len(text) + text
        case bytes():
            return b"b%d:" % len(value) + value
        case float():
            if math.isnan(value):
                return b"?" + secrets.token_bytes(32)
            return b"i%d;" % int(value) if value.is_integer() else b"f" + float(value).hex().encode() + b";"
        case Integral():
            return b"i%d;" % int(value)
        case _:
            return None
