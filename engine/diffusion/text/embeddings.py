"""Textual inversion: a word of a prompt that is a file of learned token vectors. Gal et al. (2022)."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from engine.weights import folders
from engine.weights.read import BadFile, open_tensors

FOLDER = "embeddings"

_SUFFIXES = ("", ".safetensors", ".pt", ".bin")
_LISTED = re.compile(r"\d+\..+", re.DOTALL)


def are_configured() -> bool:
    """Whether there is a folder for embeddings at all; without one `embedding:` is plain text."""
    return bool(folders.current().roots(FOLDER))


def find(name: str) -> Path | None:
    """The file of this name, with or without its suffix, in the embeddings folders or any folder below them."""
    files = {file.replace("\\", "/"): file for file in folders.current().files(FOLDER)}
    for suffix in _SUFFIXES:
        wanted = (name + suffix).replace("\\", "/")
        matching = [file for file in files if file == wanted or file.endswith(f"/{wanted}")]
        if matching:
            return folders.current().find(FOLDER, files[min(matching, key=lambda file: (file.count("/"), file))])
    return None


def read_vectors(path: Path, encoder: str, width: int) -> Tensor:
    """The vectors (n, its width) float32 that a file holds for `encoder` (`clip_l`, `clip_g`, `clip_h`, `t5xxl`).

    `width` is the encoder's: it chooses among several, but what is found may have another. Raises BadFile.
    """
    stored = open_tensors(path)
    chosen = [stored[name] for name in _names(stored, encoder, width)]
    if not chosen or any(each.ndim == 0 for each in chosen) or len({each.shape[-1] for each in chosen}) > 1:
        raise BadFile(path, f"holds no vectors for {encoder} (width {width}); wanted is a file of textual inversion")
    return torch.cat([each.reshape(-1, each.shape[-1]).float() for each in chosen])


def _names(stored: Mapping[str, Tensor], encoder: str, width: int) -> list[str]:
    """Which tensors are the embedding, by the layouts that are in use; the first layout that fits counts."""
    names = list(stored)
    if trained := [name for name in names if name.startswith("string_to_param.")]:
        return trained[:1]
    if names and all(_LISTED.fullmatch(name) for name in names):
        return [name for name in names if stored[name].shape[-1:] == (width,)]
    if encoder in names:
        return [encoder]
    bundled = re.compile(rf"bundle_emb\..+\.(string_to_param\..+|{re.escape(encoder)})", re.DOTALL)
    return [name for name in names if bundled.fullmatch(name)] or names[:1]
