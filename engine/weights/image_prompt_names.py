"""Names of the tensors of IP-Adapters (Ye et al. 2023), brought to those of the modules that hold them.

Published files have `image_proj.…` and `ip_adapter.{n}.to_k_ip.weight`, where n counts all attention of a UNet: its
encoder, then its decoder, then its middle. In diffusers' folders they stand among the network's own names.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

from torch import Tensor

from engine.weights.foreign import Telltale
from engine.weights.read import BadFile, Tensors, joined

Kind = Literal["vector", "places", "resampled"]
"""What of a picture is projected: its vector, each of its places, or its places through a resampler."""

SUPPORTED = "IP-Adapters of SD 1.x, SD 2.x and SDXL: plain, light, plus, plus-face and full-face"

_PUBLISHED = re.compile(r"ip_adapter\.(?P<n>\d{1,4})\.to_(?P<which>[kv])_ip\.weight")
_IN_FOLDERS = re.compile(
    r"(?P<side>down_blocks|up_blocks|mid_block)\.(?P<where>.+)\.attn2\.processor\.to_(?P<which>[kv])_ip\.0\.weight"
)
_SIDES = {"down_blocks": 0, "up_blocks": 1, "mid_block": 2}
_PROJECTION_IN_FOLDERS = "encoder_hid_proj.image_projection_layers.0."

_VECTOR = {"proj": "image_embeds"}
_PLACES = {"proj.0": "ff.net.0.proj", "proj.2": "ff.net.2", "proj.3": "norm"}
_RESAMPLER = (
    (re.compile(r"layers\.(\d{1,4})\.0\.norm1\.(.+)"), r"layers.\1.ln0.\2"),
    (re.compile(r"layers\.(\d{1,4})\.0\.norm2\.(.+)"), r"layers.\1.ln1.\2"),
    (re.compile(r"layers\.(\d{1,4})\.0\.to_q\.(.+)"), r"layers.\1.attn.to_q.\2"),
    (re.compile(r"layers\.(\d{1,4})\.0\.to_out\.(.+)"), r"layers.\1.attn.to_out.0.\2"),
    (re.compile(r"layers\.(\d{1,4})\.1\.0\.(.+)"), r"layers.\1.ff.0.\2"),
    (re.compile(r"layers\.(\d{1,4})\.1\.1\.(.+)"), r"layers.\1.ff.1.net.0.proj.\2"),
    (re.compile(r"layers\.(\d{1,4})\.1\.3\.(.+)"), r"layers.\1.ff.1.net.2.\2"),
)
_BOTH = re.compile(r"layers\.(\d{1,4})\.0\.to_kv\.weight")  # keys and values in one matrix

_OTHER_KINDS = (  # with the names of an IP-Adapter
    Telltale("a FaceID adapter, which reads what a recogniser of faces tells", "image_proj.norm.weight"),
    Telltale("a FaceID adapter, which reads what a recogniser of faces tells", "to_q_lora.down.weight"),
    Telltale("an IP-Adapter for Flux", "double_blocks.0.processor.ip_adapter_double_stream_k_proj.weight"),
)
_FOREIGN = (
    Telltale("a style model: load it with StyleModelLoader", "style_embedding"),
    Telltale("a ControlNet: load it with ControlNetLoader", "input_hint_block.0.weight"),
    Telltale("an encoder of pictures: load it with CLIPVisionLoader", "embeddings.patch_embedding.weight"),
)


def image_prompt_tensors(tensors: Tensors) -> tuple[Kind, Tensors]:
    """The IP-Adapter in a file: its kind, and its tensors as `projection.…`, `keys.N.weight` and `values.N.weight`.

    N counts the network's cross-attention. Raises BadFile that says what another file is.
    """
    pairs = dict(_pairs(tensors))
    projection = tensors.under("image_proj.") or tensors.under(_PROJECTION_IN_FOLDERS)
    kind = _kind(projection)
    if not pairs or kind is None:
        raise BadFile(tensors.path, f"{_described(tensors)}; can be loaded: {SUPPORTED}")
    if kind == "resampled":
        projection = _resampler(projection)
    else:
        names = _VECTOR if kind == "vector" else _PLACES
        projection = projection.renamed({_with(names, name): name for name in projection})
    beside = projection.renamed({f"projection.{name}": name for name in projection})
    return kind, joined([beside, tensors.renamed(pairs)])


def _kind(projection: Mapping[str, object]) -> Kind | None:
    if "latents" in projection:
        return "resampled"
    if "proj.weight" in projection or "image_embeds.weight" in projection:
        return "vector"
    if "proj.3.weight" in projection or ("ff.net.0.proj.weight" in projection and "norm.weight" in projection):
        return "places"
    return None


def _described(tensors: Tensors) -> str:
    is_prompt = any("_ip." in name or name.startswith("image_proj.") for name in tensors)
    for telltale in _OTHER_KINDS if is_prompt else (*_OTHER_KINDS[-1:], *_FOREIGN):
        if any(name.endswith(telltale.name) for name in tensors):
            return f"is {telltale.words}"
    return "holds no IP-Adapter that is known"


def _pairs(names: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Our name and the file's of each matrix of keys and values."""
    found = [(each, name) for name in names if (each := _PUBLISHED.fullmatch(name) or _IN_FOLDERS.fullmatch(name))]
    order = sorted({_place(each) for each, _ in found})
    for each, name in found:
        yield f"{'keys' if each['which'] == 'k' else 'values'}.{order.index(_place(each))}.weight", name


def _place(found: re.Match[str]) -> tuple[int, ...]:
    if found.re is _PUBLISHED:
        return (int(found["n"]),)
    return (_SIDES[found["side"]], *(int(number) for number in re.findall(r"\d+", found["where"])))


def _with(names: Mapping[str, str], name: str) -> str:
    stem, _, leaf = name.rpartition(".")
    return f"{names.get(stem, stem)}.{leaf}"


def _resampler(tensors: Tensors) -> Tensors:
    """The resampler's tensors, keys and values apart."""
    old: dict[str, tuple[str, int | None]] = {}  # our name -> the file's, and which half of it
    for name in tensors:
        if found := _BOTH.fullmatch(name):
            for half, letter in enumerate("kv"):
                old[f"layers.{found[1]}.attn.to_{letter}.weight"] = name, half
        else:
            new = next((each.sub(to, name) for each, to in _RESAMPLER if each.fullmatch(name)), name)
            old[new] = name, None
    specs = {
        new: tensors.specs[name] if half is None else replace(spec := tensors.specs[name], shape=_half(spec.shape))
        for new, (name, half) in old.items()
    }

    def read(name: str) -> Tensor:
        whole, half = old[name]
        return tensors[whole] if half is None else tensors[whole].chunk(2)[half]

    return Tensors(tensors.path, specs, read, tensors.metadata)


def _half(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[0] // 2, *shape[1:])
