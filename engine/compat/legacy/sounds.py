"""Sounds to files, by way of PyAV, which must be installed for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.weights import folders

CODECS = {"flac": "flac", "wav": "pcm_s16le", "mp3": "libmp3lame", "opus": "libopus"}
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)  # Hz


def save(
    audio: Mapping[str, Any],
    prefix: str,
    directory: Path,
    metadata: Mapping[str, str],
    format: str = "flac",
    quality: str = "128k",
) -> list[tuple[str, str]]:
    """Write each item of `waveform` (B, channels, T) in -1..1; gives (file name, sub-folder) for each.

    `quality` is bits per second, such as `128k`, or `V0` for the best variable rate of mp3. Raises ValueError for an
    unknown format, and ImportError that says what to install.
    """
    if format not in CODECS:
        msg = f"audio format {format!r} is none of {', '.join(CODECS)}"
        raise ValueError(msg)
    target = folders.current().save_target(prefix, directory)
    saved: list[tuple[str, str]] = []
    for number, waveform in enumerate(audio["waveform"].cpu()):

        def write(path: Path, waveform: Any = waveform) -> None:
            encode(path, waveform, int(audio["sample_rate"]), format, quality, metadata)

        saved.append((target.write(format, write, number).name, target.subfolder))
    return saved


def encode(path: Path, waveform: Any, sample_rate: int, format: str, quality: str, metadata: Mapping[str, str]) -> None:
    """Write one sound (channels, T) to a file."""
    try:
        import av
    except ImportError as error:
        msg = "saving sound needs PyAV: pip install av"
        raise ImportError(msg) from error
    rate = next((each for each in _OPUS_RATES if each >= sample_rate), 48000) if format == "opus" else sample_rate
    layout = "mono" if waveform.shape[0] == 1 else "stereo"
    with av.open(str(path), "w", format=format) as file:
        file.metadata.update(metadata)
        stream: Any = file.add_stream(CODECS[format], rate=rate, layout=layout)
        if format == "mp3" and quality == "V0":
            stream.codec_context.qscale = 1
        elif format in ("mp3", "opus"):
            stream.bit_rate = int(quality.removesuffix("k")) * 1000
        frame: Any = av.AudioFrame.from_ndarray(waveform.float().contiguous().numpy(), format="fltp", layout=layout)
        frame.sample_rate = sample_rate
        frame.pts = 0
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate, stream.codec_context.frame_size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
