"""A prompt as tokens: weighted pieces to groups of ids and learned vectors, and groups to chunks of a fixed length."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from torch import Tensor

from engine.diffusion.text.emphasis import pieces

_log = logging.getLogger(__name__)

_MARK = "embedding:"
_BEFORE_MARK = re.compile(rf"[ \n]{_MARK}")
_LARGE = 8  # tokens from which on a group may be cut where a chunk ends


class Token(NamedTuple):
    """One place in a chunk: a vocabulary id or a learned vector (dim,), its weight, and the group it came from."""

    value: int | Tensor
    weight: float = 1.0
    group: int = 0  # counted from 1; 0 for start, end and pad tokens


Chunk = list[Token]
Tokens = dict[str, list[Chunk]]
"""A tokenized prompt: for each text encoder (`l`, `g`, `h`) its chunks."""

EncodeText = Callable[[str], Sequence[int]]
FindEmbedding = Callable[[str], Tensor | None]
"""The vectors (n, dim) of an embedding by its name in a prompt, or None if there is no such file."""


class Frame(NamedTuple):
    """How chunks begin, end and are filled up. Without a `limit` there is one chunk, filled up to `shortest`."""

    start: int | None
    end: int
    pad: int
    shortest: int
    limit: int | None


def tokenize(prompt: str, encode: EncodeText, find: FindEmbedding | None, frame: Frame) -> list[Chunk]:
    """The chunks of a prompt. `find` is None where there is no folder of embeddings."""
    return chunks(groups(prompt, encode, find), frame)


def empty_chunk(frame: Frame, length: int | None = None) -> Chunk:
    """The chunk of an empty prompt, of this length or as short as they come."""
    ids = [frame.end] if frame.start is None else [frame.start, frame.end]
    return [Token(id) for id in ids + [frame.pad] * ((length or frame.shortest) - len(ids))]


def groups(prompt: str, encode: EncodeText, find: FindEmbedding | None) -> list[list[Token]]:
    """The tokens of a prompt, in groups that chunks do not cut if they are small.

    Each piece of equal weight is a group, or several where it names embeddings: `a embedding:name b`. A name that no
    file has is passed over with a warning.
    """
    found: list[list[Token]] = []
    for text, weight in pieces(prompt):
        for values in _groups_of_piece(text, encode, find):
            number = len(found) + 1
            found.append([Token(value, weight, number) for value in values])
    return found


def chunks(groups: Iterable[Sequence[Token]], frame: Frame) -> list[Chunk]:
    """Lay groups out in chunks; each has its start and end token and is filled up with pads."""
    first = [] if frame.start is None else [Token(frame.start)]
    end, pad = Token(frame.end), Token(frame.pad)
    done: list[Chunk] = []
    chunk = list(first)
    for group in groups:
        left = list(group)
        while frame.limit is not None and len(chunk) + len(left) > frame.limit - 1:
            room = frame.limit - 1 - len(chunk)
            if len(group) >= _LARGE:
                done.append([*chunk, *left[:room], end])
                left = left[room:]
            else:
                done.append([*chunk, end, *[pad] * room])
            chunk = list(first)
        chunk += left
    chunk.append(end)
    return [*done, chunk + [pad] * (frame.shortest - len(chunk))]


def _groups_of_piece(text: str, encode: EncodeText, find: FindEmbedding | None) -> Iterator[Sequence[int | Tensor]]:
    first, *marked = _BEFORE_MARK.split(text)
    for part in filter(None, [first, *(_MARK + each for each in marked)]):
        if find is None or not part.startswith(_MARK):
            yield encode(part)
            continue
        vectors, rest = _embedding(part.removeprefix(_MARK), find)
        if vectors is not None:
            yield list(vectors)
        if rest:
            yield encode(rest)


def _embedding(text: str, find: FindEmbedding) -> tuple[Tensor | None, str]:
    """The vectors that a text begins with by their name, and the text that is left."""
    name, *words = text.strip("\n").split() or [""]
    rest = " ".join(words)
    vectors = find(name)
    bare = name.strip(",")
    if vectors is None and bare != name:
        vectors = find(bare)
        rest = f"{name[len(bare) :]} {rest}"
    if vectors is None:
        _log.warning("embedding %r is not among the embeddings and was left out of the prompt", bare)
    return vectors, rest
