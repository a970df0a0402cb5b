"""What sockets and widgets carry: the markers that stand in a node function's annotations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MAX_RESOLUTION = 16384  # pixels along one side; the ecosystem's own limit


@dataclass(frozen=True)
class Kind:
    """A socket of this type: `Annotated[Tensor, Kind("IMAGE")]`. `*` fits everything."""

    type: str


@dataclass(frozen=True)
class Number:
    """The range and step of an int or float widget. `round` is a granularity, or False for none."""

    min: float | None = None
    max: float | None = None
    step: float | None = None
    round: float | bool | None = None
    display: str | None = None


@dataclass(frozen=True)
class Seed:
    """A seed: any 64-bit unsigned integer, with a control for what happens to it after a run."""

    min: int = 0
    max: int = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True)
class Text:
    """A text widget. `multiline=None` leaves the option unsaid."""

    multiline: bool | None = None
    dynamic_prompts: bool = False
    placeholder: str | None = None


@dataclass(frozen=True)
class Choice:
    """One of several constants. A function is asked afresh whenever the node is described (files on disk)."""

    options: Sequence[Any] | Callable[[], Sequence[Any]]

    def now(self) -> list[Any]:
        return list(self.options() if callable(self.options) else self.options)


@dataclass(frozen=True)
class Option:
    """Any further widget option, given to clients as it is: `Option(image_upload=True)`."""

    values: tuple[tuple[str, Any], ...]

    def __init__(self, **values: Any) -> None:
        object.__setattr__(self, "values", tuple(values.items()))


@dataclass(frozen=True)
class Lazy:
    """The input is evaluated only when the node asks for it."""


@dataclass(frozen=True)
class Hidden:
    """Not a socket: filled in by the run. UNIQUE_ID, PROMPT, DYNPROMPT or EXTRA_PNGINFO."""

    keyword: str


@dataclass(frozen=True)
class Named:
    """The name an output has on the outside, where Python would say it otherwise."""

    name: str


@dataclass(frozen=True)
class Tip:
    """The tooltip of an input or output."""

    text: str


@dataclass(frozen=True)
class Each:
    """On a `**` parameter: inputs of these names, which no Python parameter could have, all with this default."""

    names: tuple[str, ...]
    default: Any = None
