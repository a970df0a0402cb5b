"""Texts in GLB meshes, and in the headers of safetensors files, of which latents are a kind."""

import json
from typing import Any

from engine.graph.carriers.texts import BadCarrier, Reader, Texts, texts_of


def glb_texts(reader: Reader) -> Texts:
    """The object `asset.extras` of the JSON chunk, which comes first."""
    reader.skip(12)
    length, kind = reader.number(4, "the JSON chunk", "little"), reader.take(4, "the JSON chunk")
    if kind != b"JSON":
        raise BadCarrier("the first chunk of the GLB file is not JSON")
    asset = _object(reader.take(length, "the JSON chunk")).get("asset")
    return texts_of(asset.get("extras")) if isinstance(asset, dict) else {}


def safetensors_texts(reader: Reader) -> Texts:
    """The metadata of the header; the tensors stay unread."""
    length = reader.number(8, "the header", "little")
    return texts_of(_object(reader.take(length, "the header")).get("__metadata__"))


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise BadCarrier(f"its header is no JSON: {error}") from error
    return value if isinstance(value, dict) else {}
