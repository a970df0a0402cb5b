"""Weights of the networks that see hints: found in models/annotators, or fetched where that was asked for."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.node.deferred import deferred
from engine.weights import folders, read

with deferred():
    import huggingface_hub

FOLDER = "annotators"
HOST = "https://huggingface.co"
_USUAL = "lllyasviel/Annotators"


@dataclass(frozen=True)
class Weights:
    """A file as it is published: its name, and the repository (and folder therein) where it is."""

    file: str
    repository: str = _USUAL
    below: str = ""

    @property
    def is_pickled(self) -> bool:
        return self.file.endswith((".pth", ".pt"))

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called on disk; safetensors are taken first."""
        return (f"{PurePosixPath(self.file).stem}.safetensors", self.file) if self.is_pickled else (self.file,)

    @property
    def published(self) -> str:
        return f"{HOST}/{self.repository}" + (f" in {self.below}" if self.below else "")


class MissingWeights(FileNotFoundError):
    """Weights that are not there; the text says which, where to put them, and where they are published."""


@dataclass(frozen=True)
class Fetching:
    """Whether missing weights are fetched, and from which host; None is where they are published, or a mirror of it
    that the environment names to the library that fetches."""

    is_allowed: bool = False
    host: str | None = None


class _Current:
    fetching = Fetching()


def use(fetching: Fetching) -> None:
    """Make this the rule of this process; without it nothing is fetched."""
    _Current.fetching = fetching


def find(weights: Weights, what: str) -> Path:
    """Where these weights lie, in a folder for annotators or below it; `what` says in words whose they are.

    Raises MissingWeights where they are not there and must not be fetched, or could not be.
    """
    found = _on_disk(weights)
    if found is not None:
        return found
    roots = folders.current().roots(FOLDER)
    if not _Current.fetching.is_allowed:
        put = " or ".join(weights.names)
        raise MissingWeights(
            f"{what} needs {weights.file}, which is not among the annotators: put {put} into {roots[0]}; it is"
            f" published at {weights.published}, and --download-annotators fetches what is missing from there"
        )
    if weights.is_pickled and not read.current().allow_pickle:
        raise MissingWeights(
            f"{what} needs {weights.file}, which is published as a pickle: start with --allow-pickle too to have it"
            f" fetched from {weights.published}, or put {weights.names[0]} into {roots[0]}"
        )
    return _fetched(weights, what, roots[0])


def first(choices: tuple[Weights, ...]) -> Weights:
    """The first of several files that is there; without any, the first of all."""
    return next((each for each in choices if _on_disk(each) is not None), choices[0])


def _on_disk(weights: Weights) -> Path | None:
    here = folders.current()
    files = here.files(FOLDER)
    for name in weights.names:
        for file in files:
            if PurePosixPath(file).name == name:
                return here.find(FOLDER, file)
    return None


def _fetched(weights: Weights, what: str, folder: Path) -> Path:
    try:
        huggingface_hub.hf_hub_download(
            weights.repository,
            weights.file,
            subfolder=weights.below or None,
            local_dir=folder,
            endpoint=_Current.fetching.host,
        )
    except (OSError, ValueError) as error:  # no network, no such file, a full disk
        told = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise MissingWeights(
            f"{what} needs {weights.file}, and it could not be fetched from {weights.published} ({told}): put it"
            f" into {folder} by hand"
        ) from error
    found = _on_disk(weights)
    assert found is not None  # noqa: S101 - it has just been written there
    return found
