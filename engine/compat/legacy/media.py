"""Videos on links, from a file or from tensors: `comfy_api.input_impl`. Reading and writing takes PyAV."""

import json
from fractions import Fraction
from io import BytesIO
from typing import Any

import torch
from torch import Tensor

from engine.compat.legacy.media_kinds import (
    AudioInput,
    VideoCodec,
    VideoComponents,
    VideoContainer,
    VideoInput,
)


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        msg = "videos need PyAV: pip install av"
        raise ImportError(msg) from error
    return av


class VideoFromFile(VideoInput):
    """A video in a file: a path, or the bytes of one."""

    def __init__(self, file: str | BytesIO) -> None:
        self._file = file

    def _opened(self) -> Any:
        if isinstance(self._file, BytesIO):
            self._file.seek(0)
        return _av().open(self._file, "r")

    def get_stream_source(self) -> str | BytesIO:
        if isinstance(self._file, BytesIO):
            self._file.seek(0)
        return self._file

    def get_dimensions(self) -> tuple[int, int]:
        with self._opened() as file:
            stream = _pictures(file)
            return stream.width, stream.height

    def get_duration(self) -> float:
        with self._opened() as file:
            stream = _pictures(file)
            if stream.duration is not None:
                return float(stream.duration * stream.time_base)
            if file.duration is not None:
                return file.duration / _av().time_base
            return float(sum(1 for _ in file.decode(stream)) / stream.average_rate)

    def get_container_format(self) -> str:
        with self._opened() as file:
            return file.format.name

    def get_components(self) -> VideoComponents:
        with self._opened() as file:
            stream = _pictures(file)
            rate = Fraction(stream.average_rate)
            frames = [torch.from_numpy(frame.to_ndarray(format="rgb24")) for frame in file.decode(stream)]
            metadata = {name: _parsed(text) for name, text in file.metadata.items()}
        images = torch.stack(frames).float() / 255 if frames else torch.zeros(0, 0, 0, 3)
        return VideoComponents(images, rate, self._sound(), metadata or None)

    def _sound(self) -> AudioInput | None:
        with self._opened() as file:
            if not file.streams.audio:
                return None
            stream = file.streams.audio[0]
            resampler = _av().AudioResampler("fltp", stream.layout, stream.rate)
            parts = [part for frame in file.decode(stream) for part in resampler.resample(frame)]
            rate = stream.rate
        if not parts:
            return None
        waveform = torch.cat([torch.from_numpy(part.to_ndarray()) for part in parts], dim=1)
        return {"waveform": waveform[None], "sample_rate": rate}

    def save_to(
        self,
        path: Any,
        format: VideoContainer = VideoContainer.AUTO,
        codec: VideoCodec = VideoCodec.AUTO,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        VideoFromComponents(self.get_components()).save_to(path, format, codec, metadata)


class VideoFromComponents(VideoInput):
    """A video made of tensors."""

    def __init__(self, components: VideoComponents) -> None:
        self._components = components

    def get_components(self) -> VideoComponents:
        return self._components

    def save_to(
        self,
        path: Any,
        format: VideoContainer = VideoContainer.AUTO,  # noqa: ARG002 - both members mean MP4
        codec: VideoCodec = VideoCodec.AUTO,  # noqa: ARG002 - both members mean H.264
        metadata: dict[str, Any] | None = None,
    ) -> None:
        parts = self._components
        target = path if hasattr(path, "write") else str(path)
        with _av().open(target, "w", format="mp4", options={"movflags": "use_metadata_tags"}) as file:
            for name, value in (metadata or {}).items():
                file.metadata[name] = value if isinstance(value, str) else json.dumps(value)
            pictures: Any = file.add_stream("libx264", rate=parts.frame_rate)
            pictures.height, pictures.width = parts.images.shape[1] // 2 * 2, parts.images.shape[2] // 2 * 2
            pictures.pix_fmt = "yuv420p"
            sound: Any = None
            if parts.audio is not None:
                layout = "mono" if parts.audio["waveform"].shape[1] == 1 else "stereo"
                sound = file.add_stream("aac", rate=parts.audio["sample_rate"], layout=layout)
            for image in parts.images:
                file.mux(pictures.encode(_frame(image, pictures.width, pictures.height)))
            file.mux(pictures.encode(None))
            if parts.audio is not None:
                _add_sound(file, sound, parts.audio)


def _frame(image: Tensor, width: int, height: int) -> Any:
    pixels = (image[:height, :width, :3] * 255).clamp(0, 255).byte().cpu().numpy()
    return _av().VideoFrame.from_ndarray(pixels, format="rgb24")


def _add_sound(file: Any, stream: Any, audio: AudioInput) -> None:
    waveform = audio["waveform"][0].float().cpu().contiguous().numpy()
    frame = _av().AudioFrame.from_ndarray(waveform, format="fltp", layout=stream.layout.name)
    frame.sample_rate, frame.pts = audio["sample_rate"], 0
    file.mux(stream.encode(frame))
    file.mux(stream.encode(None))


def _pictures(file: Any) -> Any:
    if not file.streams.video:
        msg = f"{file.name or 'the file'} has no video stream"
        raise ValueError(msg)
    return file.streams.video[0]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


__all__ = ["VideoFromComponents", "VideoFromFile"]
