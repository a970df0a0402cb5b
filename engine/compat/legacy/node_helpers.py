"""The module that packs import as `node_helpers`: settings of conditionings, and pictures that are cut off."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def conditioning_set_values(
    conditioning: Sequence[Sequence[Any]], values: Mapping[str, Any], append: bool = False
) -> list[list[Any]]:
    """Copies of the entries `[tokens, settings]` with these settings; `append` adds them to what is there."""
    changed: list[list[Any]] = []
    for tokens, settings in conditioning:
        new = dict(settings)
        for key, value in values.items():
            new[key] = new[key] + value if append and key in new else value
        changed.append([tokens, new])
    return changed


def pillow(fn: Callable[[Any], T], arg: Any) -> T:
    """`fn(arg)`, once more for a picture whose file is cut off, taking what there is of it."""
    from PIL import ImageFile, UnidentifiedImageError

    try:
        return fn(arg)
    except (OSError, UnidentifiedImageError, ValueError):
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            return fn(arg)
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before
