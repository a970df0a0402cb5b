"""`comfy_api.latest.ui`: what a V3 node shows, and helpers that save what it shows."""

import random
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.compat.legacy import cli_args, pictures, sounds
from engine.compat.schema.node import ComfyNode
from engine.compat.schema.widgets import FolderType
from engine.weights import folders

Class = type[ComfyNode] | None


class SavedResult(dict[str, Any]):
    """A file that was saved: what clients are told, and as attributes."""

    def __init__(self, filename: str, subfolder: str, type: FolderType) -> None:
        super().__init__(filename=filename, subfolder=subfolder, type=FolderType(type).value)

    @property
    def filename(self) -> str:
        return self["filename"]

    @property
    def subfolder(self) -> str:
        return self["subfolder"]

    @property
    def type(self) -> FolderType:
        return FolderType(self["type"])


class SavedImages:
    """Images that clients show."""

    def __init__(self, results: Sequence[SavedResult], is_animated: bool = False) -> None:
        self.results = list(results)
        self.is_animated = is_animated

    def as_dict(self) -> dict[str, Any]:
        return {"images": self.results} | ({"animated": (True,)} if self.is_animated else {})


class SavedAudios:
    """Sounds that clients play."""

    def __init__(self, results: Sequence[SavedResult]) -> None:
        self.results = list(results)

    def as_dict(self) -> dict[str, Any]:
        return {"audio": self.results}


class PreviewImage:
    """Images (B, H, W, C) written to the temporary folder at once, for clients to show."""

    def __init__(self, image: Tensor, animated: bool = False, cls: Class = None) -> None:
        prefix = "ComfyUI_temp_" + "".join(random.choices(string.ascii_lowercase, k=5))
        self.values = ImageSaveHelper.save_images(image, prefix, FolderType.temp, cls, compress_level=1)
        self.animated = animated

    def as_dict(self) -> dict[str, Any]:
        return {"images": self.values, "animated": (self.animated,)}


class PreviewMask(PreviewImage):
    """The same for masks (B, H, W)."""

    def __init__(self, mask: Tensor, animated: bool = False, cls: Class = None) -> None:
        planes = mask.reshape(-1, mask.shape[-2], mask.shape[-1], 1)
        super().__init__(planes.expand(-1, -1, -1, 3), animated, cls)


class PreviewAudio:
    """A sound written to the temporary folder at once, for clients to play."""

    def __init__(self, audio: Mapping[str, Any], cls: Class = None) -> None:
        prefix = "ComfyUI_temp_" + "".join(random.choices(string.ascii_lowercase, k=5))
        self.values = AudioSaveHelper.save_audio(audio, prefix, FolderType.temp, cls)

    def as_dict(self) -> dict[str, Any]:
        return {"audio": self.values}


class PreviewVideo:
    """Videos that were saved, for clients to play."""

    def __init__(self, values: Sequence[SavedResult | Mapping[str, Any]], **_: Any) -> None:
        self.values = list(values)

    def as_dict(self) -> dict[str, Any]:
        return {"images": self.values, "animated": (True,)}


class PreviewUI3D:
    """A model file for clients to turn around."""

    def __init__(self, model_file: str, camera_info: Any, **_: Any) -> None:
        self.model_file = model_file
        self.camera_info = camera_info

    def as_dict(self) -> dict[str, Any]:
        return {"result": [self.model_file, self.camera_info]}


class PreviewText:
    """A text for clients to show."""

    def __init__(self, value: str, **_: Any) -> None:
        self.value = value

    def as_dict(self) -> dict[str, Any]:
        return {"text": (self.value,)}


class ImageSaveHelper:
    """Writes images into one of the host's folders; with `cls` the prompt goes into the files."""

    @staticmethod
    def save_images(
        images: Tensor,
        filename_prefix: str,
        folder_type: FolderType,
        cls: Class = None,
        compress_level: int = 4,
    ) -> list[SavedResult]:
        """Each image (B, H, W, C) as a PNG."""
        saved = pictures.save_pngs(images, filename_prefix, directory(folder_type), chunks_of(cls), compress_level)
        return [SavedResult(name, subfolder, folder_type) for name, subfolder in saved]

    @staticmethod
    def get_save_images_ui(
        images: Tensor, filename_prefix: str, cls: Class = None, compress_level: int = 4
    ) -> SavedImages:
        """The same into the outputs, as something to show."""
        return SavedImages(ImageSaveHelper.save_images(images, filename_prefix, FolderType.output, cls, compress_level))

    @staticmethod
    def save_animated_png(
        images: Tensor,
        filename_prefix: str,
        folder_type: FolderType,
        cls: Class,
        fps: float,
        compress_level: int,
    ) -> SavedResult:
        """All images as one animated PNG."""
        chunks = chunks_of(cls)
        options = {"compress_level": compress_level}
        saved = pictures.save_animation(images, filename_prefix, directory(folder_type), chunks, fps, "png", **options)
        return SavedResult(*saved, folder_type)

    @staticmethod
    def get_save_animated_png_ui(
        images: Tensor, filename_prefix: str, cls: Class, fps: float, compress_level: int
    ) -> SavedImages:
        """The same into the outputs, as something to show."""
        saved = ImageSaveHelper.save_animated_png(images, filename_prefix, FolderType.output, cls, fps, compress_level)
        return SavedImages([saved], is_animated=len(images) > 1)

    @staticmethod
    def save_animated_webp(
        images: Tensor,
        filename_prefix: str,
        folder_type: FolderType,
        cls: Class,
        fps: float,
        lossless: bool,
        quality: int,
        method: int,
    ) -> SavedResult:
        """All images as one animated WebP; `method` 0 is fastest, 6 smallest."""
        options = {"lossless": lossless, "quality": quality, "method": method}
        saved = pictures.save_animation(
            images, filename_prefix, directory(folder_type), chunks_of(cls), fps, "webp", **options
        )
        return SavedResult(*saved, folder_type)

    @staticmethod
    def get_save_animated_webp_ui(
        images: Tensor,
        filename_prefix: str,
        cls: Class,
        fps: float,
        lossless: bool,
        quality: int,
        method: int,
    ) -> SavedImages:
        """The same into the outputs, as something to show."""
        saved = ImageSaveHelper.save_animated_webp(
            images, filename_prefix, FolderType.output, cls, fps, lossless, quality, method
        )
        return SavedImages([saved], is_animated=len(images) > 1)


class AudioSaveHelper:
    """Writes sounds into one of the host's folders."""

    @staticmethod
    def save_audio(
        audio: Mapping[str, Any],
        filename_prefix: str,
        folder_type: FolderType,
        cls: Class = None,
        format: str = "flac",
        quality: str = "128k",
    ) -> list[SavedResult]:
        """Each item of the sound as a file: flac, wav, mp3 or opus; `quality` counts for the last two."""
        saved = sounds.save(audio, filename_prefix, directory(folder_type), chunks_of(cls), format, quality)
        return [SavedResult(name, subfolder, folder_type) for name, subfolder in saved]

    @staticmethod
    def get_save_audio_ui(
        audio: Mapping[str, Any],
        filename_prefix: str,
        cls: Class = None,
        format: str = "flac",
        quality: str = "128k",
    ) -> SavedAudios:
        """The same into the outputs, as something to play."""
        return SavedAudios(AudioSaveHelper.save_audio(audio, filename_prefix, FolderType.output, cls, format, quality))


def directory(folder_type: FolderType) -> Path:
    """The directory that a folder type stands for."""
    found = folders.current().directory(FolderType(folder_type).value)
    assert found is not None  # every member of FolderType has one
    return found


def chunks_of(cls: Class) -> dict[str, str]:
    """The metadata that goes into a file saved by this class; none without a class, or where the user wants none."""
    if cls is None or cli_args.args.disable_metadata:
        return {}
    return pictures.text_chunks(cls.hidden.prompt, cls.hidden.extra_pnginfo)
