"""The module that packs import as `comfy.cli_args`: the options of the process, of which packs read a few."""

from argparse import Namespace
from collections.abc import Mapping
from enum import Enum
from typing import Any


class LatentPreviewMethod(Enum):
    """How latents are shown while a sampler runs."""

    NoPreviews = "none"
    Auto = "auto"
    Latent2RGB = "latent2rgb"
    TAESD = "taesd"


args = Namespace(
    listen="127.0.0.1",
    port=8188,
    disable_metadata=False,
    preview_method=LatentPreviewMethod.Auto,
    preview_size=512,
    cpu=False,
    force_fp16=False,
    force_fp32=False,
    base_directory=None,
    output_directory=None,
    input_directory=None,
    temp_directory=None,
    user_directory=None,
    disable_all_custom_nodes=False,
    whitelist_custom_nodes=[],
    multi_user=False,
    verbose="INFO",
)
"""Packs read and set these; `fill` puts in what the user chose."""


def fill(chosen: Mapping[str, Any]) -> None:
    """Take over what the user chose. Raises KeyError for an option that packs do not know."""
    for name, value in chosen.items():
        if name not in args:
            raise KeyError(name)
        setattr(args, name, value)
