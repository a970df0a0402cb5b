"""What training learns from: pictures with captions, counted and fetched by number."""

from typing import NamedTuple, Protocol

from torch import Tensor


class Example(NamedTuple):
    """One picture (height, width, 3), float32 in 0..1, and what it shows in words."""

    image: Tensor
    caption: str


class Dataset(Protocol):
    """Examples by number. The same number gives the same example, in any order and on any machine."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of every picture, in pixels."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Example: ...
