"""What style model a file's tensors make: T2I's style adapter, or Redux of Flux."""

from engine.weights.foreign import Telltale
from engine.weights.read import BadFile, Tensors

STYLE, REDUX = "style_embedding", "redux_down.weight"
SUPPORTED = f"T2I's style adapter of SD 1.x ({STYLE}) and Redux of Flux ({REDUX})"

_FOREIGN = (
    Telltale("an IP-Adapter: load it with IPAdapterModelLoader", "to_k_ip.weight"),
    Telltale("a T2I adapter that steers where things go: load it with ControlNetLoader", "body.0.in_conv.weight"),
    Telltale("a ControlNet: load it with ControlNetLoader", "input_hint_block.0.weight"),
    Telltale("an encoder of pictures: load it with CLIPVisionLoader", "embeddings.patch_embedding.weight"),
)


def check_style(tensors: Tensors) -> None:
    """Raise BadFile that says what a file is, if it is no style model."""
    if STYLE in tensors or REDUX in tensors:
        return
    told = next((each.words for each in _FOREIGN if any(name.endswith(each.name) for name in tensors)), None)
    what = f"is {told}" if told else "holds no style model that is known"
    raise BadFile(tensors.path, f"{what}; style models that can be loaded: {SUPPORTED}")
