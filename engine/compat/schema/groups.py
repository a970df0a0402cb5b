"""V3 inputs that stand for several: rows that grow, and choices that bring inputs of their own.

Their members have dotted names in a prompt (`images.image0`) and reach the node as nested dicts.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.compat.schema.sockets import IoType, SocketInput, said

ROWS = 100  # how many rows a prefix may grow to, unless the node says another number


class GroupInput(SocketInput):
    """An input whose members have names of their own below it. `has_value` says whether it also has one itself."""

    has_value = False

    def members(self) -> Iterator[SocketInput]:
        """All inputs that may stand below this one; `name` is theirs without the group's."""
        raise NotImplementedError


class Autogrow(IoType, io_type="COMFY_AUTOGROW_V3"):
    """As many inputs of one kind as are connected."""

    class TemplatePrefix:
        """Rows named `prefix0`, `prefix1`, …"""

        def __init__(self, input: SocketInput, prefix: str, min: int = 1, max: int = ROWS) -> None:
            self.input, self.prefix, self.min, self.max = input, prefix, min, max

        @property
        def names(self) -> list[str]:
            return [f"{self.prefix}{row}" for row in range(self.max)]

        def as_dict(self) -> dict[str, Any]:
            return {"input": as_sections([self.input]), "prefix": self.prefix, "min": self.min, "max": self.max}

    class TemplateNames:
        """Rows with these names."""

        def __init__(self, input: SocketInput, names: Sequence[str], min: int = 1) -> None:
            self.input, self.names, self.min = input, list(names), min

        def as_dict(self) -> dict[str, Any]:
            return {"input": as_sections([self.input]), "names": self.names, "min": self.min}

    class Input(GroupInput):
        def __init__(self, id: str, template: Any, *others: Any, **common: Any) -> None:
            super().__init__(id, *others, **common)
            self.template = template

        def members(self) -> Iterator[SocketInput]:
            for row, name in enumerate(self.template.names):
                yield _renamed(self.template.input, name, optional=row >= self.template.min)

        def as_dict(self) -> dict[str, Any]:
            return super().as_dict() | {"template": self.template.as_dict()}


class DynamicCombo(IoType, io_type="COMFY_DYNAMICCOMBO_V3"):
    """A choice, each of whose options brings inputs of its own."""

    class Option:
        """One choice and the inputs that exist while it is chosen."""

        def __init__(self, key: str, inputs: Sequence[SocketInput]) -> None:
            self.key = key
            self.inputs = list(inputs)

        def as_dict(self) -> dict[str, Any]:
            return {"key": self.key, "inputs": as_sections(self.inputs)}

    class Input(GroupInput):
        has_value = True

        def __init__(self, id: str, options: Sequence[Any], *others: Any, **common: Any) -> None:
            super().__init__(id, *others, **common)
            self.options: list[Any] = list(options)

        def members(self) -> Iterator[SocketInput]:
            for option in self.options:
                for each in option.inputs:
                    yield _renamed(each, each.name, optional=True)  # it exists with some of the choices only

        def as_dict(self) -> dict[str, Any]:
            return super().as_dict() | {"options": [option.as_dict() for option in self.options]}


def as_sections(inputs: Sequence[SocketInput]) -> dict[str, dict[str, Any]]:
    """Inputs in the form that clients read: `{"required": {name: [type, options]}, "optional": …}`."""
    sections: dict[str, dict[str, Any]] = {"required": {}, "optional": {}}
    for each in inputs:
        sections["optional" if each.optional else "required"][each.name] = [each.io_type, each.as_dict()]
    return {name: section for name, section in sections.items() if section or name == "required"}


def found(inputs: Sequence[SocketInput], path: str) -> SocketInput | None:
    """The member that a dotted name stands for, however deep; None if no group has it."""
    for each in inputs:
        if each.name == path:
            return each
        if isinstance(each, GroupInput) and path.startswith(f"{each.name}."):
            return found(list(each.members()), path.removeprefix(f"{each.name}."))
    return None


def nested(inputs: Sequence[SocketInput], values: Mapping[str, Any], with_keys: bool = False) -> dict[str, Any]:
    """The values of a call with each group gathered into a dict; a choice stands in its group under its own name.

    `with_keys` gives `(value, dotted name)` pairs in place of the values of groups, so that a node can ask for them.
    """
    groups = [each for each in inputs if isinstance(each, GroupInput)]
    gathered = {name: value for name, value in values.items() if not any(_is_of(name, each) for each in groups)}
    for each in groups:
        below = {name: value for name, value in values.items() if _is_of(name, each)}
        if below or not (each.optional or each.has_value):
            gathered[each.name] = _tree(each, below, with_keys)
    return gathered


def _tree(group: GroupInput, values: Mapping[str, Any], with_keys: bool, prefix: str = "") -> dict[str, Any]:
    here = f"{prefix}{group.name}"
    tree: dict[str, Any] = {}
    if here in values:
        tree[group.name] = (values[here], here) if with_keys else values[here]
    inner = [each for each in group.members() if isinstance(each, GroupInput)]
    for name, value in values.items():
        rest = name.removeprefix(f"{here}.")
        if name != here and not any(_is_of(rest, each) for each in inner):
            tree[rest] = (value, name) if with_keys else value
    for each in inner:
        below = {name: value for name, value in values.items() if _is_of(name.removeprefix(f"{here}."), each)}
        if below:
            tree[each.name] = _tree(each, below, with_keys, f"{here}.")
    return tree


def _is_of(name: str, group: GroupInput) -> bool:
    return name == group.name or name.startswith(f"{group.name}.")


def _renamed(declared: SocketInput, name: str, optional: bool) -> SocketInput:
    """The same declaration under another name."""
    copy = object.__new__(type(declared))
    vars(copy).update(vars(declared) | said(id=name, name=name, optional=optional or declared.optional))
    return copy
