"""Latents become files and come back."""

import hashlib
from pathlib import Path
from typing import Annotated, Any

from engine.api import Choice, Hidden, Latent, Result, deferred, node
from engine.weights import folders

with deferred():
    from engine.diffusion import latent_files
    from engine.pictures import files as picture_files

Prompt = Annotated[dict[str, Any] | None, Hidden("PROMPT")]
ExtraInfo = Annotated[dict[str, Any] | None, Hidden("EXTRA_PNGINFO")]


def input_latents() -> list[str]:
    """The latent files that lie directly in the input folder."""
    directory = folders.current().input
    return sorted(each.name for each in directory.glob("*.latent") if each.is_file())


def is_there(latent: str | None) -> bool | str:
    """Whether a latent file can be found; if not, where it was looked for. A linked name is not known yet."""
    try:
        return latent is None or bool(_existing(latent))
    except (FileNotFoundError, ValueError) as error:
        return str(error)


def content(latent: str | None) -> str:
    """A hash of what is in a latent file."""
    if latent is None:
        return ""
    with _existing(latent).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@node("_for_testing", id="SaveLatent", title="SaveLatent", is_output=True)
def save_latent(
    samples: Latent,
    filename_prefix: str = "latents/ComfyUI",
    prompt: Prompt = None,
    extra_pnginfo: ExtraInfo = None,
) -> Result:
    """Save a latent in the output folder."""
    target = folders.current().save_target(filename_prefix)
    texts = picture_files.metadata(prompt, extra_pnginfo)
    writer = latent_files.writer(samples["samples"], texts)
    path = target.write("latent", writer)
    return Result(ui={"latents": [{"filename": path.name, "subfolder": target.subfolder, "type": "output"}]})


@node("_for_testing", id="LoadLatent", title="LoadLatent", validate=is_there, fingerprint=content)
def load_latent(latent: Annotated[str, Choice(input_latents)]) -> Latent:
    """Load a latent from the input folder."""
    return {"samples": latent_files.read(_existing(latent))}


def _existing(name: str) -> Path:
    """The file of an annotated name. Raises FileNotFoundError with the folder, ValueError for a way out of it."""
    path = folders.current().annotated(name)
    if not path.is_file():
        msg = f"there is no latent file {folders.split_annotation(name)[0]!r} in the folder {path.parent}"
        raise FileNotFoundError(msg)
    return path
