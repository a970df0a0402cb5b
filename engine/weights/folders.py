"""Where models, inputs and outputs lie on disk: names become paths here, and nothing leads out of its folder."""

import difflib
import mimetypes
import os
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from engine.weights.scan import Scan, scan
from engine.weights.staging import RESERVED, Stage
from engine.weights.write_whole import write_new

WEIGHT_SUFFIXES = frozenset({".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"})
ALIASES = {"unet": "diffusion_models", "clip": "text_encoders"}
BATCH_NUMBER = "%batch_num%"  # stands in a file name for the place in the batch

# Folders below `models`; a name with two is looked for in both.
_SECOND_HOMES = {"text_encoders": "clip", "diffusion_models": "unet", "controlnet": "t2i_adapter"}
_WEIGHTS = (
    *("checkpoints", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision", "style_models"),
    *("embeddings", "vae_approx", "controlnet", "gligen", "upscale_models", "hypernetworks", "photomaker"),
    *("classifiers", "model_patches", "audio_encoders", "annotators", "ipadapter"),
)
BUNDLED = Path(__file__).parent / "bundled"  # the models that come with the package, found after all others
_LONGEST_NAME = 255  # bytes, on all the file systems that matter
_LONGEST_PREFIX = 220  # leaves room for the number and the suffix
_FOLDERS_ONLY = "folder"  # in place of suffixes: the entries are folders that hold a model_index.json
_ANNOTATED = re.compile(r"(?P<name>.*?)\s*\[(?P<kind>input|output|temp)\]", re.DOTALL)
_TYPES = mimetypes.MimeTypes()
for _type, _suffixes in {  # what some systems' tables lack
    "image/x": (".webp", ".avif"),
    "video/x": (".webm", ".mkv", ".m4v"),
    "audio/x": (".flac", ".opus", ".ogg", ".m4a"),
    "model/x": (".glb", ".gltf", ".obj", ".fbx", ".stl"),
}.items():
    for _suffix in _suffixes:
        _TYPES.add_type(_type, _suffix)

Entry = tuple[list[str], Collection[str]]
"""Directories in order of preference, and the lower-case suffixes that count (none: all do)."""


class SaveTarget(NamedTuple):
    """Where a saver writes: `folder / f"{filename}_{counter:05}_.png"`, and what clients are told."""

    folder: Path
    filename: str
    counter: int  # one above the highest in use
    subfolder: str  # of `folder` below the output directory, with forward slashes
    prefix: str  # as asked for, with sizes and dates filled in
    stage: Stage | None = None  # where the file waits until its job ends

    def names(self, suffix: str, number: int = 0) -> Callable[[int], str]:
        """Counter -> file name, for the picture at this place of its batch: `prefix_00001_.png`."""
        filename = self.filename.replace(BATCH_NUMBER, str(number))
        return lambda counter: f"{filename}_{counter:05}_.{suffix}"

    def write(self, suffix: str, write: Callable[[Path], object], number: int = 0) -> Path:
        """Write the file at this place of its batch under the next free name; it appears whole or not at all."""
        names, counter = self.names(suffix, number), self.counter + number
        if self.stage is not None:
            return self.stage.write(self.folder, names, counter, write)
        return write_new(self.folder, names, counter, write)


@dataclass
class Folders:
    """The folders of one installation. `names` is live: node packs insert entries and extend the lists."""

    models: Path
    input: Path
    output: Path
    temp: Path
    user: Path
    names: dict[str, Entry] = field(default_factory=dict[str, Entry])
    _scans: dict[str, Scan] = field(default_factory=dict[str, Scan], repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, entry in _default_names(self.models).items():
            self.names.setdefault(name, entry)

    @classmethod
    def under(cls, root: Path) -> "Folders":
        """The usual layout: models, input, output, temp and user side by side."""
        return cls(root / "models", root / "input", root / "output", root / "temp", root / "user")

    def directory(self, kind: str) -> Path | None:
        """The directory that clients call `input`, `output` or `temp`; None for other words."""
        return {"input": self.input, "output": self.output, "temp": self.temp}.get(kind)

    def roots(self, name: str) -> list[Path]:
        """The directories of a model folder. Raises KeyError with the known names."""
        return [Path(each) for each in self._entry(name)[0]]

    def shortened(self, roots: Iterable[str]) -> list[str]:
        """Directories without where the installation lies: from its own folder on, of one elsewhere the name alone."""
        base, paths = self.models.parent, [Path(root) for root in roots]
        return [path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name for path in paths]

    def add(self, name: str, path: Path | str, *, first: bool = False) -> None:
        """Add a directory to a model folder, or move it to the front; a new name takes files of any suffix.

        What comes with the package is found after all others, also after those that are added.
        """
        roots = self.names.setdefault(ALIASES.get(name, name), ([], set()))[0]
        if str(path) in roots and first:
            roots.remove(str(path))
        if str(path) not in roots:
            ours = next((at for at, root in enumerate(roots) if Path(root).parent == BUNDLED), len(roots))
            roots.insert(0 if first else ours, str(path))

    def files(self, name: str) -> list[str]:
        """The files of a model folder, sorted, relative to its directories. Raises KeyError for an unknown name.

        The disk is walked again only when a directory has changed since the last walk.
        """
        directories, suffixes = self._entry(name)
        marker = "model_index.json" if set(suffixes) == {_FOLDERS_ONLY} else None
        known = self._scans.get(name)
        if known is None or not known.holds_for(directories):
            known = self._scans[name] = scan(directories)
        if marker:
            return sorted({os.path.dirname(each) for each in known.files if os.path.basename(each) == marker} - {""})
        return sorted({each for each in known.files if not suffixes or os.path.splitext(each)[1].lower() in suffixes})

    def find(self, name: str, file: str) -> Path | None:
        """Where a file of a model folder lies; None if nowhere, if `name` is unknown or if `file` leads outside."""
        entry = self.names.get(ALIASES.get(name, name))
        if entry is None or not is_inside(file) or _is_too_long(file):
            return None
        wants_folder = set(entry[1]) == {_FOLDERS_ONLY}
        paths = (Path(directory, file) for directory in entry[0])
        return next((path for path in paths if (path.is_dir() if wants_folder else path.is_file())), None)

    def require(self, name: str, file: str) -> Path:
        """As `find`; FileNotFoundError says where it was looked for and which names are close."""
        found = self.find(name, file)
        if found is not None:
            return found
        close = difflib.get_close_matches(file, self.files(name), n=3, cutoff=0.5)
        looked = ", ".join(str(root) for root in self.roots(name)) or "no folder at all"
        hint = f"; close: {', '.join(map(repr, close))}" if close else ""
        msg = f"{file!r} is not among the {ALIASES.get(name, name)} (looked in {looked}){hint}"
        raise FileNotFoundError(msg)

    def annotated(self, text: str, default: Path | None = None) -> Path:
        """The path of `name [output]`, `name [input]` or `name [temp]`; a bare name is in `default` (the inputs).

        Raises ValueError for what is no text or too long for a name, and when the name leads out of its directory. The
        file need not exist.
        """
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] (prompts hold anything)
            msg = f"the name of a file is a text, not {text!r}"
            raise ValueError(msg)
        name, kind = split_annotation(text)
        directory = (self.directory(kind) if kind else default) or self.input
        return contained(directory, name)

    def save_target(self, prefix: str, directory: Path | None = None, width: int = 0, height: int = 0) -> SaveTarget:
        """Where files with this prefix are saved below `directory` (the outputs); its sub-folders are created.

        While a job is staged, what goes below the outputs waits in its stage.
        Fills in `%width% %height% %year% %month% %day% %hour% %minute% %second%`. Raises ValueError when the prefix
        leads outside, or makes no file name.
        """
        directory = directory or self.output
        prefix = _filled(prefix, width, height)
        subfolder, _, filename = prefix.replace("\\", "/").rpartition("/")
        if len(filename.encode()) > _LONGEST_PREFIX or not filename.isprintable():
            wanted = f"at most {_LONGEST_PREFIX} bytes, all printable"
            msg = f"the prefix {filename[:40]!r} is no start of a file name; wanted are {wanted}"
            raise ValueError(msg)
        folder = contained(directory, subfolder) if subfolder else directory
        subfolder = "" if folder == directory else folder.relative_to(directory).as_posix()
        if _Current.stage is not None and folder.is_relative_to(self.output):
            return _staged(_Current.stage, folder.relative_to(self.output), filename, subfolder, prefix)
        folder.mkdir(parents=True, exist_ok=True)
        return SaveTarget(folder, filename, _highest(folder, filename) + 1, subfolder, prefix)

    def _entry(self, name: str) -> Entry:
        try:
            return self.names[ALIASES.get(name, name)]
        except KeyError:
            msg = f"no model folder is called {name!r}; there are {', '.join(sorted(self.names))}"
            raise KeyError(msg) from None


def is_inside(name: str) -> bool:
    """Whether a relative name stays below any directory it is joined to, on every operating system."""
    spellings = (PurePosixPath(name), PureWindowsPath(name))
    leads_out = any(".." in each.parts or each.drive or each.root for each in spellings)
    return bool(name) and "\0" not in name and not leads_out


def contained(directory: Path, name: str) -> Path:
    """`directory / name`. Raises ValueError if the name is absolute, empty or leads out of the directory."""
    if _is_too_long(name):
        msg = f"{name[:40]!r}… is too long for the name of a file: take one of at most {_LONGEST_NAME} bytes"
        raise ValueError(msg)
    if not is_inside(name):
        msg = f"{name!r} is not a path inside {directory}: give a name below it, without '..' or a leading slash"
        raise ValueError(msg)
    return directory / name


def _is_too_long(name: str) -> bool:
    return any(len(part.encode("utf-8", "replace")) > _LONGEST_NAME for part in name.split("/"))


def split_annotation(text: str) -> tuple[str, str | None]:
    """`"x.png [output]"` as `("x.png", "output")`; without an annotation the second is None."""
    found = _ANNOTATED.fullmatch(text)
    return (found["name"], found["kind"]) if found else (text, None)


def of_content(files: Iterable[str], kinds: Collection[str]) -> list[str]:
    """The files whose suffix speaks of one of these kinds: `image`, `video`, `audio`, `model`."""
    guessed = ((file, _TYPES.guess_type(file)[0] or "") for file in files)
    return [file for file, kind in guessed if kind.partition("/")[0] in kinds]


class _Current:
    folders: Folders | None = None
    stage: Stage | None = None


def current() -> Folders:
    """The folders in use; before any were chosen, those below the working directory."""
    if _Current.folders is None:
        _Current.folders = Folders.under(Path.cwd())
    return _Current.folders


def use(folders: Folders) -> None:
    """Make these the folders of this process."""
    _Current.folders = folders


def use_stage(stage: Stage | None) -> None:
    """From now on files for the outputs wait in this stage; None: they are visible as soon as they are whole."""
    _Current.stage = stage


def listing(name: str) -> Callable[[], list[str]]:
    """The files of a model folder at the moment of asking, for `Choice(listing("checkpoints"))`."""
    return lambda: current().files(name)


def _default_names(models: Path) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for name in _WEIGHTS:
        homes = [name, _SECOND_HOMES[name]] if name in _SECOND_HOMES else [name]
        entries[name] = ([str(models / home) for home in homes], set(WEIGHT_SUFFIXES))
    for bundled in sorted(BUNDLED.iterdir()) if BUNDLED.is_dir() else ():
        if bundled.name in entries:
            entries[bundled.name][0].append(str(bundled))
    entries["annotators"] = (entries["annotators"][0], {*WEIGHT_SUFFIXES, ".onnx"})
    entries["configs"] = ([str(models / "configs")], {".yaml"})
    entries["diffusers"] = ([str(models / "diffusers")], {_FOLDERS_ONLY})
    entries["custom_nodes"] = ([str(models.parent / "custom_nodes")], set())
    return entries


def _filled(prefix: str, width: int, height: int) -> str:
    now = datetime.now()
    values = {"width": str(width), "height": str(height), "year": str(now.year)}
    values |= {part: f"{getattr(now, part):02}" for part in ("month", "day", "hour", "minute", "second")}
    return re.sub(f"%({'|'.join(values)})%", lambda found: values[found[1]], prefix)


def _staged(stage: Stage, below: Path, filename: str, subfolder: str, prefix: str) -> SaveTarget:
    """A target in the stage, with a counter above those of published, reserved and staged files."""
    folder = stage.folder / below
    folder.mkdir(parents=True, exist_ok=True)
    places = (stage.output / below, stage.output / RESERVED / below, folder)
    counter = 1 + max(_highest(place, filename) for place in places if place.is_dir())
    return SaveTarget(folder, filename, counter, subfolder, prefix, stage)


def _highest(folder: Path, filename: str) -> int:
    """The highest counter among the files of this name, 0 without any."""
    name = re.escape(os.path.normcase(filename)).replace(re.escape(BATCH_NUMBER), r"\d+")
    counted = re.compile(rf"{name}_(\d+)_.*", re.DOTALL)
    found = (counted.fullmatch(os.path.normcase(each)) for each in os.listdir(folder))
    return max((int(match[1]) for match in found if match), default=0)
