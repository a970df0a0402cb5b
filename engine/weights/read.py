"""Tensors on disk, read one by one when they are asked for: safetensors, and pickles where they were allowed."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from engine.weights.sniff import sniff

MAX_HEADER = 100_000_000  # bytes; what the format itself allows
_REFUSED = re.compile(r"[Uu]nsupported (?:global: )?(?:GLOBAL|class) ([\w.]+)")
_MAX_DEPTH = 4  # of dicts and lists in a pickle; embeddings of textual inversion take two

_DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


class BadFile(ValueError):
    """A file of weights that cannot be read; the message names it, what is wrong and what would be right."""

    def __init__(self, path: Path, wrong: str) -> None:
        super().__init__(f"{path.name}: {wrong} ({path})")


@dataclass(frozen=True)
class Reading:
    """What may be read. Unpickling can run code of whoever made the file, so it has to be allowed."""

    allow_pickle: bool = False


@dataclass(frozen=True)
class Spec:
    """What is known of a stored tensor before it is read."""

    shape: tuple[int, ...]
    dtype: torch.dtype | None  # None: a kind of number that this program does not know


class Tensors(Mapping[str, Tensor]):
    """The tensors of a file by name; `specs` tells shapes and dtypes, asking for a tensor reads it."""

    def __init__(
        self,
        path: Path,
        specs: Mapping[str, Spec],
        read: Callable[[str], Tensor],
        metadata: Mapping[str, str],
        *,
        is_mapped: bool = True,
    ) -> None:
        self.path = path
        self.is_mapped = is_mapped  # whether they take memory only while they are used, as those of a mapped file do
        self.specs = specs
        self.metadata = metadata
        self._read = read

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.specs:
            raise KeyError(name)
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.specs)

    def __len__(self) -> int:
        return len(self.specs)

    def __contains__(self, name: object) -> bool:
        return name in self.specs

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: spec.shape for name, spec in self.specs.items()}

    def under(self, prefix: str) -> "Tensors":
        """The tensors whose names begin with `prefix`, by the rest of their names."""
        return self.renamed({name[len(prefix) :]: name for name in self.specs if name.startswith(prefix)})

    def renamed(self, old: Mapping[str, str]) -> "Tensors":
        """The same tensors by new names: `old` maps each new name to the present one."""
        specs = {new: self.specs[name] for new, name in old.items()}
        return Tensors(self.path, specs, lambda new: self._read(old[new]), self.metadata, is_mapped=self.is_mapped)


def joined(parts: Sequence[Tensors]) -> Tensors:
    """The tensors of several files, the shards of one model, as if they were in one; errors name the first file."""
    owner = {name: part for part in parts for name in part}
    specs = {name: part.specs[name] for name, part in owner.items()}
    is_mapped = all(part.is_mapped for part in parts)
    return Tensors(parts[0].path, specs, lambda name: owner[name][name], parts[0].metadata, is_mapped=is_mapped)


class _Current:
    reading = Reading()


def current() -> Reading:
    """What may be read in this process; nothing but safetensors unless it was said."""
    return _Current.reading


def use(reading: Reading) -> None:
    """Make this the rule of this process."""
    _Current.reading = reading


def open_tensors(path: Path, reading: Reading | None = None) -> Tensors:
    """Open a file of weights; its content decides, not its name.

    Safetensors are mapped into memory: a tensor costs nothing until it is read. Pickled checkpoints are read whole,
    with `weights_only`, if `reading` (by default that of the process) allows it. Raises FileNotFoundError and BadFile.
    """
    if not path.is_file():
        msg = f"{path} is not a file"
        raise FileNotFoundError(msg)
    found = sniff(path)
    if found.kind == "safetensors":
        return _open_safetensors(path)
    if found.kind == "pickle":
        return _open_pickle(path, reading or current())
    if path.suffix.lower() in (".safetensors", ".sft"):
        raise BadFile(path, f"should be a safetensors file, but is {found.words}")
    raise BadFile(path, f"holds no weights that can be read: it is {found.words}; wanted is a safetensors file")


def _open_safetensors(path: Path) -> Tensors:
    header = _header(path)
    metadata = header.pop("__metadata__", {})
    specs = {name: Spec(tuple(entry["shape"]), _DTYPES.get(entry["dtype"])) for name, entry in header.items()}
    try:
        file = safe_open(path, framework="pt")
    except SafetensorError as error:
        raise BadFile(path, f"is not a valid safetensors file: {error}") from None
    return Tensors(path, specs, _unchanged(path, file.get_tensor), metadata)


def _unchanged(path: Path, read: Callable[[str], Tensor]) -> Callable[[str], Tensor]:
    """`read`, as long as nobody writes into the file: what is mapped changes with it. A file that takes its place is
    another one, and the one that was opened is still there.
    """
    opened = path.stat()

    def checked(name: str) -> Tensor:
        try:
            now = path.stat()
        except OSError:
            return read(name)
        if now.st_ino == opened.st_ino and (now.st_size, now.st_mtime_ns) != (opened.st_size, opened.st_mtime_ns):
            raise BadFile(path, "was written into while it was in use: run again to load it as it is now")
        return read(name)

    return checked


def _header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file, checked against the length of the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER:
            raise BadFile(path, f"is damaged: it announces a header of {length} bytes, more than the format allows")
        if 8 + length > size:
            raise BadFile(path, f"is cut off inside its header ({size} bytes there); download it again")
        text = file.read(length)
    try:
        header: dict[str, Any] = json.loads(text)
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        wanted = 8 + length + max(ends, default=0)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise BadFile(path, "is damaged: its header is not a list of tensors") from None
    if wanted > size:
        raise BadFile(path, f"is cut off: {size} of {wanted} bytes are there; download it again")
    return header


def _open_pickle(path: Path, reading: Reading) -> Tensors:
    if not reading.allow_pickle:
        wrong = "is a pickled checkpoint, which can run code when it is read; take the safetensors file of the same"
        raise BadFile(path, f"{wrong} model, or start with --allow-pickle if you trust where it came from")
    try:
        loaded = _unpickled(path)
    except Exception as error:  # the unpickler raises whatever the file provokes
        raise BadFile(path, f"cannot be unpickled safely: {_told(error)}") from None
    tensors = dict(_flat(loaded))
    if not tensors:
        raise BadFile(path, "is a pickle without any tensors in it")
    specs = {name: Spec(tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}
    return Tensors(path, specs, tensors.__getitem__, dict(_said(loaded)), is_mapped=_is_zip(path))


def _unpickled(path: Path) -> Any:
    if path.suffix.lower() not in (".safetensors", ".sft"):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
    with path.open("rb") as file:  # by its name torch would take it for what it is not
        return torch.load(file, map_location="cpu", weights_only=True)


def _told(error: Exception) -> str:
    """The first line of an error; where the unpickler refused code, what that was instead of advice to allow it."""
    if found := _REFUSED.search(str(error)):
        return f"it asks to run {found[1]}, which weights have no need of; do not use this file"
    return str(error).partition("\n")[0]


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _flat(loaded: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a pickled checkpoint, out of the `state_dict` they are often wrapped in."""
    while isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    yield from _nested(loaded, "", _MAX_DEPTH)


def _said(loaded: Any) -> Iterator[tuple[str, str]]:
    """What a pickled checkpoint says beside its tensors, as the metadata of safetensors would: words and numbers."""
    if isinstance(loaded, Mapping):
        for name, value in loaded.items():
            if isinstance(value, (str, int, float)):
                yield str(name), str(value)


def _nested(loaded: Any, prefix: str, depth: int) -> Iterator[tuple[str, Tensor]]:
    """Tensors in dicts, lists and tuples, by keys and places joined by dots; a pickle may hold itself, so not deep."""
    if not isinstance(loaded, (Mapping, list, tuple)) or depth == 0:
        return
    for name, value in loaded.items() if isinstance(loaded, Mapping) else enumerate(loaded):
        if isinstance(value, Tensor):
            yield f"{prefix}{name}", value
        else:
            yield from _nested(value, f"{prefix}{name}.", depth - 1)
