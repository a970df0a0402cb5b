"""A style model out of a file."""

from pathlib import Path

from torch import nn

from engine.device import memory, place
from engine.device.place import Placement
from engine.diffusion.families.assign import fill, hollow
from engine.diffusion.style import Redux, StyleAdapter, StyleModel
from engine.weights.read import BadFile, Tensors, open_tensors
from engine.weights.style_names import STYLE, check_style

_LAYER = "transformer_layes.{}.ln_1.weight"  # so spelled in files


def load_style_model(path: Path, placement: Placement | None = None) -> StyleModel:
    """Load a style model. Raises FileNotFoundError, BadFile for what is none, and OutOfMemory."""
    placement = placement or place.current()
    tensors = open_tensors(path)
    check_style(tensors)
    try:
        width, network = _adapter(tensors) if STYLE in tensors else _redux(tensors)
    except (LookupError, ValueError, AssertionError) as error:
        raise BadFile(path, f"holds a style model that cannot be built: {error} is not as it should be") from None
    with memory.named_shortage(f"loading {path.name}", placement.device):
        names = {name: name for name in network.state_dict()}
        fill(network, tensors, names, placement.device, placement.dtype, "the style model")
    return StyleModel(network, width, path.name)


def _adapter(tensors: Tensors) -> tuple[int, nn.Module]:
    _, tokens, width = tensors.shapes[STYLE]
    layers = next(n for n in range(len(tensors) + 1) if _LAYER.format(n) not in tensors)
    text = tensors.shapes["proj"][1]
    return width, hollow(lambda: StyleAdapter(width, text, layers, tokens))


def _redux(tensors: Tensors) -> tuple[int, nn.Module]:
    (hidden, width), text = tensors.shapes["redux_up.weight"], tensors.shapes["redux_down.weight"][0]
    return width, hollow(lambda: Redux(width, hidden, text))
