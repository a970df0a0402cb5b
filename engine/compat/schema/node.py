"""`io.ComfyNode`: what a V3 class inherits, and the locked copy of it that each call is made on."""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

from engine.compat.schema.declaration import HiddenHolder, Schema
from engine.compat.schema.groups import as_sections


class NodeClass(type):
    """Shows a schema under the attribute names of the first generation, and locks the copies that calls are made on."""

    def __setattr__(cls, name: str, value: Any) -> None:
        if cls.__dict__.get("_is_locked"):
            msg = f"Cannot modify class attribute '{name}' on locked class '{cls.__name__}'"
            raise AttributeError(msg)
        super().__setattr__(name, value)

    def GET_SCHEMA(cls) -> Schema:  # noqa: N802 - the ecosystem's name, as are all in capitals here
        """The schema as it is now, checked and completed. Raises ValueError for one that is inconsistent."""
        cls.VALIDATE_CLASS()
        schema: Schema = cls.define_schema()  # pyright: ignore[reportAttributeAccessIssue]
        schema.validate()
        schema.finalize()
        return schema

    def VALIDATE_CLASS(cls) -> None:  # noqa: N802
        """Raise an Exception that names the class and the function that it lacks."""
        for function in ("define_schema", "execute"):
            if not cls.overrides(function):
                msg = f"No {function} function was defined for node class {cls.__name__}."
                raise Exception(msg)  # noqa: TRY002 - the very type that packs and clients know

    def overrides(cls, function: str) -> bool:
        """Whether a class below ComfyNode defines this function."""
        inherited = getattr(getattr(ComfyNode, function), "__func__", None)
        return getattr(getattr(cls, function, None), "__func__", None) is not inherited

    @property
    def SCHEMA(cls) -> Schema:  # noqa: N802
        return cls.GET_SCHEMA()

    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        """The inputs in the form of the first generation."""
        schema = cls.GET_SCHEMA()
        hidden = {each.name: (each.value,) for each in schema.hidden or []}
        return as_sections(schema.inputs or []) | ({"hidden": hidden} if hidden else {})

    @property
    def RETURN_TYPES(cls) -> list[Any]:  # noqa: N802
        return [each.io_type for each in cls.GET_SCHEMA().outputs or []]

    @property
    def RETURN_NAMES(cls) -> list[str]:  # noqa: N802
        return [each.display_name or shown(each.io_type) for each in cls.GET_SCHEMA().outputs or []]

    @property
    def OUTPUT_IS_LIST(cls) -> list[bool]:  # noqa: N802
        return [each.is_output_list for each in cls.GET_SCHEMA().outputs or []]

    @property
    def OUTPUT_TOOLTIPS(cls) -> list[str | None]:  # noqa: N802
        return [each.tooltip for each in cls.GET_SCHEMA().outputs or []]

    @property
    def FUNCTION(cls) -> str:  # noqa: N802
        return "EXECUTE_NORMALIZED_ASYNC" if is_async(cls) else "EXECUTE_NORMALIZED"

    @property
    def CATEGORY(cls) -> str:  # noqa: N802
        return cls.GET_SCHEMA().category

    @property
    def DESCRIPTION(cls) -> str:  # noqa: N802
        return cls.GET_SCHEMA().description

    @property
    def OUTPUT_NODE(cls) -> bool:  # noqa: N802
        return cls.GET_SCHEMA().is_output_node

    @property
    def INPUT_IS_LIST(cls) -> bool:  # noqa: N802
        return cls.GET_SCHEMA().is_input_list

    @property
    def NOT_IDEMPOTENT(cls) -> bool:  # noqa: N802
        return cls.GET_SCHEMA().not_idempotent

    @property
    def DEPRECATED(cls) -> bool:  # noqa: N802
        return cls.GET_SCHEMA().is_deprecated

    @property
    def EXPERIMENTAL(cls) -> bool:  # noqa: N802
        return cls.GET_SCHEMA().is_experimental

    @property
    def API_NODE(cls) -> bool:  # noqa: N802
        return cls.GET_SCHEMA().is_api_node


class ComfyNode(metaclass=NodeClass):
    """A node: `define_schema` and `execute` are required, the rest counts only where a class overrides it.

    All are class methods. A call is made on a locked copy of the class: state on `cls` would be lost, so setting it is
    an error. The signatures here take anything, so that type checkers let classes name their own inputs.
    """

    hidden: ClassVar[HiddenHolder] = HiddenHolder({})
    RELATIVE_PYTHON_MODULE: ClassVar[str]

    @classmethod
    def define_schema(cls) -> Schema:
        """What the node declares; asked for whenever it is described, so choices may change."""
        raise NotImplementedError

    @classmethod
    def execute(cls, *args: Any, **inputs: Any) -> Any:
        """The node's work, sync or async."""
        raise NotImplementedError

    @classmethod
    def validate_inputs(cls, *args: Any, **inputs: Any) -> Any:
        """True, or what is wrong with the constants."""
        raise NotImplementedError

    @classmethod
    def fingerprint_inputs(cls, *args: Any, **inputs: Any) -> Any:
        """A value whose change makes the node run again."""
        raise NotImplementedError

    @classmethod
    def check_lazy_status(cls, *args: Any, **inputs: Any) -> Any:
        """The names of the lazy inputs that are needed now."""
        raise NotImplementedError

    @classmethod
    def EXECUTE_NORMALIZED(cls, **inputs: Any) -> Any:  # noqa: N802 - what FUNCTION names, for callers by that name
        """The function of a first-generation node; inputs by keyword."""
        return copied(cls, {}).execute(**inputs)

    @classmethod
    async def EXECUTE_NORMALIZED_ASYNC(cls, **inputs: Any) -> Any:  # noqa: N802
        """The same for an async node."""
        return await copied(cls, {}).execute(**inputs)


def copied(cls: type[ComfyNode], hidden: Mapping[str, Any]) -> type[ComfyNode]:
    """The throw-away class that one call is made on: it holds the hidden values, and nothing can be set on it."""
    members = {"hidden": HiddenHolder(hidden), "_is_locked": True, "__module__": cls.__module__}
    return NodeClass(f"{cls.__name__}Clone", (cls,), members)  # pyright: ignore[reportReturnType]


def is_async(cls: Any) -> bool:
    """Whether the class's `execute` promises its result."""
    return inspect.iscoroutinefunction(cls.execute)


def shown(io_type: Any) -> str:
    """A type as the name of an output without one."""
    return io_type if isinstance(io_type, str) else "COMBO"
