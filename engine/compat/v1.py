"""A class of the ecosystem's first generation (`INPUT_TYPES`, `RETURN_TYPES`, `FUNCTION`) to a NodeType."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, cast

from engine.compat import results
from engine.node.spec import Input, NodeType, Outcome, Output, Question, Result, Section

SECTIONS: tuple[Section, ...] = ("required", "optional", "hidden")


def describe(id: str, cls: Any, title: str | None = None) -> NodeType:
    """The node type that a class declares at this moment: `INPUT_TYPES` is asked anew, choices may have changed.

    Without a `title` clients show the id. Raises whatever the class's own code raises.
    """
    declared: Mapping[str, Any] = cls.INPUT_TYPES()
    is_listed_in_full = type(cls.RETURN_TYPES) in (tuple, list)
    return NodeType(
        id=id,
        make=lambda: _make(cls),
        inputs=tuple(_inputs(declared)),
        outputs=tuple(_outputs(cls)),
        title=title,
        category=getattr(cls, "CATEGORY", "sd"),
        description=getattr(cls, "DESCRIPTION", ""),
        module=getattr(cls, "RELATIVE_PYTHON_MODULE", "nodes"),
        is_output=getattr(cls, "OUTPUT_NODE", False) is True,
        takes_lists=bool(getattr(cls, "INPUT_IS_LIST", False)),
        is_async=inspect.iscoroutinefunction(getattr(cls, cls.FUNCTION, None)),
        idempotent=not getattr(cls, "NOT_IDEMPOTENT", False),
        deprecated=bool(getattr(cls, "DEPRECATED", False)),
        experimental=bool(getattr(cls, "EXPERIMENTAL", False)),
        api_node=bool(getattr(cls, "API_NODE", False)),
        validator=_validator(getattr(cls, "VALIDATE_INPUTS", None)),
        fingerprint=_fingerprint(getattr(cls, "IS_CHANGED", None)),
        unmet=_unmet if hasattr(cls, "check_lazy_status") else None,
        find_input=_finder(declared),
        find_output=None if is_listed_in_full else lambda slot: cls.RETURN_TYPES[slot],
    )


class Bound:
    """A node's function on an instance of its class, which lives as long as the node does and may keep state."""

    def __init__(self, instance: Any, function: str, slots: int | None) -> None:
        self.instance = instance
        self.function = function
        self.slots = slots  # how many values count, where the class says it

    def __call__(self, **inputs: Any) -> Outcome:
        return results.of_v1(getattr(self.instance, self.function)(**inputs), self.slots)


class AsyncBound(Bound):
    """The same for a function that promises its values."""

    async def __call__(self, **inputs: Any) -> Result:
        return results.of_v1(await getattr(self.instance, self.function)(**inputs), self.slots)


def _make(cls: Any) -> Bound:
    instance = cls()
    is_async = inspect.iscoroutinefunction(getattr(instance, cls.FUNCTION))
    flags = getattr(cls, "OUTPUT_IS_LIST", None)
    return (AsyncBound if is_async else Bound)(instance, cls.FUNCTION, None if flags is None else len(flags))


def _unmet(made: Callable[..., Any], inputs: Mapping[str, Any]) -> list[str] | Awaitable[list[str]]:
    return names_of(cast("Bound", made).instance.check_lazy_status(**inputs))


def names_of(asked: Any) -> list[str] | Awaitable[list[str]]:
    """The inputs that a `check_lazy_status` wants, or the promise of them; only a list counts as an answer."""
    if inspect.isawaitable(asked):

        async def wait() -> list[str]:
            answer = await asked
            return answer if isinstance(answer, list) else []

        return wait()
    return cast("list[str]", asked) if isinstance(asked, list) else []


def _inputs(declared: Mapping[str, Any]) -> Iterator[Input]:
    for section in SECTIONS:
        for name, spec in declared.get(section, {}).items():
            yield _input(name, spec, section)


def _input(name: str, spec: Any, section: Section) -> Input:
    if section == "hidden":
        return Input(name, spec, section)
    # A bare string where a tuple was meant is read by its characters, as the reference host does; it is still listed.
    options = spec[1] if len(spec) > 1 else {}
    return Input(name, spec[0], section, cast("Mapping[str, Any]", options) if isinstance(options, Mapping) else {})


def _finder(declared: Mapping[str, Any]) -> Callable[[str], Input | None] | None:
    """Packs subclass `dict` so that a section has every name: such names are found, though no listing shows them."""
    if all(type(declared.get(section, {})) is dict for section in SECTIONS):
        return None

    def find(name: str) -> Input | None:
        for section in SECTIONS:
            names = declared.get(section, {})
            if name in names:
                return _input(name, names[name], section)
        return None

    return find


def _outputs(cls: Any) -> Iterator[Output]:
    types = cls.RETURN_TYPES
    names = getattr(cls, "RETURN_NAMES", None) or ()
    lists = getattr(cls, "OUTPUT_IS_LIST", None) or ()
    tips = getattr(cls, "OUTPUT_TOOLTIPS", None) or ()
    for slot in range(len(types)):
        type_ = types[slot]
        unnamed = type_ if isinstance(type_, str) else "COMBO"
        name = names[slot] if slot < len(names) else unnamed
        is_list = bool(lists[slot]) if slot < len(lists) else False
        yield Output(name, type_, is_list, tips[slot] if slot < len(tips) else None)


def _validator(function: Any) -> Question | None:
    if function is None:
        return None
    names, takes_all = asked_of(function)
    if not names and not takes_all and not inspect.ismethod(function):
        return None  # a static method without parameters can judge nothing, and is never called
    return Question(function, names, takes_all)


def asked_of(function: Callable[..., Any]) -> tuple[frozenset[str], bool]:
    """The parameters of a function by name, without its bound first one, and whether it takes any name.

    Keyword-only parameters are not seen: packs rely on that.
    """
    spec = inspect.getfullargspec(function)
    return frozenset(spec.args[1:] if inspect.ismethod(function) else spec.args), spec.varkw is not None


def _fingerprint(function: Any) -> Question | None:
    """It gets every declared constant and hidden value; if its signature refuses some, the node runs every time."""
    return None if function is None else Question(function, frozenset(), takes_all=True)
