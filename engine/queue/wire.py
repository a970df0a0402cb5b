"""Frames between the server and a worker, over the worker's standard input and output.

A frame is two big-endian u32, the length of what follows and the length of its header; then the header, JSON with a
`kind`; then bytes as they are, such as a picture.
"""

import asyncio
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

_LENGTHS = struct.Struct(">II")
LARGEST = 1 << 30  # bytes


class FrameError(ValueError):
    """What came is no frame: the other side is broken, or something else writes there."""


@dataclass(frozen=True)
class Frame:
    """One message: its kind, its JSON data, and its bytes."""

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    blob: bytes = b""


def pack(frame: Frame) -> bytes:
    """A frame as bytes. Raises FrameError for what JSON has no word for."""
    try:
        header = json.dumps({"kind": frame.kind, **frame.data}, separators=(",", ":"), default=_listed).encode()
    except (TypeError, ValueError) as error:
        raise FrameError(f"a frame of kind {frame.kind} cannot be sent: {error}") from error
    return _LENGTHS.pack(len(header) + len(frame.blob), len(header)) + header + frame.blob


def read_frame(file: BinaryIO) -> Frame | None:
    """The next frame, waited for; None at the end of the file."""
    lengths = file.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    total, header = _checked(lengths)
    body = file.read(total)
    return _unpacked(body, header) if len(body) == total else None


async def read_frame_from(reader: asyncio.StreamReader) -> Frame | None:
    """The next frame of a stream; None at its end."""
    try:
        total, header = _checked(await reader.readexactly(_LENGTHS.size))
        return _unpacked(await reader.readexactly(total), header)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def _checked(lengths: bytes) -> tuple[int, int]:
    total, header = _LENGTHS.unpack(lengths)
    if header > total or total > LARGEST:
        raise FrameError(f"a frame of {total} bytes with a header of {header} is none")
    return total, header


def _unpacked(body: bytes, length: int) -> Frame:
    try:
        header = json.loads(body[:length])
        return Frame(header.pop("kind"), header, body[length:])
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise FrameError(f"the header of a frame is not the JSON of one: {error}") from error


def _listed(value: Any) -> Any:
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
