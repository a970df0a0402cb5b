"""What a model answered while a run sampled, kept on disk: a run that was killed goes on at the step where it stopped.

A sampler is a generator: given the same answers again it stands where it stood, with the same bits and without a call
of the model. An answer is found again by the node that asked, how many asks it had before, and the very bytes that it
asked about; whatever does not fit is computed anew.
"""

import hashlib
import json
import logging
import os
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from engine.diffusion.drive import Ask, Prediction
from engine.node import crash_points

log = logging.getLogger(__name__)
Key = tuple[str, int, str]
_LENGTH = struct.Struct(">I")
_LARGEST = 1 << 30  # bytes that a journal may hold


class Journal:
    """The answers of one run.

    Nothing is written before the run has lasted `after` seconds; from then on so many answers (`every`) at a time.
    """

    def __init__(
        self, path: Path, *, after: float = 60.0, every: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Read what an earlier try of the same run left. A part that was cut off is passed over."""
        self._path = path
        self._after, self._every, self._clock = after, every, clock
        self._began = clock()
        self._known = _read(path)
        self._unwritten: list[bytes] = []
        self._size = 0  # bytes that this try kept
        self._asked: dict[str, int] = {}
        self._is_full = False
        self.replayed = 0

    def answer(self, node: str, ask: Ask) -> Prediction:
        """The answer to a node's ask: a known one, or the model's, which is kept. Raises what the model does."""
        number = self._asked.get(node, 0)
        self._asked[node] = number + 1
        key = node, number, _digest(ask)
        known = self._known.pop(key, None)
        if known is not None:
            self.replayed += 1
            x0, uncond, variance = (None if each is None else each.to(ask.x.device) for each in known)
            assert x0 is not None
            return Prediction(x0, uncond, variance)
        made = ask.answer()
        self._keep(key, made)
        return made

    def _keep(self, key: Key, made: Prediction) -> None:
        if self._is_full:
            return
        record = _packed(key, made)
        self._size += len(record)
        if self._size > _LARGEST:
            log.warning("the answers of this run are too large to be kept: it cannot be resumed from here on")
            self._is_full, self._unwritten = True, []
            return
        self._unwritten.append(record)
        if len(self._unwritten) >= self._every and self._clock() - self._began >= self._after:
            self.write()

    def write(self) -> None:
        """Put the answers so far on the disk, as is done by itself once the run has lasted long enough."""
        if not self._unwritten:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file, crash_points.around("answers in a journal"):
                file.write(b"".join(self._unwritten))
                file.flush()
                crash_points.point("in the middle of answers in a journal")
                os.fsync(file.fileno())
        except OSError as error:
            log.warning("the journal %s cannot be written, so this run cannot be resumed: %s", self._path, error)
            self._is_full = True
        self._unwritten = []


def _digest(ask: Ask) -> str:
    """Names the very bytes that were asked about."""
    made = hashlib.sha256(repr((tuple(ask.x.shape), str(ask.x.dtype))).encode())
    for tensor in (ask.x, ask.sigma):
        made.update(_bytes(tensor))
    return made.hexdigest()


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()


def _packed(key: Key, made: Prediction) -> bytes:
    """A record: its length, the length of its header, the header, the tensors, and a digest of it all."""
    shapes: list[Any] = [None if each is None else [str(each.dtype)[6:], list(each.shape)] for each in made]
    header = json.dumps({"key": key, "parts": shapes}).encode()
    body = _LENGTH.pack(len(header)) + header + b"".join(_bytes(each) for each in made if each is not None)
    return _LENGTH.pack(len(body)) + body + hashlib.sha256(body).digest()


def _read(path: Path) -> dict[Key, tuple[Tensor | None, ...]]:
    found: dict[Key, tuple[Tensor | None, ...]] = {}
    try:
        with path.open("rb") as file:
            end = 0
            while (record := _next(file)) is not None:
                key, parts = _unpacked(record)
                found[key] = parts
                end = file.tell()
        if path.stat().st_size > end:
            os.truncate(path, end)  # what was cut off would hide what is written after it
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the journal %s is of no use: %s", path, error)
        with suppress(OSError):
            path.unlink()
        return {}
    return found


def _next(file: BinaryIO) -> bytes | None:
    """The next whole record, or None."""
    lengths = file.read(_LENGTH.size)
    if len(lengths) < _LENGTH.size:
        return None
    body, digest = file.read(_LENGTH.unpack(lengths)[0]), file.read(32)
    return body if hashlib.sha256(body).digest() == digest else None


def _unpacked(body: bytes) -> tuple[Key, tuple[Tensor | None, ...]]:
    start = _LENGTH.size + _LENGTH.unpack(body[: _LENGTH.size])[0]
    header: Mapping[str, Any] = json.loads(body[_LENGTH.size : start])
    parts: list[Tensor | None] = []
    for part in header["parts"]:
        if part is None:
            parts.append(None)
            continue
        dtype, shape = getattr(torch, part[0]), part[1]
        size = torch.empty(0, dtype=dtype).element_size() * int(torch.Size(shape).numel())
        parts.append(torch.frombuffer(bytearray(body[start : start + size]), dtype=dtype).view(shape))
        start += size
    node, number, digest = header["key"]
    return (node, number, digest), tuple(parts)
