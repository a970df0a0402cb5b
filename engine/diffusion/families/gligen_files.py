"""GLIGEN out of a file."""

from pathlib import Path

from engine.device import memory, place
from engine.device.place import Placement
from engine.diffusion.families.assign import fill, hollow
from engine.diffusion.families.attention import attend_as_chosen
from engine.diffusion.families.gligen_network import GligenNetwork
from engine.diffusion.gligen import Gligen
from engine.weights.gligen_names import gligen_file
from engine.weights.read import open_tensors


def load_gligen(path: Path, placement: Placement | None = None) -> Gligen:
    """Load a GLIGEN model of boxes with texts: its parts alone, or those in a whole UNet of either layout.

    Raises FileNotFoundError, BadFile for what cannot be loaded, and OutOfMemory.
    """
    placement = placement or place.current()
    found = gligen_file(open_tensors(path))
    network = hollow(lambda: GligenNetwork(found.widths, found.text, found.box))
    attend_as_chosen(network)
    names = {name: name for name in network.state_dict()}
    with memory.named_shortage(f"loading {path.name}", placement.device):
        fill(network, found.tensors, names, placement.device, placement.dtype, "GLIGEN")
    return Gligen(network, found.widths, found.text, path.name)
