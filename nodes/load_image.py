"""Image files become images and masks."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from engine.api import Choice, Image, Kind, Mask, Option, deferred, node
from engine.weights import folders

with deferred():
    from engine.pictures import files as picture_files

UPLOAD = Option(image_upload=True)
FROM_OUTPUTS = Option(
    image_upload=True,
    image_folder="output",
    remote={"route": "/internal/files/output", "refresh_button": True, "control_after_refresh": "first"},
)


class Loaded(NamedTuple):
    image: Image
    mask: Mask


def input_pictures() -> list[str]:
    """The image files that lie directly in the input folder."""
    directory = folders.current().input
    files = sorted(each.name for each in directory.iterdir() if each.is_file()) if directory.is_dir() else []
    return folders.of_content(files, ("image",))


def is_there(image: str | None) -> bool | str:
    """Whether an input file can be found; if not, where it was looked for. A linked name is not known yet."""
    return True if image is None else _found(image, folders.current().input)


def is_there_among_outputs(image: str | None) -> bool | str:
    return True if image is None else _found(image, folders.current().output)


def content(image: str | None) -> str:
    """A hash of what is in an input file."""
    return _hash(image, folders.current().input)


def content_among_outputs(image: str | None) -> str:
    return _hash(image, folders.current().output)


@node("image", id="LoadImage", title="Load Image", validate=is_there, fingerprint=content)
def load_image(image: Annotated[str, Choice(input_pictures), UPLOAD]) -> Loaded:
    """Load an image, and its transparency as a mask; the frames of an animation become a batch."""
    return Loaded(*picture_files.read_picture(_existing(image, folders.current().input)))


@node("mask", id="LoadImageMask", title="Load Image (as Mask)", validate=is_there, fingerprint=content)
def load_image_mask(
    image: Annotated[str, Choice(input_pictures), UPLOAD], channel: Literal["alpha", "red", "green", "blue"]
) -> Mask:
    """Load one channel of an image as a mask; of alpha, the transparent part."""
    return picture_files.read_channel(_existing(image, folders.current().input), channel)


@node(
    "image",
    id="LoadImageOutput",
    title="Load Image (from Outputs)",
    experimental=True,
    validate=is_there_among_outputs,
    fingerprint=content_among_outputs,
)
def load_image_output(image: Annotated[str, Kind("COMBO"), FROM_OUTPUTS]) -> Loaded:
    """Load an image from the output folder."""
    return Loaded(*picture_files.read_picture(_existing(image, folders.current().output)))


def _existing(name: str, default: Path) -> Path:
    """The file of an annotated name. Raises FileNotFoundError with the folder, ValueError for a way out of it."""
    path = folders.current().annotated(name, default)
    if not path.is_file():
        msg = f"there is no image file {folders.split_annotation(name)[0]!r} in the folder {path.parent}"
        raise FileNotFoundError(msg)
    return path


def _found(name: str, default: Path) -> bool | str:
    try:
        _existing(name, default)
    except (FileNotFoundError, ValueError) as error:
        return f"invalid image file: {error}"  # the words by which frontends know a missing picture
    return True


def _hash(name: str | None, default: Path) -> str:
    if name is None:
        return ""
    with _existing(name, default).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
