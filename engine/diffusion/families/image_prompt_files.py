"""An IP-Adapter out of a file."""

from pathlib import Path

from diffusers.models.embeddings import ImageProjection, IPAdapterFullImageProjection, IPAdapterPlusImageProjection
from torch import nn

from engine.device import memory, place
from engine.device.place import Placement
from engine.diffusion.families.assign import fill, hollow
from engine.diffusion.image_prompt import ImagePrompter, IPAdapter
from engine.weights.image_prompt_names import Kind, image_prompt_tensors
from engine.weights.read import BadFile, Tensors, open_tensors

_HEAD = 64  # channels per head of the resampler
_READERS: dict[Kind, str] = {  # the layer that reads what an encoder tells
    "vector": "image_embeds.weight",
    "places": "ff.net.0.proj.weight",
    "resampled": "proj_in.weight",
}


def load_ip_adapter(path: Path, placement: Placement | None = None) -> IPAdapter:
    """Load an IP-Adapter. Raises FileNotFoundError, BadFile for what is none, and OutOfMemory."""
    placement = placement or place.current()
    kind, tensors = image_prompt_tensors(open_tensors(path))
    try:
        network = hollow(lambda: ImagePrompter(_projection(kind, tensors), _sizes(tensors)))
    except (LookupError, ArithmeticError, ValueError) as error:
        raise BadFile(path, f"holds an IP-Adapter that cannot be built: {error} is not as it should be") from None
    with memory.named_shortage(f"loading {path.name}", placement.device):
        names = {name: name for name in network.state_dict()}
        fill(network, tensors, names, placement.device, placement.dtype, "the IP-Adapter")
    return IPAdapter(network, kind, tensors.shapes[f"projection.{_READERS[kind]}"][1], path.name)


def _projection(kind: Kind, tensors: Tensors) -> nn.Module:
    shapes = tensors.under("projection.").shapes
    width = shapes[_READERS[kind]][1]
    if kind == "vector":
        text = shapes["norm.weight"][0]
        return ImageProjection(width, text, shapes[_READERS[kind]][0] // text)
    if kind == "places":
        return IPAdapterFullImageProjection(width, shapes["norm.weight"][0])
    _, queries, hidden = shapes["latents"]
    return IPAdapterPlusImageProjection(
        embed_dims=width,
        output_dims=shapes["proj_out.weight"][0],
        hidden_dims=hidden,
        depth=next(n for n in range(len(shapes) + 1) if f"layers.{n}.ln0.weight" not in shapes),
        dim_head=_HEAD,
        heads=shapes["layers.0.attn.to_q.weight"][0] // _HEAD,
        num_queries=queries,
        ffn_ratio=shapes["layers.0.ff.1.net.0.proj.weight"][0] / hidden,
    )


def _sizes(tensors: Tensors) -> list[tuple[int, int]]:
    """The width of each cross-attention, and that of its tokens."""
    shapes = [each for name, each in tensors.shapes.items() if name.startswith("keys.")]
    counted = [tensors.shapes[f"keys.{number}.weight"] for number in range(len(shapes))]
    return [(width, text) for width, text in counted]
