"""`nodes.SaveImage` and `nodes.PreviewImage` as packs subclass them: the instance says where they write."""

import random
import string
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.weights import folders

if TYPE_CHECKING:
    from torch import Tensor


class SaveImage:
    """Writes images to the output folder, each with its prompt inside."""

    RETURN_TYPES: tuple[str, ...] = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "image"
    DESCRIPTION = "Saves the input images to your output directory."

    def __init__(self) -> None:
        self.output_dir = str(folders.current().output)
        self.type = "output"
        self.prefix_append = ""
        self.compress_level = 4

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        return {
            "required": {"images": ("IMAGE", {}), "filename_prefix": ("STRING", {"default": "ComfyUI"})},
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }

    def save_images(
        self,
        images: "Tensor",
        filename_prefix: str = "ComfyUI",
        prompt: Any = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Write the images (B, H, W, C) and tell clients where they are."""
        from engine.compat.legacy import cli_args, pictures

        chunks = {} if cli_args.args.disable_metadata else pictures.text_chunks(prompt, extra_pnginfo)
        prefix = f"{filename_prefix}{self.prefix_append}"
        saved = pictures.save_pngs(images, prefix, Path(self.output_dir), chunks, self.compress_level)
        return {"ui": {"images": [{"filename": n, "subfolder": s, "type": self.type} for n, s in saved]}}


class PreviewImage(SaveImage):
    """Writes images to the temporary folder, fast and under a name of their own."""

    DESCRIPTION = "Shows the input images."

    def __init__(self) -> None:
        self.output_dir = str(folders.current().temp)
        self.type = "temp"
        self.prefix_append = "_temp_" + "".join(random.choices(string.ascii_lowercase, k=5))
        self.compress_level = 1

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        return {
            "required": {"images": ("IMAGE", {})},
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }
