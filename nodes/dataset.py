"""What training learns from: drawn scenes, folders of pictures, and a look at them."""

import hashlib
from typing import Annotated, Literal, NamedTuple

from engine.api import Dataset, Image, Named, Number, Seed, deferred, node
from engine.weights import folders

with deferred():
    import torch

    from engine.training import folder as picture_folder
    from engine.training.scenes import examples

Side = Annotated[int, Number(16, 2048, step=8)]


@node("training/data", id="SceneDataset", title="Dataset of Drawn Scenes")
def scene_dataset(
    count: Annotated[int, Number(1, 10_000_000)] = 6000,
    seed: Annotated[int, Seed()] = 0,
    size: Side = 128,
    style: Literal["colour", "line art", "pen and ink"] = "colour",
) -> Dataset:
    """Draw landscapes by number, each with a caption: time of day, sky, light, mountains, ground, trees, landmark."""
    return examples.SceneDataset(count, seed, size, style)


class Opened(NamedTuple):
    dataset: Dataset
    summary: Annotated[str, Named("summary")]


def content(folder: str | None) -> str:
    """A hash of which files lie in a folder of pictures, how long they are and when they were written."""
    digest = hashlib.sha256()
    root = folders.contained(folders.current().input, folder) if folder else None
    if root and root.is_dir():
        for path in sorted(root.rglob("*")):
            found = path.stat()
            digest.update(f"{path.relative_to(root).as_posix()}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


@node("training/data", id="FolderDataset", title="Dataset from a Folder", fingerprint=content)
def folder_dataset(folder: str = "pictures", width: Side = 128, height: Side = 128) -> Opened:
    """Read pictures from a folder below the input folder, with captions in .txt files or a captions.csv beside them.

    Pictures are scaled and cut from the middle. The summary says how many were left out, and why.
    """
    opened = picture_folder.open_folder(folders.contained(folders.current().input, folder), (width, height))
    return Opened(opened, opened.summary())


class Shown(NamedTuple):
    image: Image
    captions: list[Annotated[str, Named("captions")]]


@node("training/data", id="DatasetPreview", title="Preview a Dataset")
def dataset_preview(
    dataset: Dataset,
    start: Annotated[int, Number(0, 10_000_000)] = 0,
    count: Annotated[int, Number(1, 256)] = 16,
    columns: Annotated[int, Number(1, 32)] = 4,
) -> Shown:
    """Show examples of a dataset, from this number on, as one contact sheet, with their captions as a list."""
    if start >= len(dataset):
        msg = f"start is {start}, and {dataset.name} has {len(dataset)} examples, counted from 0"
        raise ValueError(msg)
    shown = [dataset[index] for index in range(start, min(start + count, len(dataset)))]
    columns = min(columns, len(shown))
    rows = -(-len(shown) // columns)
    height, width, _ = shown[0].image.shape
    gap = max(1, width // 32)
    sheet = torch.ones(rows * (height + gap) + gap, columns * (width + gap) + gap, 3)
    for place, (image, _) in enumerate(shown):
        top, left = gap + place // columns * (height + gap), gap + place % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return Shown(sheet[None], [caption for _, caption in shown])
