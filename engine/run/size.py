"""How many bytes a value holds, and where: each piece of memory once, however many values share it."""

import dataclasses
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image

from engine.device import held

Piece = tuple[str, int]  # where it lies ("ram" or "vram"), and what tells it from others there
Pieces = dict[Piece, int]  # piece -> bytes

MOST_OBJECTS = 100_000  # a value that holds more is some program's inner life; what was found until then counts
_NOT_DATA = (types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType, type, torch.dtype)


def pieces_of(value: Any) -> Pieces:
    """The pieces of memory that a value holds: tensors by their storage, arrays, images, text and bytes.

    Containers, dataclasses, modules and plain objects are walked; circles and shared parts are passed once.
    """
    pieces: Pieces = {}
    seen: set[int] = set()
    waiting = [value]
    while waiting and len(seen) < MOST_OBJECTS:
        each = waiting.pop()
        if each is None or isinstance(each, (bool, int, float)) or id(each) in seen:
            continue
        seen.add(id(each))
        if (piece := _own(each)) is not None:
            pieces[piece[0]] = piece[1]
        else:
            waiting.extend(_parts(each))
    return pieces


def size_of(value: Any) -> int:
    """The bytes of a value, wherever they lie."""
    return sum(pieces_of(value).values())


def _own(value: Any) -> tuple[Piece, int] | None:
    match value:
        case torch.Tensor() if value.layout is torch.strided:
            storage = value.untyped_storage()
            if value.device.type == "meta":
                return ("ram", id(value)), 0
            where = "ram" if value.device.type == "cpu" else "vram"
            return (where, storage.data_ptr()), storage.nbytes()
        case np.ndarray():
            owner = value
            while isinstance(owner.base, np.ndarray):
                owner = owner.base
            return ("ram", owner.__array_interface__["data"][0]), owner.nbytes
        case Image.Image():
            return ("ram", id(value)), value.width * value.height * len(value.getbands())
        case str() | bytes() | bytearray():
            return ("ram", id(value)), len(value)
        case _:
            return None


def _parts(value: Any) -> Iterator[Any]:
    match value:
        case Mapping():
            yield from value.values()
        case list() | tuple() | set() | frozenset():
            yield from value
        case torch.Tensor():  # sparse, or otherwise without one storage
            yield from (value.indices(), value.values()) if value.is_sparse and value.is_coalesced() else ()
        case torch.nn.Module() if held.of(value) is not None:
            return  # its weights come and go, and are in the account of their device
        case torch.nn.Module():
            yield from value.parameters()
            yield from value.buffers()
        case _ if isinstance(value, _NOT_DATA):
            return
        case _ if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                yield getattr(value, field.name, None)
        case _:
            yield from getattr(value, "__dict__", {}).values()
