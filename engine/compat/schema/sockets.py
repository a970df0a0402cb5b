"""A type of V3 sockets, and the inputs and outputs that are declared with it: `io.Image.Input("image")`."""

import re
from typing import Any, ClassVar


class Socket:
    """One input or output as declared: the type it belongs to, and its id."""

    Parent: ClassVar[Any] = None

    def __init__(self, id: str | None, display_name: str | None, tooltip: str | None) -> None:
        self.id = id
        self.display_name = display_name
        self.tooltip = tooltip

    @property
    def io_type(self) -> Any:
        """The type name, as links are matched by it; for some outputs a list of constants."""
        return self.get_io_type()

    def get_io_type(self) -> Any:
        return self.Parent.io_type


class SocketInput(Socket):
    """An input without a widget."""

    def __init__(
        self,
        id: str,
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
        extra_dict: dict[str, Any] | None = None,
        raw_link: bool | None = None,
        advanced: bool | None = None,
    ) -> None:
        super().__init__(id, display_name, tooltip)
        self.name: str = id
        self.optional = optional
        self.lazy = lazy
        self.extra_dict = extra_dict or {}
        self.raw_link = raw_link
        self.advanced = advanced

    def as_dict(self) -> dict[str, Any]:
        """The options as clients know them; what was not said is left out."""
        return said(
            display_name=self.display_name,
            tooltip=self.tooltip,
            lazy=self.lazy,
            rawLink=self.raw_link,
            advanced=self.advanced,
        ) | dict(self.extra_dict)


class SocketOutput(Socket):
    """An output slot. With `is_output_list` the node returns a sequence there."""

    def __init__(
        self,
        id: str | None = None,
        display_name: str | None = None,
        tooltip: str | None = None,
        is_output_list: bool = False,
    ) -> None:
        super().__init__(id, display_name, tooltip)
        self.is_output_list = is_output_list


class IoType:
    """A socket type. A subclass has the type named after it (`ClipVision` is `CLIP_VISION`), unless it says another.

    Each has an `Input` and an `Output` of its own; one that a subclass defines itself is kept.
    """

    io_type: ClassVar[str] = "*"
    Type: ClassVar[Any] = Any
    Input: ClassVar[Any] = SocketInput
    Output: ClassVar[Any] = SocketOutput

    def __init_subclass__(cls, io_type: str | None = None, **others: Any) -> None:
        super().__init_subclass__(**others)
        if io_type is not None or "io_type" not in vars(cls):
            cls.io_type = io_type or upper_snake(cls.__name__)
        for part in ("Input", "Output"):
            declared = getattr(cls, part)
            setattr(cls, part, type(part, (declared,), {"Parent": cls, "__module__": cls.__module__}))


def Custom(io_type: str) -> type[IoType]:  # noqa: N802 - packs call it by this name
    """A socket type of one's own."""

    class CustomType(IoType, io_type=io_type):
        """A type known by its name alone."""

    return CustomType


def said(**options: Any) -> dict[str, Any]:
    """The options that have a value."""
    return {name: value for name, value in options.items() if value is not None}


def upper_snake(name: str) -> str:
    """`ClipVisionOutput` as `CLIP_VISION_OUTPUT`, `Load3D` as `LOAD_3D`; a name in capitals stays as it is."""
    if name.isupper():
        return name
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).upper()
