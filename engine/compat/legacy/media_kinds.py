"""The kinds of pictures, sounds and videos that packs name in annotations: `comfy_api.input` and `comfy_api.util`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, TypedDict

from torch import Tensor

ImageInput = Tensor
MaskInput = Tensor
CurveInput = Any


class LatentInput(TypedDict, total=False):
    """samples (B, C, h, w), and what goes with them."""

    samples: Tensor
    noise_mask: Tensor
    batch_index: list[int]


class AudioInput(TypedDict):
    """waveform (B, channels, T) in -1..1, sample_rate in Hz."""

    waveform: Tensor
    sample_rate: int


class VideoCodec(StrEnum):
    """How the pictures of a video are coded."""

    AUTO = "auto"
    H264 = "h264"

    @classmethod
    def as_input(cls) -> list[str]:
        return [each.value for each in cls]


class VideoContainer(StrEnum):
    """The format of a video file."""

    AUTO = "auto"
    MP4 = "mp4"

    @classmethod
    def as_input(cls) -> list[str]:
        return [each.value for each in cls]

    @classmethod
    def get_extension(cls, value: Any) -> str:
        """The suffix of files in this format, without its dot."""
        return "mp4" if cls(value) in (cls.MP4, cls.AUTO) else ""


@dataclass
class VideoComponents:
    """A video taken apart: images (T, H, W, C) in 0..1, sound or None, frames per second."""

    images: Tensor
    frame_rate: Fraction
    audio: AudioInput | None = None
    metadata: dict[str, Any] | None = None


class VideoInput(ABC):
    """A video on a link."""

    @abstractmethod
    def get_components(self) -> VideoComponents:
        """The video as tensors."""

    @abstractmethod
    def save_to(
        self,
        path: Any,
        format: VideoContainer = VideoContainer.AUTO,
        codec: VideoCodec = VideoCodec.AUTO,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Write the video to a path or an open file."""

    def get_stream_source(self) -> Any:
        """A path or an open file that the video can be read from."""
        from io import BytesIO

        written = BytesIO()
        self.save_to(written)
        written.seek(0)
        return written

    def get_dimensions(self) -> tuple[int, int]:
        """Width and height in pixels."""
        images = self.get_components().images
        return images.shape[2], images.shape[1]

    def get_duration(self) -> float:
        """Seconds."""
        parts = self.get_components()
        return float(len(parts.images) / parts.frame_rate)

    def get_container_format(self) -> str:
        """The name of the file format."""
        return VideoContainer.MP4.value
