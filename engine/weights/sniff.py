"""What a file is, told from its first bytes: names lie, downloads fail half-way, and errors should say so."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["safetensors", "pickle", "other"]


@dataclass(frozen=True)
class Sniffed:
    """The kind of a file, and in words what it is (`a web page`), with what to do about it where that is known."""

    kind: Kind
    words: str


_LOOK = 64  # bytes

_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_OTHERS: tuple[tuple[tuple[bytes, ...], str], ...] = (
    ((b"gguf",), "a GGUF file (quantised weights), which is not read yet; take the model's safetensors file"),
    (
        (b"<!doctype", b"<html", b"<?xml", b"<head"),
        "a web page, probably saved where a download asked for a login; download the file again",
    ),
    ((b"version https://git-lfs",), "a Git LFS pointer, not the file it points to; fetch it with `git lfs pull`"),
    ((b"\x93numpy",), "a NumPy array"),
    ((b"\x89hdf",), "an HDF5 file"),
    ((b"\x89png", b"\xff\xd8\xff", b"riff", b"gif8"), "a picture or sound"),
    ((b"7z\xbc\xaf", b"rar!", b"\x1f\x8b"), "a compressed archive; unpack it first"),
    ((b"{", b"["), "JSON text"),
)


def sniff(path: Path) -> Sniffed:
    """What the file at `path` is. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        start = file.read(_LOOK)
    if not start:
        return Sniffed("other", "empty; the download did not begin")
    if start[8:9] == b"{":  # a length of eight bytes, then a JSON header
        return Sniffed("safetensors", "a safetensors file")
    if start.startswith(_PICKLES):
        return Sniffed("pickle", "a pickled checkpoint")
    lowered = start.lstrip().lower()
    for beginnings, words in _OTHERS:
        if start.lower().startswith(beginnings) or lowered.startswith(beginnings):
            return Sniffed("other", words)
    if not any(start):
        return Sniffed("other", "filled with zeros; the download did not finish")
    return Sniffed("other", "of no known kind")
