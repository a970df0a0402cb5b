"""What the engine knows of a node type: its sockets, widgets and how to call it. Nothing else is read of a node."""

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Section = Literal["required", "optional", "hidden"]


@dataclass(frozen=True)
class Input:
    """One input of a node type.

    `type` is what the node declared: a type name, a comma list of names, a `str` subclass with an equality of its own
    (packs use them as wildcards), or a list of the allowed constants. `options` are the widget's: `default`, `min`,
    `max`, `step`, `lazy`, `tooltip`, … For a hidden input `type` is its keyword, such as `"UNIQUE_ID"`.
    """

    name: str
    type: Any
    section: Section = "required"
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    is_group: bool = False  # it has no value itself: its members, with dotted names, are found by `find_input`

    @property
    def required(self) -> bool:
        return self.section == "required" and not self.is_group

    @property
    def lazy(self) -> bool:
        return bool(self.options.get("lazy"))

    @property
    def choices(self) -> Sequence[Any] | None:
        """The allowed constants of a combo, in either of its two spellings; None for other inputs."""
        if isinstance(self.type, (list, tuple)):
            return self.type
        if self.type == "COMBO" and isinstance(self.options.get("options"), (list, tuple)):
            return self.options["options"]
        return None


@dataclass(frozen=True)
class Output:
    """One output slot. With `is_list` the node returns a sequence there, one element per downstream call."""

    name: str
    type: Any
    is_list: bool = False
    tooltip: str | None = None


class ExecutionBlocker:
    """A value that stops the nodes downstream of it; with a message, the first of them reports it."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message


@dataclass(frozen=True)
class Result:
    """What one call of a node gave.

    `values` are the slots in order, or one `ExecutionBlocker` for all of them. `ui` is shown to clients and kept in
    the history. `expand` is a graph in API format that takes the node's place: `values` may then hold links into it.
    """

    values: Sequence[Any] | ExecutionBlocker = ()
    ui: Mapping[str, Any] | None = None
    expand: Mapping[str, Any] | None = None


# A call returns its result, promises it (an async node), or is a generator that asks whoever drives the run for
# denoised latents and reports its progress on the way (`engine.diffusion.drive`).
Outcome = Result | Awaitable[Result] | Generator[Any, Any, Result]


@dataclass(frozen=True)
class Question:
    """A function of a node type that is asked about inputs before the node runs: a validator or a fingerprint.

    It gets those arguments whose names are in `names`, or all of them when `takes_all`.
    """

    ask: Callable[..., Any]
    names: frozenset[str]
    takes_all: bool = False

    def wants(self, name: str) -> bool:
        return self.takes_all or name in self.names


@dataclass(frozen=True)
class NodeType:
    """A node type at the moment it was described; `make` gives a fresh callable that takes inputs by keyword.

    What `make` gave is kept for a node between runs, so that packs may keep state in it, and `unmet` is asked with it:
    `unmet(made, inputs)` names the lazy inputs that are needed now (or promises to).
    """

    id: str
    make: Callable[[], Callable[..., Outcome]]
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    title: str | None = None
    category: str = "sd"
    description: str = ""
    module: str = "nodes"
    is_output: bool = False
    takes_lists: bool = False
    is_async: bool = False
    idempotent: bool = True
    deprecated: bool = False
    experimental: bool = False
    api_node: bool = False
    spells_combo: bool = False  # combos are shown to clients as ["COMBO", {"options": […]}], not as [[…], {}]
    validator: Question | None = None
    fingerprint: Question | None = None
    unmet: Callable[[Callable[..., Outcome], Mapping[str, Any]], Any] | None = None
    find_input: Callable[[str], Input | None] | None = None  # for types that accept names they do not list
    find_output: Callable[[int], Any] | None = None  # for types with more slots than they list

    def input(self, name: str) -> Input | None:
        """The input of this name, or None; hidden inputs count."""
        for candidate in self.inputs:
            if candidate.name == name:
                return candidate
        return self.find_input(name) if self.find_input else None

    def output_type(self, slot: int) -> Any:
        """The declared type of a slot; negative slots count from the end. Raises IndexError."""
        if self.find_output is not None:
            return self.find_output(slot)
        return self.outputs[slot].type

    @property
    def hidden(self) -> tuple[Input, ...]:
        return tuple(each for each in self.inputs if each.section == "hidden")
