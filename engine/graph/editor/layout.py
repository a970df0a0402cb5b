"""The widgets and input slots that the editor gives a node, read off the definition of its type.

Which widgets there are can depend on the values of earlier ones, so laying out asks for the values as it goes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.graph.editor.saved import ANY, Slot

UNSET: Any = object()  # the value of a widget that has none: it is not sent
COMBO = "COMBO"

Definition = Mapping[str, Any]  # one entry of /object_info
ValueOf = Callable[["Widget"], Any]

_DEFAULTS = {"INT": 0, "FLOAT": 0.0, "STRING": "", "BOOLEAN": False, "IMAGECOMPARE": ["", ""]}
_WIDGET_TYPES = frozenset(_DEFAULTS) | {
    COMBO, "COLOR", "COLORS", "MARKDOWN", "TEXTAREA", "BOUNDING_BOX", "BOUNDING_BOXES", "CURVE", "RANGE", "CHART",
    "GALLERIA", "PAINTER", "WEBCAM", "AUDIO_RECORD", "LOAD_3D"
}  # fmt: skip
_UPLOADS = ("image_upload", "video_upload", "animated_image_upload")
_AUDIO_PLAYERS = frozenset(
    {"LoadAudio", "SaveAudio", "SaveAudioMP3", "SaveAudioOpus", "SaveAudioAdvanced", "PreviewAudio"}
)
_MOST_ROWS = 100
_MOST_GROUPS = 20


@dataclass(frozen=True)
class Widget:
    """One widget. `is_saved`: it has a place in `widgets_values`; `is_sent`: its value belongs in a prompt."""

    name: str
    type: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    default: Any = UNSET
    is_saved: bool = True
    is_sent: bool = True

    @property
    def choices(self) -> Sequence[Any]:
        found = self.options.get("options")
        return found if isinstance(found, Sequence) else ()


@dataclass(frozen=True)
class Input:
    """One input of a definition; a list of choices has become the type COMBO with the option `options`."""

    name: str
    type: str
    options: Mapping[str, Any]
    is_required: bool

    @property
    def kind(self) -> str:
        """What decides on the widget: a definition may lend one type's widget to the data of another."""
        return str(self.options.get("widgetType") or self.type)

    @property
    def forces_socket(self) -> bool:
        return bool(self.options.get("forceInput") or (not self.is_required and self.options.get("defaultInput")))

    @property
    def has_widget(self) -> bool:
        return not self.forces_socket and (self.kind in _WIDGET_TYPES or self.kind == "COMFY_DYNAMICCOMBO_V3")


@dataclass(frozen=True)
class Layout:
    """The widgets with their values, in the order of the editor, and the input slots of a fresh node."""

    widgets: tuple[tuple[Widget, Any], ...]
    slots: tuple[Slot, ...]


def default_value(widget: Widget) -> Any:
    """What a widget holds before anybody touched it."""
    return widget.default


def lay_out(definition: Definition, value_of: ValueOf = default_value) -> Layout:
    """Lay out a node, asking `value_of` for the value of each widget in turn."""
    laying = _Laying(value_of)
    type = str(definition.get("name", ""))
    for each in inputs_of(definition):
        laying.add(each)
        laying.add_followers(type, each.name)
    laying.add_last(type, definition)
    return Layout(tuple(laying.widgets), (*laying.sockets, *laying.widget_slots))


def inputs_of(definition: Definition) -> list[Input]:
    """Required inputs, then optional ones, each in the order the definition asks for; unordered ones come last."""
    order = definition.get("input_order") or {}
    sections: Mapping[str, Any] = definition.get("input") or {}
    return list(_in_order(sections, order))


def _in_order(sections: Mapping[str, Any], order: Mapping[str, Any]) -> Iterator[Input]:
    specs = {section: sections.get(section) or {} for section in ("required", "optional")}
    named = {section: [name for name in order.get(section) or () if name in specs[section]] for section in specs}
    left = {section: [name for name in specs[section] if name not in named[section]] for section in specs}
    for names in (named, left):
        for section in specs:
            yield from (_input(name, specs[section][name], section == "required") for name in names[section])


def _input(name: str, spec: Any, is_required: bool) -> Input:
    first, second = (*spec, None)[:2] if isinstance(spec, Sequence) and spec else (ANY, None)
    options = second if isinstance(second, Mapping) else {}
    if isinstance(first, Sequence) and not isinstance(first, str):
        return Input(name, COMBO, {**options, "options": first}, is_required)
    return Input(name, str(first), options, is_required)


class _Laying:
    """A node under construction: sockets stand before widget slots, whatever order they are met in."""

    def __init__(self, value_of: ValueOf) -> None:
        self._value_of = value_of
        self.widgets: list[tuple[Widget, Any]] = []
        self.sockets: list[Slot] = []
        self.widget_slots: list[Slot] = []

    def add(self, item: Input) -> None:
        if item.type == "COMFY_AUTOGROW_V3":
            self._add_rows(item)
        elif item.type == "COMFY_DYNAMICGROUP_V3":
            self._add_groups(item)
        elif item.type == "COMFY_MATCHTYPE_V3":
            template: Mapping[str, Any] = item.options.get("template") or {}
            self.sockets.append(Slot(item.name, str(template.get("allowed_types") or ANY)))
        elif not item.has_widget:
            self.sockets.append(Slot(item.name, item.type))
        elif item.kind == "COMFY_DYNAMICCOMBO_V3":
            self._add_dynamic_combo(item)
        else:
            self._add_plain(item)

    def _ask(self, widget: Widget) -> Any:
        value = self._value_of(widget)
        self.widgets.append((widget, value))
        return value

    def _ask_unsent(self, name: str, default: Any, type: str = "", is_saved: bool = True) -> None:
        """A widget that serves the editor alone; with a type, it has a slot of that type."""
        self._ask(Widget(name, type, {}, default, is_saved, is_sent=False))
        if type:
            self.widget_slots.append(Slot(name, type, widget=name))

    def _add_plain(self, item: Input) -> None:
        self._ask(Widget(item.name, item.kind, item.options, _default(item), item.type != "IMAGECOMPARE"))
        if not item.options.get("socketless"):
            self.widget_slots.append(Slot(item.name, item.type, widget=item.name))
        if _is_controlled(item):
            self._ask_unsent("control_after_generate", "randomize")
            if item.kind == COMBO:
                self._ask_unsent("control_filter", "")

    def _add_dynamic_combo(self, item: Input) -> None:
        """The combo, then the inputs of its selected option, whose slots stand before the combo's own."""
        options = [each for each in item.options.get("options") or () if isinstance(each, Mapping)]
        by_key = {each.get("key"): each for each in options}
        choices = {"options": list(by_key)}
        default = item.options.get("default", next(iter(by_key), UNSET))
        chosen = self._ask(Widget(item.name, COMBO, choices, default))
        option = by_key.get(chosen) if isinstance(chosen, str) else None
        for each in inputs_of({"input": option.get("inputs") or {}} if option else {}):
            self.add(Input(f"{item.name}.{each.name}", each.type, each.options, each.is_required))
        self.widget_slots.append(Slot(item.name, item.type, widget=item.name))

    def _add_rows(self, item: Input) -> None:
        """The least number of rows and an empty one; a file's further rows are kept as slots of its own."""
        template: Mapping[str, Any] = item.options.get("template") or {}
        row = inputs_of({"input": template.get("input") or {}})
        names = template.get("names")
        most = int(template.get("max") or (len(names) if names else _MOST_ROWS))
        for number in range(min(int(template.get("min") or 0) + 1, most)):
            for each in row:
                prefix = template.get("prefix") if len(row) == 1 else each.name
                base = names[number] if names and number < len(names) else f"{prefix or each.name}{number}"
                self.sockets.append(Slot(f"{item.name}.{base}", each.type))

    def _add_groups(self, item: Input) -> None:
        """The number of rows, saved but not sent, then the fields of each row."""
        template: Mapping[str, Any] = item.options.get("template") or {}
        least = int(item.options.get("min") or template.get("min") or 0)
        count = self._value_of(widget := Widget(item.name, "INT", {}, least, is_sent=False))
        self.widgets.append((widget, count))
        for row in range(min(count, _MOST_GROUPS) if isinstance(count, int) else least):
            for each in inputs_of({"input": template}):
                self.add(Input(f"{item.name}.{row}.{each.name}", each.type, each.options, each.is_required))

    def add_followers(self, type: str, name: str) -> None:
        """What the editor puts right after one input of some single types."""
        match type, name:
            case "Load3D", "model_file":
                for each in ("upload 3d model", "upload extra resources", "clear"):
                    self._ask_unsent(each, UNSET)
            case "LoadImageOutput", "image":
                self._ask_unsent("Auto-refresh after generation", False)
                self._ask_unsent("refresh", UNSET)
            case "RecordAudio", "audio":
                self._ask_unsent("audio", UNSET)
            case "CustomCombo", "choice":
                self._ask(Widget("index", "INT", {}, 0))
                number = 1
                while self._ask(Widget(f"option{number}", "STRING", {}, "")):
                    number += 1
            case _:
                pass

    def add_last(self, type: str, definition: Definition) -> None:
        """What the editor appends after all inputs: players, previews and buttons."""
        inputs = inputs_of(definition)
        if type in _AUDIO_PLAYERS:
            self._ask_unsent("audioUI", UNSET, "AUDIO_UI", is_saved=False)
        if type in ("Preview3D", "SaveGLB"):
            self._ask_unsent("image", UNSET, "PREVIEW_3D")
        if type == "WebcamCapture":
            self._ask_unsent("waiting for camera...", UNSET)
        if type in ("PreviewAny", "SaveText"):
            self._ask_unsent("preview_text", UNSET, is_saved=False)
            self._ask_unsent("preview_mode", UNSET, is_saved=False)
        if any(each.options.get(key) for each in inputs if each.is_required for key in _UPLOADS):
            self._ask_unsent("upload", "image", "IMAGEUPLOAD")
        if any(each.options.get("audio_upload") for each in inputs):
            self._ask_unsent("upload", "", "AUDIOUPLOAD")


def _is_controlled(item: Input) -> bool:
    asked = item.options.get("control_after_generate")
    if item.kind == "INT" and asked is None:
        return item.name in ("seed", "noise_seed")
    return bool(asked) and item.kind in ("INT", "FLOAT", COMBO)


def _default(item: Input) -> Any:
    if "default" in item.options:
        return item.options["default"]
    if item.kind == COMBO:
        choices = item.options.get("options")
        if item.options.get("multi_select"):
            return []
        return choices[0] if isinstance(choices, Sequence) and choices else UNSET
    return _DEFAULTS.get(item.kind, UNSET)
