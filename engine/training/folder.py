"""A folder of pictures with captions beside them as a dataset; what cannot be used is left out and counted."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.training.dataset import Example

TABLES = ("captions.csv", "metadata.csv")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"})
_FILE_COLUMNS, _TEXT_COLUMNS = ("file_name", "file", "filename", "image"), ("text", "caption", "prompt")
_BROKEN = (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError)


class Captioned(NamedTuple):
    path: Path
    caption: str


class Skipped(NamedTuple):
    """A file that was left out, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class FolderDataset:
    """Pictures of a folder, sorted by name, each scaled and cut from its middle to `width` x `height` pixels."""

    name: str
    size: tuple[int, int]
    files: tuple[Captioned, ...]
    skipped: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Example:
        if not -len(self.files) <= index < len(self.files):
            msg = f"there is no picture {index} among the {len(self.files)} of {self.name}"
            raise IndexError(msg)
        path, caption = self.files[index]
        with Image.open(path) as picture:
            fitted = ImageOps.fit(_opaque(picture), self.size, Image.Resampling.LANCZOS)
        return Example(torch.from_numpy(np.array(fitted, np.float32) / 255), caption)

    def summary(self) -> str:
        """How many pictures there are, and how many were left out for which reasons, with the first of each."""
        lines = [f"{len(self.files)} pictures with captions from {self.name}"]
        for reason, count in Counter(each.reason for each in self.skipped).most_common():
            first = next(each.file for each in self.skipped if each.reason == reason)
            lines.append(f"left out {count}: {reason} (for instance {first})")
        return "\n".join(lines)


def open_folder(folder: Path, size: tuple[int, int]) -> FolderDataset:
    """Read which pictures a folder and those below it hold, and what they show.

    The caption of `a/b.png` is the text of `a/b.txt`, else the row of `captions.csv` or `metadata.csv` whose
    `file_name` is `a/b.png` seen from the table's folder (column `text`). Every picture is decoded once here, so that
    a broken one is found before training. Raises FileNotFoundError without the folder, ValueError if nothing is left
    or a table lacks its columns.
    """
    if not folder.is_dir():
        msg = f"there is no folder {folder}: put the pictures there, with a .txt of the same name beside each"
        raise FileNotFoundError(msg)
    pictures = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in SUFFIXES)
    listed = {file: text for table in _tables(folder) for file, text in _rows(table)}
    files: list[Captioned] = []
    skipped: list[Skipped] = []
    for path in pictures:
        file = path.relative_to(folder).as_posix()
        caption, reason = _caption(path, listed)
        if not reason and not _is_whole(path):
            reason = "the picture is broken or no picture"
        if reason:
            skipped.append(Skipped(file, reason))
        else:
            files.append(Captioned(path, caption))
    missing = sorted(path.relative_to(folder).as_posix() for path in set(listed) - set(pictures))
    skipped += [Skipped(file, "the table names a picture that is not there") for file in missing]
    dataset = FolderDataset(folder.name, size, tuple(files), tuple(skipped))
    if not files:
        why = dataset.summary().partition("\n")[2].replace("\n", "; ") or "there is no picture in it"
        msg = f"nothing to learn from in {folder}: {why}"
        raise ValueError(msg)
    return dataset


def _tables(folder: Path) -> list[Path]:
    return sorted(path for name in TABLES for path in folder.rglob(name))


def _rows(table: Path) -> Iterator[tuple[Path, str]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            columns = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
            file = next((columns[name] for name in _FILE_COLUMNS if name in columns), None)
            text = next((columns[name] for name in _TEXT_COLUMNS if name in columns), None)
            if file is None or text is None:
                msg = f"{table} has the columns {', '.join(columns) or 'none'}; it needs file_name and text"
                raise ValueError(msg)
            for row in reader:
                name = (row[file] or "").strip()
                if name:
                    yield (table.parent / name), " ".join((row[text] or "").split())
    except (csv.Error, UnicodeDecodeError) as problem:
        msg = f"{table} is not a table of comma-separated values in UTF-8: {problem}"
        raise ValueError(msg) from problem


def _caption(path: Path, listed: Mapping[Path, str]) -> tuple[str, str]:
    """The caption of a picture, or an empty one and the reason."""
    beside = path.with_suffix(".txt")
    if beside.is_file():
        try:
            text = " ".join(beside.read_text("utf-8-sig").split())
        except UnicodeDecodeError:
            return "", "its caption file is not UTF-8 text"
        return text, "" if text else "its caption file is empty"
    if path not in listed:
        return "", "it has no caption"
    return listed[path], "" if listed[path] else "its caption in the table is empty"


def _is_whole(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            picture.load()
    except _BROKEN:
        return False
    return True


def _opaque(picture: Image.Image) -> Image.Image:
    """Upright, in RGB, on white where it is transparent."""
    upright = ImageOps.exif_transpose(picture)
    if "transparency" in upright.info or upright.mode in ("RGBA", "LA", "PA"):
        layer = upright.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    if upright.mode.startswith("I") or upright.mode == "F":  # more than 8 bits: convert() would cut them off
        values = np.asarray(upright, np.float64)
        top = 65535 if upright.mode.startswith("I") else max(float(values.max()), 1.0)
        return Image.fromarray(np.rint(np.clip(values / top, 0, 1) * 255).astype(np.uint8)).convert("RGB")
    return upright.convert("RGB")
