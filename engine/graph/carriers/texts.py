"""What every carrier gives: texts by their lower-case names; and how to take bytes without trusting their lengths."""

import json
from typing import Any, BinaryIO

Texts = dict[str, str]


class BadCarrier(Exception):
    """A file that breaks the rules of its own format; the text says where."""


class Reader:
    """Reads a file piece by piece, refusing pieces that end behind the file or are larger than `limit` bytes."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self.file = file
        self.limit = limit
        self.size = file.seek(0, 2)
        file.seek(0)

    @property
    def position(self) -> int:
        return self.file.tell()

    @property
    def left(self) -> int:
        return self.size - self.position

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes. Raises BadCarrier if there are fewer, or more than the limit are asked for."""
        if count > self.limit:
            raise BadCarrier(f"{what} has {count:,} bytes, more than the limit of {self.limit:,}")
        data = self.file.read(count)
        if len(data) < count:
            raise BadCarrier(f"the file ends inside {what}")
        return data

    def number(self, count: int, what: str, order: str = "big") -> int:
        return int.from_bytes(self.take(count, what), "little" if order == "little" else "big")

    def skip(self, count: int) -> None:
        self.file.seek(count, 1)

    def go_to(self, position: int) -> None:
        self.file.seek(position)


def decode(data: bytes) -> str:
    """Text as UTF-8 where it is that, whatever the format says; else as Latin-1."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def keep(texts: Texts, key: str, text: str) -> None:
    """Keep a text under its name; the first of a name wins."""
    texts.setdefault(key.strip().lower(), text)


def texts_of(values: Any) -> Texts:
    """Texts of an object whose values are texts, or objects to be written as such."""
    if not isinstance(values, dict):
        return {}
    return {str(key).lower(): each if isinstance(each, str) else json.dumps(each) for key, each in values.items()}
