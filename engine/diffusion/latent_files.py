"""`.latent` files: safetensors with the tensor, a mark of its scale, and what made it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

_SAMPLES = "latent_tensor"
_PLAIN = "latent_format_version_0"  # its presence says that the latent is unscaled
_OLD_SCALE = 0.18215  # of files without that mark


def writer(latent: Tensor, texts: Mapping[str, str]) -> Callable[[Path], None]:
    """How to write an unscaled latent (B, C, h, w) with its texts in the header."""
    tensors = {_SAMPLES: latent.detach().cpu().contiguous(), _PLAIN: torch.tensor([])}
    return lambda path: save_file(tensors, path, metadata=dict(texts))


def read(path: Path) -> Tensor:
    """The unscaled latent (B, C, h, w) of a file, float32. Raises ValueError where there is none in it."""
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        msg = f"{path.name} is not a latent file: {error}"
        raise ValueError(msg) from None
    if _SAMPLES not in tensors:
        msg = f"{path.name} is not a latent file: it holds {', '.join(sorted(tensors)) or 'nothing'}, no {_SAMPLES}"
        raise ValueError(msg)
    latent = tensors[_SAMPLES].float()
    return latent if _PLAIN in tensors else latent / _OLD_SCALE
