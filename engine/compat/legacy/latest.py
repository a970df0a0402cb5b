"""The module that packs import as `comfy_api.latest`: all that V3 packs are written with."""

from types import SimpleNamespace
from typing import Any

from engine.compat.legacy import media, media_kinds, ui
from engine.compat.schema import io
from engine.compat.schema.extension import ComfyExtension
from engine.node.context import executing

Input = SimpleNamespace(
    Image=media_kinds.ImageInput,
    Mask=media_kinds.MaskInput,
    Latent=media_kinds.LatentInput,
    Audio=media_kinds.AudioInput,
    Video=media_kinds.VideoInput,
)
InputImpl = SimpleNamespace(VideoFromFile=media.VideoFromFile, VideoFromComponents=media.VideoFromComponents)
Types = SimpleNamespace(
    VideoCodec=media_kinds.VideoCodec,
    VideoContainer=media_kinds.VideoContainer,
    VideoComponents=media_kinds.VideoComponents,
)


class Execution:
    """What a running node may tell of itself."""

    async def set_progress(
        self,
        value: float,
        max_value: float,
        node_id: str | None = None,
        preview_image: Any = None,
        ignore_size_limit: bool = False,
    ) -> None:
        """Tell how far the running node is, with a picture if there is one. Raises ValueError outside a node."""
        call = executing()
        if call is None or (node_id is not None and node_id != call.node_id):
            msg = f"progress of node {node_id!r} can only be told by that node while it runs"
            raise ValueError(msg)
        preview = None if preview_image is None else ("PNG", preview_image, None if ignore_size_limit else 512)
        call.report(value, max_value, preview)


class ComfyAPI:
    """The host, for async nodes."""

    def __init__(self) -> None:
        self.execution = Execution()


class SyncExecution:
    """The same for nodes that are not async."""

    def set_progress(self, *args: Any, **options: Any) -> None:
        """As `Execution.set_progress`."""
        promise = Execution().set_progress(*args, **options)
        try:
            promise.send(None)  # it never waits, so it need not have a loop of its own
        except StopIteration:
            return


class ComfyAPISync:
    """The host, for nodes that are not async."""

    def __init__(self) -> None:
        self.execution = SyncExecution()


IO, UI, comfy_io = io, ui, io

__all__ = [
    "IO",
    "UI",
    "ComfyAPI",
    "ComfyAPISync",
    "ComfyExtension",
    "Input",
    "InputImpl",
    "Types",
    "comfy_io",
    "io",
    "ui",
]
