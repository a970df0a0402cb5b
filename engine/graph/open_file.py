"""Opens whatever may hold a workflow or a prompt: JSON, and the pictures, sounds, films and models that carry one."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from engine.graph.carriers.films import mp4_texts, webm_texts
from engine.graph.carriers.headers import glb_texts, safetensors_texts
from engine.graph.carriers.pictures import avif_texts, png_texts, svg_texts, webp_texts
from engine.graph.carriers.sounds import flac_texts, mp3_texts, ogg_texts
from engine.graph.carriers.texts import BadCarrier, Reader, Texts

MEBIBYTE = 1024 * 1024
LIMIT = 64 * MEBIBYTE

Json = dict[str, Any]
Read = Callable[[Reader], Texts]

# Formats are told by their first bytes, as names lie.
_CARRIERS: tuple[tuple[str, Callable[[bytes], bool], Read], ...] = (
    ("PNG", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), png_texts),
    ("WebP", lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP", webp_texts),
    ("AVIF", lambda head: head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"), avif_texts),
    ("MP4", lambda head: head[4:8] in (b"ftyp", b"moov", b"udta", b"mdat", b"wide"), mp4_texts),
    ("WebM", lambda head: head.startswith(b"\x1a\x45\xdf\xa3"), webm_texts),
    ("FLAC", lambda head: head.startswith(b"fLaC"), flac_texts),
    ("Ogg", lambda head: head.startswith(b"OggS"), ogg_texts),
    ("MP3", lambda head: head.startswith(b"ID3"), mp3_texts),
    ("GLB", lambda head: head.startswith(b"glTF"), glb_texts),
    ("SVG", lambda head: head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"), svg_texts),
    ("safetensors", lambda head: head[8:9] == b"{" and head[4:8] == b"\0\0\0\0", safetensors_texts),
)


class OpenError(Exception):
    """A file that holds nothing to run; the text names the file, what was found, and what would do."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}.")
        self.path = path
        self.reason = reason


@dataclass(frozen=True)
class Opened:
    """What a file holds. `kind` says what to open it as: a workflow counts before a prompt beside it."""

    path: Path
    kind: Literal["workflow", "prompt"]
    workflow: Json | None = None
    prompt: Json | None = None


def open_workflow(path: str | Path, *, limit: int = LIMIT) -> Opened:
    """Open a file. `limit` bounds, in bytes, a JSON file and each text inside a carrier; media may be larger.

    Raises OpenError for a file that cannot be read, is no JSON and no carrier, or holds neither kind.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            reader = Reader(file, limit)
            head = file.read(64)
            file.seek(0)
            name, read = _carrier(head)
            if read is not None:
                return _from_texts(path, name, read(reader))
            if reader.size > limit:
                raise OpenError(path, f"it has {_mebibytes(reader.size)}, more than the limit of {_mebibytes(limit)}")
            return opened_json(path, file.read())
    except OSError as error:
        raise OpenError(path, f"it cannot be opened: {error.strerror or error}") from error
    except BadCarrier as error:
        raise OpenError(path, f"what it carries cannot be read: {error}") from error
    except RecursionError as error:
        raise OpenError(path, "what it holds is nested too deeply") from error


def _carrier(head: bytes) -> tuple[str, Read | None]:
    return next(((name, read) for name, tells, read in _CARRIERS if tells(head)), ("JSON", None))


def _from_texts(path: Path, name: str, texts: Texts) -> Opened:
    workflow = _object_in(path, texts, "workflow")
    prompt = _object_in(path, texts, "prompt")
    if workflow is not None:
        return Opened(path, "workflow", workflow, prompt if is_prompt(prompt) else None)
    if is_prompt(prompt):
        return Opened(path, "prompt", None, prompt)
    if "parameters" in texts:
        raise OpenError(path, f"this {name} file holds only the `parameters` text of another program, and no workflow")
    found = f"only the texts {', '.join(sorted(texts))}" if texts else "no texts at all"
    raise OpenError(path, f"this {name} file holds no workflow and no prompt; {found}")


def _object_in(path: Path, texts: Texts, key: str) -> Json | None:
    text = texts.get(key)
    if text is None:
        return None
    start = max(text.find("{"), 0)
    try:
        value, _ = _DECODER.raw_decode(text, start)  # what follows the closing brace is padding
    except ValueError as error:
        raise OpenError(path, f"the {key} in it cannot be read: {_told(error)}") from error
    return value if isinstance(value, dict) else None


def opened_json(path: Path, data: bytes) -> Opened:
    """Tell what kind of JSON file some bytes are. Raises OpenError, which names `path`."""
    value = parsed_json(path, data)
    if not isinstance(value, dict) or not value:
        found = "an empty object" if value == {} else f"JSON, but a {type(value).__name__} and not an object"
        raise OpenError(path, f"it holds {found}; a workflow has nodes, and a prompt at least one")
    if "templates" in value:
        raise OpenError(path, "it is a collection of templates, which are snippets to insert, and no workflow")
    if is_prompt(value):
        return Opened(path, "prompt", None, value)
    if not isinstance(value.get("nodes"), list):
        raise OpenError(
            path, f"it is neither a workflow, which has a list called nodes, nor a prompt: {_why_no_prompt(value)}"
        )
    return Opened(path, "workflow", value, None)


def is_prompt(value: Any) -> bool:
    """Whether a value is a prompt: every entry an object with a text `class_type` and an object `inputs`."""
    return isinstance(value, dict) and bool(value) and all(_is_step(each) for each in value.values())


def _is_step(value: Any) -> bool:
    return (
        isinstance(value, dict) and isinstance(value.get("class_type"), str) and isinstance(value.get("inputs"), dict)
    )


def _why_no_prompt(value: Json) -> str:
    key = next(key for key, each in value.items() if not _is_step(each))
    return f"its entry {key[:60]!r} is no node with a class_type and inputs"


def parsed_json(path: Path, data: bytes) -> Any:
    """JSON in UTF-8. Whole numbers stay exact, however large; NaN and infinities, which Python writes, become null."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte {data[error.start]:#04x} at position {error.start:,}"
        known = ", ".join(name for name, _, _ in _CARRIERS)
        raise OpenError(
            path, f"it is not UTF-8 ({byte}), and none of the files that carry workflows: {known}"
        ) from error
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise OpenError(path, "it is nested too deeply") from error
    except ValueError as error:
        raise OpenError(path, f"it is no JSON that can be read: {_told(error)}") from error


def _finite(text: str) -> float | None:
    return number if isfinite(number := float(text)) else None


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=lambda _: None)


def _told(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return "a whole number in it has too many digits"


def _mebibytes(size: int) -> str:
    return f"{size / MEBIBYTE:,.1f} MiB"
