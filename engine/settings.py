"""Every option of Heddle, read once into one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from engine.weights.extra_folders import ExtraFolder

Precision = Literal["auto", "fp32", "bf16", "fp16"]
PRECISIONS: tuple[str, ...] = get_args(Precision)


Attention = Literal["auto", "sdpa", "math", "flash", "efficient", "cudnn", "split", "xformers", "sage"]
ATTENTIONS: tuple[str, ...] = get_args(Attention)

PreviewMethod = Literal["auto", "latent2rgb", "taesd", "none"]
PREVIEW_METHODS: tuple[str, ...] = get_args(PreviewMethod)


class SettingsError(ValueError):
    """An option that cannot be what it is; the text says what it may be."""


@dataclass(frozen=True)
class CachePolicy:
    """What a process keeps of finished work: `classic`, `lru:N`, `none`, or `budget:BYTES` such as `budget:4GB`."""

    name: Literal["classic", "lru", "none", "budget"] = "classic"
    amount: int = 0  # results for lru, bytes for budget

    def __str__(self) -> str:
        return f"{self.name}:{self.amount}" if self.amount else self.name

    @classmethod
    def parse(cls, text: str) -> "CachePolicy":
        name, _, amount = text.partition(":")
        try:
            if name == "lru":
                return cls("lru", _positive(int(amount)))
            if name == "budget":
                return cls("budget", _positive(parse_bytes(amount)))
        except ValueError as error:
            raise SettingsError(f"cache {text!r}: write lru:20 or budget:4GB") from error
        if name in ("classic", "none") and not amount:
            return cls(name)
        raise SettingsError(f"cache {text!r} is none of classic, lru:N, none, budget:BYTES")


@dataclass(frozen=True)
class Settings:
    """What the command line, or whoever embeds the engine, decided. Folders need not exist yet."""

    base: Path = field(default_factory=Path.cwd)
    models: Path | None = None  # this and the next five: below `base` unless said
    input: Path | None = None
    output: Path | None = None
    temp: Path | None = None
    user: Path | None = None
    custom_nodes: Path | None = None
    device: str = "auto"  # auto, cpu, cuda, cuda:1, mps
    precision: Precision = "auto"
    attention: Attention = "auto"  # by which kernel
    cache: CachePolicy = field(default_factory=CachePolicy)
    vram_budget: int | None = None  # bytes that models, results and work may take of an accelerator
    ram_budget: int | None = None  # the same of main memory
    reserve_vram: int | None = None  # bytes of an accelerator that are left to others
    allow_pickle: bool = False
    download_annotators: bool = False  # weights of hint preprocessors that are missing, from where they are published
    disable_metadata: bool = False  # no prompt and no workflow in saved files
    preview_method: PreviewMethod = "auto"  # where a job names none
    preview_size: int = 512  # pixels of the longer side
    load_packs: bool = True
    packs_anyway: tuple[str, ...] = ()  # loaded even when load_packs is off
    extra_folders: tuple[ExtraFolder, ...] = ()  # of models and packs, besides those below the folders above

    def folder(self, name: Literal["models", "input", "output", "temp", "user", "custom_nodes"]) -> Path:
        chosen: Path | None = getattr(self, name)
        return (chosen or self.base / name).absolute()

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Settings":
        """Settings from command-line options; what was not given keeps its default."""
        return cls(**{name: value for name, value in options.items() if value is not None})


UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def parse_bytes(text: str) -> int:
    """`4GB`, `512MiB` or a plain number, in bytes. Raises ValueError."""
    digits = text.strip().rstrip("BbGgIiKkMm ")
    unit = text.strip()[len(digits) :].strip().upper()
    if unit not in UNITS:
        raise ValueError(f"{text!r}: the unit {unit!r} is none of {', '.join(filter(None, UNITS))}")
    return int(float(digits) * UNITS[unit])


def parse_memory(text: str) -> int:
    """`6GB`, `512MiB`, or a plain number of GiB, in bytes. Raises ValueError."""
    size = parse_bytes(text if text.strip()[-1:].isalpha() else f"{text}GiB")
    if size < 0:
        raise ValueError(f"{text!r}: a size is not below zero")
    return size


def _positive(number: int) -> int:
    if number <= 0:
        raise ValueError("must be above 0")
    return number
