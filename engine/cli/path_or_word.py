"""An option's value that is a path, or a word for one that is looked for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click


class PathOrWord(click.Path):
    """As click's path; each word has a function that finds its path, or raises LookupError with what is missing."""

    def __init__(self, words: Mapping[str, Callable[[], Path]], **more: Any) -> None:
        super().__init__(path_type=Path, **more)
        self.words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value not in self.words:
            return super().convert(value, param, ctx)
        try:
            return self.words[value]()
        except LookupError as error:
            self.fail(str(error), param, ctx)
