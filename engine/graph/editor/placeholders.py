"""Placeholders in file names: `%date:yyyy-MM-dd%`, and `%Node.widget%` for what another node's widget holds."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from engine.graph.editor.fit import Node
from engine.graph.editor.layout import UNSET
from engine.graph.editor.scopes import Scope
from engine.graph.editor.settings import Settings

_SAVERS = frozenset(
    {"SaveImage", "SaveImageAdvanced", "SaveSVGNode", "SaveVideo", "SaveAnimatedWEBP", "SaveAnimatedPNG", "SaveWEBM",
     "SaveAudio", "SaveAudioMP3", "SaveAudioOpus", "SaveAudioAdvanced", "SaveGLB", "Save3DAdvanced",
     "SaveGaussianSplat", "SavePointCloud", "CLIPSave", "VAESave", "ModelSave", "LoraSave", "SaveLatent"}
)  # fmt: skip
_PLACEHOLDER = re.compile(r"%([^%]+)%")
_DATE_PART = re.compile(r"yyyy|yy|MM?|dd?|hh?|mm?|ss?")
_UNFIT_FOR_FILES = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')


def names_a_file(type: str, widget: str) -> bool:
    """Whether a widget is a file name whose placeholders are filled."""
    return widget == "filename_prefix" and type in _SAVERS


class Placeholders:
    """Fills the placeholders of a text from the widgets of a workflow and the time."""

    def __init__(self, settings: Settings, scopes: Sequence[Scope], now: datetime) -> None:
        self._settings, self._scopes, self._now = settings, scopes, now

    def fill(self, value: Any) -> Any:
        """Fill in what can be; the rest stays, as the node that saves may know it. Only texts have placeholders."""
        return _PLACEHOLDER.sub(self._filled, value) if isinstance(value, str) else value

    def _filled(self, match: re.Match[str]) -> str:
        if match[1].startswith("date:"):
            return format_time(self._now, match[1].removeprefix("date:"))
        node, _, widget = match[1].partition(".")
        value = self._held(node, widget)
        return match[0] if value is UNSET else _UNFIT_FOR_FILES.sub("_", _as_text(value))

    def _held(self, name: str, widget: str) -> Any:
        scope, node = self._nodes.get(name, (None, None))
        if scope is None or node is None:
            return UNSET
        return next((value for each, value in self._settings.of_node(scope, node) if each.name == widget), UNSET)

    @cached_property
    def _nodes(self) -> dict[str, tuple[Scope, Node]]:
        """The first node by each name. The name given for this purpose counts before any title."""
        found: dict[str, tuple[Scope, Node]] = {}
        nodes = [(scope, node) for scope in self._scopes for node in scope.graph.nodes.values()]
        for scope, node in nodes:
            found.setdefault(str(node.saved.properties.get("Node name for S&R")), (scope, node))
        for scope, node in nodes:
            found.setdefault(node.title, (scope, node))
        return found


def format_time(time: datetime, format: str) -> str:
    """Write a time by a pattern of yyyy yy M MM d dd h hh m mm s ss; doubled letters are padded, hours go to 23."""
    parts = {"M": time.month, "d": time.day, "h": time.hour, "m": time.minute, "s": time.second}

    def part(match: re.Match[str]) -> str:
        letters = match[0]
        if letters[0] == "y":
            return f"{time.year:04}"[-len(letters) :]
        return f"{parts[letters[0]]:0{len(letters)}}"

    return _DATE_PART.sub(part, format)


def _as_text(value: Any) -> str:
    """A value as the editor writes it: whole numbers without a point, truth in small letters."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
