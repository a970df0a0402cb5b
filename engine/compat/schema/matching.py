"""V3 sockets that take several types: any, a few named ones, or whatever a template resolves to."""

from typing import Any

from engine.compat.schema.sockets import IoType, SocketInput, SocketOutput
from engine.compat.schema.widgets import WidgetInput


class AnyType(IoType, io_type="*"):
    """Fits everything."""


class MultiType(IoType, io_type="*"):
    """Fits each of several types. Given an input instead of an id, its widget is kept and its type comes first."""

    class Input(SocketInput):
        def __init__(self, id: str | SocketInput, types: list[Any], *others: Any, **common: Any) -> None:
            self.widget = id if isinstance(id, SocketInput) else None
            if self.widget is None:
                super().__init__(str(id), *others, **common)
            else:
                said_before = {"display_name": self.widget.display_name, "optional": self.widget.optional}
                said_before |= {"tooltip": self.widget.tooltip, "lazy": self.widget.lazy}
                super().__init__(self.widget.name, *others, **(said_before | common))
            self.types = types

        def get_io_type(self) -> str:
            own = [self.widget.io_type] if self.widget else []
            return ",".join(dict.fromkeys(own + [each.io_type for each in self.types]))

        def as_dict(self) -> dict[str, Any]:
            if self.widget is None:
                return super().as_dict()
            kept = {"widgetType": self.widget.io_type} if isinstance(self.widget, WidgetInput) else {}
            return self.widget.as_dict() | kept | super().as_dict()


class MatchType(IoType, io_type="COMFY_MATCHTYPE_V3"):
    """Sockets that share a template all carry one type: that of whatever is connected to the first of them."""

    class Template:
        """`allowed_types` is one type or a list of them; any type, if it is left out."""

        def __init__(self, template_id: str, allowed_types: Any = AnyType) -> None:
            self.template_id = template_id
            self.allowed_types: list[Any] = allowed_types if isinstance(allowed_types, list) else [allowed_types]

        def as_dict(self) -> dict[str, Any]:
            allowed = ",".join(each.io_type for each in self.allowed_types)
            return {"template_id": self.template_id, "allowed_types": allowed}

    class Input(SocketInput):
        def __init__(self, id: str, template: "MatchType.Template", *others: Any, **common: Any) -> None:
            super().__init__(id, *others, **common)
            self.template = template

        def as_dict(self) -> dict[str, Any]:
            return super().as_dict() | {"template": self.template.as_dict()}

    class Output(SocketOutput):
        def __init__(
            self,
            template: "MatchType.Template",
            id: str | None = None,
            display_name: str | None = None,
            tooltip: str | None = None,
            is_output_list: bool = False,
        ) -> None:
            super().__init__(id, display_name, tooltip, is_output_list)
            self.template = template
