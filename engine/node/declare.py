"""`@node`: a typed function becomes a NodeType, and is handed back unchanged."""

import inspect
import types
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from engine.node.kinds import Choice, Each, Hidden, Kind, Lazy, Named, Number, Option, Seed, Text, Tip
from engine.node.spec import Input, NodeType, Outcome, Output, Question, Result

_WIDGETS: dict[Any, str] = {int: "INT", float: "FLOAT", str: "STRING", bool: "BOOLEAN"}
_DECLARED = "__heddle_node__"
_ID = "__heddle_node_id__"

F = TypeVar("F", bound=Callable[..., Any])


def node(
    category: str,
    *,
    id: str | None = None,
    title: str | None = None,
    is_output: bool = False,
    takes_lists: bool = False,
    idempotent: bool = True,
    deprecated: bool = False,
    experimental: bool = False,
    spells_combo: bool = False,
    validate: Callable[..., Any] | None = None,
    fingerprint: Callable[..., Any] | None = None,
    lazy: Callable[..., Any] | None = None,
) -> Callable[[F], F]:
    """Declare a function to be a node.

    The signature is the schema: parameters are inputs in their order (an `X | None` is an optional one), the return
    annotation gives the outputs (one `Annotated` kind, a NamedTuple of several, None for none; `list[X]` is a list
    output). The docstring's first paragraph is the tooltip. `id` is the name in workflow files, by default the
    function's own.

    `validate(…)` gets the constants it names and returns True or what is wrong; `fingerprint(…)` returns a value whose
    change makes the node run again; `lazy(…)` gets the inputs and returns the names of those that are needed now.
    """

    def declare(function: F) -> F:
        def describe() -> NodeType:
            return NodeType(
                id=id or function.__name__,
                make=lambda: _caller(function),
                inputs=tuple(_inputs(function, spells_combo)),
                outputs=tuple(_outputs(function)),
                title=title,
                category=category,
                description=(inspect.getdoc(function) or "").partition("\n\n")[0],
                module=function.__module__,
                is_output=is_output,
                takes_lists=takes_lists,
                is_async=inspect.iscoroutinefunction(function),
                idempotent=idempotent,
                deprecated=deprecated,
                experimental=experimental,
                spells_combo=spells_combo,
                validator=_question(validate),
                fingerprint=_question(fingerprint),
                unmet=_unmet(lazy),
            )

        setattr(function, _DECLARED, describe)
        setattr(function, _ID, id or function.__name__)
        return function

    return declare


def declared(module: types.ModuleType) -> Iterator[Callable[[], NodeType]]:
    """The descriptions of all node functions that a module defines, in their order in the file."""
    return (describe for _, describe in declared_by_id(module))


def declared_by_id(module: types.ModuleType) -> Iterator[tuple[str, Callable[[], NodeType]]]:
    """The same with their ids, which are known without describing: that may read folders from disk."""
    for value in list(vars(module).values()):
        # Not isinstance, which asks the value for its class: a deferred module would load to answer.
        is_function = issubclass(type(value), types.FunctionType)
        if is_function and hasattr(value, _ID) and value.__module__ == module.__name__:
            yield getattr(value, _ID), getattr(value, _DECLARED)


def describe(function: Callable[..., Any]) -> NodeType:
    """The node type of one declared function."""
    return getattr(function, _DECLARED)()


def as_result(returned: Any) -> Result:
    """What a node function returned, as a Result: a NamedTuple or tuple is several outputs, None is none."""
    if isinstance(returned, Result):
        return returned
    if returned is None:
        return Result()
    return Result(returned if isinstance(returned, tuple) else (returned,))


def _caller(function: Callable[..., Any]) -> Callable[..., Outcome]:
    if inspect.iscoroutinefunction(function):

        async def promise(**inputs: Any) -> Result:
            return as_result(await function(**inputs))

        return promise

    if inspect.isgeneratorfunction(function):

        def asking(**inputs: Any) -> Generator[Any, Any, Result]:
            return as_result((yield from function(**inputs)))

        return asking

    return lambda **inputs: as_result(function(**inputs))


def _unmet(function: Callable[..., Any] | None) -> Callable[[Any, Mapping[str, Any]], Any] | None:
    return None if function is None else lambda _made, inputs: function(**inputs)


_signature = cache(inspect.signature)  # a type is described for every prompt that names it, its function stays


def _question(function: Callable[..., Any] | None) -> Question | None:
    if function is None:
        return None
    parameters = _signature(function).parameters.values()
    takes_all = any(each.kind is each.VAR_KEYWORD for each in parameters)
    return Question(function, frozenset(each.name for each in parameters), takes_all)


def _inputs(function: Callable[..., Any], spells_combo: bool) -> Iterator[Input]:
    for parameter in _signature(function).parameters.values():
        for name, default in _names(parameter):
            yield _input(name, default, parameter.annotation, spells_combo)


def _names(parameter: inspect.Parameter) -> Iterator[tuple[str, Any]]:
    """What the inputs of a parameter are called, each with its default or None."""
    for mark in _unwrap(parameter.annotation)[1]:
        if isinstance(mark, Each):
            yield from ((name, mark.default) for name in mark.names)
            return
    yield parameter.name, None if parameter.default is parameter.empty else parameter.default


def _input(name: str, default: Any, annotation: Any, spells_combo: bool) -> Input:
    plain, marks, optional = _unwrap(annotation)
    found = {type(mark): mark for mark in marks}
    if hidden := found.get(Hidden):
        return Input(name, hidden.keyword, "hidden")
    options: dict[str, Any] = {} if default is None else {"default": default}
    for mark in marks:
        options |= _options(mark)
    choice = Choice(get_args(plain)) if get_origin(plain) is Literal else found.get(Choice)
    if choice is not None:
        type_: Any = choice.now()
        if spells_combo:
            spelled = {"multiselect": False, "options": type_} | options
            type_, options = "COMBO", {name: value for name, value in spelled.items() if value is not None}
    elif kind := found.get(Kind):
        type_ = kind.type
    elif plain in _WIDGETS:
        type_ = _WIDGETS[plain]
    else:
        msg = f"input {name!r}: {annotation!r} is neither a widget type, a Literal, nor marked with a Kind"
        raise TypeError(msg)
    return Input(name, type_, "optional" if optional else "required", options)


def _options(mark: Any) -> dict[str, Any]:
    match mark:
        case Number(low, high, step, granularity, display):
            said = {"min": low, "max": high, "step": step, "round": granularity, "display": display}
            return {key: value for key, value in said.items() if value is not None}
        case Seed(low, high):
            return {"min": low, "max": high, "control_after_generate": True}
        case Text(multiline, dynamic_prompts, placeholder):
            said = {"multiline": multiline, "dynamicPrompts": dynamic_prompts or None, "placeholder": placeholder}
            return {key: value for key, value in said.items() if value is not None}
        case Option(values):
            return dict(values)
        case Lazy():
            return {"lazy": True}
        case Tip(text):
            return {"tooltip": text}
        case _:
            return {}


def _outputs(function: Callable[..., Any]) -> Iterator[Output]:
    returned = _signature(function).return_annotation
    origin = get_origin(returned)
    if isinstance(origin, type) and issubclass(origin, Generator):
        returned = get_args(returned)[2]
    if returned in (None, inspect.Signature.empty, Result):
        return
    fields = getattr(returned, "__annotations__", None) if hasattr(returned, "_fields") else None
    for name, annotation in (fields or {"": returned}).items():
        yield _output(name, annotation)


def _output(name: str, annotation: Any) -> Output:
    is_list = get_origin(annotation) is list
    if is_list:
        (annotation,) = get_args(annotation)
    plain, marks, _ = _unwrap(annotation)
    found = {type(mark): mark for mark in marks}
    choice = Choice(get_args(plain)) if get_origin(plain) is Literal else found.get(Choice)
    if choice is not None:
        type_: Any = choice.now()
    else:
        type_ = found[Kind].type if Kind in found else _WIDGETS[plain]
    if Named in found:
        name = found[Named].name
    elif not name or name.upper() == type_:
        name = type_ if isinstance(type_, str) else "COMBO"
    tip = found.get(Tip)
    return Output(name, type_, is_list, tip.text if tip else None)


def _unwrap(annotation: Any) -> tuple[Any, list[Any], bool]:
    """The bare type, all markers around it (outer ones last, so that they win), and whether None is allowed."""
    if get_origin(annotation) is Annotated:
        plain, marks, optional = _unwrap(annotation.__origin__)
        return plain, marks + list(annotation.__metadata__), optional
    if get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation):
        (inner,) = (each for each in get_args(annotation) if each is not type(None))
        plain, marks, _ = _unwrap(inner)
        return plain, marks, True
    return annotation, [], False
