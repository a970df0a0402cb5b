"""The V3 types that clients show a widget for: numbers, text, switches and choices."""

from collections.abc import Sequence
from enum import Enum, StrEnum
from typing import Any

from engine.compat.schema.sockets import IoType, SocketInput, SocketOutput, said


class FolderType(StrEnum):
    """Which of the host's folders a file lies in."""

    input = "input"
    output = "output"
    temp = "temp"


class UploadType(StrEnum):
    """What an upload button takes; the value is the option that clients look for."""

    image = "image_upload"
    audio = "audio_upload"
    video = "video_upload"
    model = "file_upload"


class NumberDisplay(StrEnum):
    """How a number is shown."""

    number = "number"
    slider = "slider"


class RemoteOptions:
    """Choices that clients fetch themselves. `timeout` and `refresh` are milliseconds."""

    def __init__(
        self,
        route: str,
        refresh_button: bool,
        control_after_refresh: str = "first",
        timeout: int | None = None,
        max_retries: int | None = None,
        refresh: int | None = None,
    ) -> None:
        self.route = route
        self.refresh_button = refresh_button
        self.control_after_refresh = control_after_refresh
        self.timeout = timeout
        self.max_retries = max_retries
        self.refresh = refresh

    def as_dict(self) -> dict[str, Any]:
        return said(**vars(self))


class WidgetInput(SocketInput):
    """An input with a widget. `default` is what the widget starts with; the run never fills it in."""

    def __init__(
        self,
        id: str,
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        lazy: bool | None = None,
        default: Any = None,
        socketless: bool | None = None,
        widget_type: str | None = None,
        force_input: bool | None = None,
        extra_dict: dict[str, Any] | None = None,
        raw_link: bool | None = None,
        advanced: bool | None = None,
    ) -> None:
        super().__init__(id, display_name, optional, tooltip, lazy, extra_dict, raw_link, advanced)
        self.default = default.value if isinstance(default, Enum) else default
        self.socketless = socketless
        self.widget_type = widget_type
        self.force_input = force_input

    def as_dict(self) -> dict[str, Any]:
        return (
            said(
                default=self.default,
                socketless=self.socketless,
                widgetType=self.widget_type,
                forceInput=self.force_input,
            )
            | super().as_dict()
        )


class Int(IoType):
    """A whole number."""

    class Input(WidgetInput):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: int | None = None,
            min: int | None = None,
            max: int | None = None,
            step: int | None = None,
            control_after_generate: bool | str | None = None,
            display_mode: NumberDisplay | None = None,
            **common: Any,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy, default, **common)
            self.min, self.max, self.step = min, max, step
            self.control_after_generate = control_after_generate
            self.display_mode = display_mode

        def as_dict(self) -> dict[str, Any]:
            return super().as_dict() | said(
                min=self.min,
                max=self.max,
                step=self.step,
                control_after_generate=plain(self.control_after_generate),
                display=plain(self.display_mode),
            )


class Float(IoType):
    """A number. `round` is a granularity, or False for none."""

    class Input(WidgetInput):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: float | None = None,
            min: float | None = None,
            max: float | None = None,
            step: float | None = None,
            round: float | bool | None = None,
            display_mode: NumberDisplay | None = None,
            **common: Any,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy, default, **common)
            self.min, self.max, self.step, self.round = min, max, step, round
            self.display_mode = display_mode

        def as_dict(self) -> dict[str, Any]:
            numbers = said(min=self.min, max=self.max, step=self.step, round=self.round)
            return super().as_dict() | numbers | said(display=plain(self.display_mode))


class String(IoType):
    """A text. Clients are always told whether it has several lines."""

    class Input(WidgetInput):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            multiline: bool = False,
            placeholder: str | None = None,
            default: str | None = None,
            dynamic_prompts: bool | None = None,
            **common: Any,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy, default, **common)
            self.multiline = multiline
            self.placeholder = placeholder
            self.dynamic_prompts = dynamic_prompts

        def as_dict(self) -> dict[str, Any]:
            return super().as_dict() | said(
                multiline=self.multiline, placeholder=self.placeholder, dynamicPrompts=self.dynamic_prompts
            )


class Boolean(IoType):
    """A switch."""

    class Input(WidgetInput):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: bool | None = None,
            label_on: str | None = None,
            label_off: str | None = None,
            **common: Any,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy, default, **common)
            self.label_on = label_on
            self.label_off = label_off

        def as_dict(self) -> dict[str, Any]:
            return super().as_dict() | said(label_on=self.label_on, label_off=self.label_off)


Options = Sequence[Any] | type[Enum]


class Combo(IoType):
    """One of several constants: a list of them, or an Enum class whose values they are."""

    class Input(WidgetInput):
        def __init__(
            self,
            id: str,
            options: Options | None = None,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            lazy: bool | None = None,
            default: Any = None,
            control_after_generate: bool | str | None = None,
            upload: UploadType | None = None,
            image_folder: FolderType | None = None,
            remote: RemoteOptions | None = None,
            **common: Any,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, lazy, default, **common)
            self.options = constants(options)
            self.control_after_generate = control_after_generate
            self.upload = upload
            self.image_folder = image_folder
            self.remote = remote

        def as_dict(self) -> dict[str, Any]:
            return (
                super().as_dict()
                | {"multiselect": False}
                | said(
                    options=self.options,
                    control_after_generate=plain(self.control_after_generate),
                    image_folder=plain(self.image_folder),
                    remote=self.remote.as_dict() if self.remote else None,
                )
                | ({plain(self.upload): True} if self.upload else {})
            )

    class Output(SocketOutput):
        def __init__(
            self,
            id: str | None = None,
            display_name: str | None = None,
            options: Options | None = None,
            tooltip: str | None = None,
            is_output_list: bool = False,
        ) -> None:
            super().__init__(id, display_name, tooltip, is_output_list)
            self.options = constants(options) or []

        def get_io_type(self) -> list[Any]:
            return self.options


class MultiCombo(IoType, io_type="COMBO"):
    """Several of several constants."""

    class Input(Combo.Input):
        def __init__(
            self,
            id: str,
            options: Options | None = None,
            display_name: str | None = None,
            *,
            placeholder: str | None = None,
            chip: bool | None = None,
            **others: Any,
        ) -> None:
            super().__init__(id, options, display_name, **others)
            self.placeholder = placeholder
            self.chip = chip

        def as_dict(self) -> dict[str, Any]:
            return (
                super().as_dict()
                | {"multiselect": True, "multi_select": True}
                | said(placeholder=self.placeholder, chip=self.chip)
            )


def plain(value: Any) -> Any:
    """An enum member as its value, anything else as it is."""
    return value.value if isinstance(value, Enum) else value


def constants(options: Options | None) -> list[Any] | None:
    """The constants of a list or of an Enum class."""
    if options is None:
        return None
    return [plain(each) for each in options]
