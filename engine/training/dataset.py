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


def learnt_from(count: int, held: int) -> int:
    """How many of `count` examples are learnt from: all but the last tenth, of which at most `held` are held back."""
    return count - min(held, count // 10)


def measured_on(learnt: int, count: int, held: int) -> range:
    """The examples that were held back, or the first `held` of the others where there are too few for that."""
    return range(learnt, count) if learnt < count else range(min(held, count))
