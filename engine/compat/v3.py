"""A class of the ecosystem's third generation (`define_schema`, `execute`) to a NodeType."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, cast

from engine.compat import results
from engine.compat.object_info import HIDDEN
from engine.compat.schema.declaration import Schema
from engine.compat.schema.groups import GroupInput, found, nested
from engine.compat.schema.node import ComfyNode, copied, is_async, shown
from engine.compat.schema.sockets import SocketInput
from engine.compat.v1 import asked_of, names_of
from engine.node.spec import Input, NodeType, Outcome, Output, Question, Result

VALIDATION_HIDDEN = {"prompt": {}}  # what is known before a run; the node's id comes with the question


def is_v3(cls: Any) -> bool:
    """Whether this is a class of the third generation."""
    return isinstance(cls, type) and issubclass(cls, ComfyNode)


def describe(id: str, cls: type[ComfyNode], title: str | None = None) -> NodeType:
    """The node type that a class declares at this moment. Raises for a class or schema that is incomplete."""
    schema = cls.GET_SCHEMA()
    call = Call(cls, schema)
    return NodeType(
        id=id,
        make=lambda: (AsyncExecution if is_async(cls) else Execution)(call),
        inputs=tuple(_inputs(schema)),
        outputs=tuple(_outputs(schema)),
        title=title or schema.display_name,
        category=schema.category,
        description=schema.description,
        module=getattr(cls, "RELATIVE_PYTHON_MODULE", "nodes"),
        is_output=schema.is_output_node,
        takes_lists=schema.is_input_list,
        is_async=is_async(cls),
        idempotent=not schema.not_idempotent,
        deprecated=schema.is_deprecated,
        experimental=schema.is_experimental,
        api_node=schema.is_api_node,
        spells_combo=True,
        validator=_validator(call) if cls.overrides("validate_inputs") else None,
        fingerprint=_fingerprint(call) if cls.overrides("fingerprint_inputs") else None,
        unmet=_unmet if cls.overrides("check_lazy_status") else None,
        find_input=_finder(schema),
    )


class Call:
    """How a function of the class is called: on a locked copy that holds the hidden values, groups as nested dicts."""

    def __init__(self, cls: type[ComfyNode], schema: Schema) -> None:
        self.cls = cls
        self.schema = schema
        self.inputs: list[SocketInput] = schema.inputs or []
        self.has_groups = any(isinstance(each, GroupInput) for each in self.inputs)

    def __call__(self, function: str, arguments: Mapping[str, Any], with_keys: bool = False) -> Any:
        hidden = {name.removeprefix(HIDDEN): value for name, value in arguments.items() if name.startswith(HIDDEN)}
        if self.schema.is_input_list:  # they come as one-element lists, as everything does then
            hidden = {name: _only(value) for name, value in hidden.items()}
        given = {name: value for name, value in arguments.items() if not name.startswith(HIDDEN)}
        if self.has_groups:
            given = nested(self.inputs, given, with_keys)
        return getattr(copied(self.cls, hidden), function)(**given)

    def as_result(self, returned: Any) -> Result:
        return results.of_v3(returned, self.cls.__name__, self.schema.enable_expand)


class Execution:
    """A node's `execute`. The class keeps no state between calls, so neither does this."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def __call__(self, **inputs: Any) -> Outcome:
        return self.call.as_result(self.call("execute", inputs))


class AsyncExecution(Execution):
    """The same for an `execute` that promises its result."""

    async def __call__(self, **inputs: Any) -> Result:
        return self.call.as_result(await self.call("execute", inputs))


def _unmet(made: Callable[..., Any], inputs: Mapping[str, Any]) -> list[str] | Awaitable[list[str]]:
    return names_of(cast("Execution", made).call("check_lazy_status", inputs, with_keys=True))


def _inputs(schema: Schema) -> Iterator[Input]:
    for each in schema.inputs or []:
        yield _input(each)
    for each in schema.hidden or []:
        yield Input(f"{HIDDEN}{each.name}", each.value, "hidden")


def _input(each: SocketInput, name: str | None = None) -> Input:
    # A group without a value of its own cannot be required by that name: its members are what a prompt has.
    is_group = isinstance(each, GroupInput) and not each.has_value
    return Input(
        name or each.name,
        each.io_type,
        "optional" if each.optional else "required",
        each.as_dict(),
        is_group=is_group,
    )


def _finder(schema: Schema) -> Callable[[str], Input | None] | None:
    """Finds the members of groups by their dotted names, which no listing shows."""
    inputs = schema.inputs or []
    if not any(isinstance(each, GroupInput) for each in inputs):
        return None

    def find(name: str) -> Input | None:
        member = found(inputs, name)
        return _input(member, name) if member else None

    return find


def _outputs(schema: Schema) -> Iterator[Output]:
    for each in schema.outputs or []:
        yield Output(each.display_name or shown(each.io_type), each.io_type, each.is_output_list, each.tooltip)


def _validator(call: Call) -> Question:
    names, takes_all = asked_of(call.cls.validate_inputs)
    wants_id = any(each.name == "unique_id" for each in call.schema.hidden or [])

    def ask(**arguments: Any) -> Any:
        hidden = {f"{HIDDEN}{each.name}": VALIDATION_HIDDEN.get(each.name) for each in call.schema.hidden or []}
        return call("validate_inputs", hidden | arguments)

    return Question(ask, names | {f"{HIDDEN}unique_id"} if wants_id else names, takes_all)


def _fingerprint(call: Call) -> Question:
    """It is given all constants; hidden values are not known to it."""

    def ask(**arguments: Any) -> Any:
        return call("fingerprint_inputs", {name: each for name, each in arguments.items() if HIDDEN not in name})

    return Question(ask, frozenset(), takes_all=True)


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
