"""What a rule found: one problem of a prompt or of a node's input, as clients are told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.node.spec import Input


@dataclass(frozen=True)
class Problem:
    """A fault with the name, text and facts that the ecosystem's clients know it by."""

    type: str
    message: str
    details: str
    extra_info: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def about_input(cls, type: str, message: str, name: str, details: str | None = None) -> "Problem":
        """A fault for whose facts the input's name is enough."""
        return cls(type, message, name if details is None else details, {"input_name": name})

    @classmethod
    def of_input(
        cls, type: str, message: str, declared: Input, details: str | None = None, **extra_info: Any
    ) -> "Problem":
        """A fault of a declared input; the facts hold its declaration. `details` is the input's name if not given."""
        facts = {"input_name": declared.name, "input_config": input_config(declared)} | extra_info
        return cls(type, message, declared.name if details is None else details, facts)

    def as_json(self) -> dict[str, Any]:
        extra_info = dict(self.extra_info)
        return {"type": self.type, "message": self.message, "details": self.details, "extra_info": extra_info}


@dataclass(frozen=True)
class NodeProblems:
    """All problems of one node, and the outputs that cannot run because of them."""

    problems: tuple[Problem, ...]
    dependent_outputs: tuple[str, ...]
    class_type: str

    def as_json(self) -> dict[str, Any]:
        return {
            "errors": [each.as_json() for each in self.problems],
            "dependent_outputs": list(self.dependent_outputs),
            "class_type": self.class_type,
        }


def input_config(declared: Input) -> list[Any]:
    """An input's declaration as its node would write it: type and options."""
    return [declared.type, dict(declared.options)]
