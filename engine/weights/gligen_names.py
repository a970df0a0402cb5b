"""Names of GLIGEN files' tensors: a network that reads boxes, and a gated attention for each transformer of a UNet.

Li et al. 2023. The original layout counts a UNet's blocks as SD 1.x checkpoints do; whole UNets of diffusers are read,
too.
"""

import re
from dataclasses import dataclass

from engine.weights import unet_names
from engine.weights.read import BadFile, Tensors

_PREFIXES = ("model.diffusion_model.", "diffusion_model.", "model.", "")
_POSITION = "position_net."
_FIRST, _LAST = "position_net.null_positive_feature", "position_net.linears.4.weight"
_FUSER = re.compile(r"(?:(input|output)_blocks\.(\d{1,4})|middle_block)\.1\.transformer_blocks\.(\d{1,4})\.fuser\.(.+)")
_WIDTH = "linear.weight"  # (width of a UNet's tokens, width of what boxes become)

HEADS = 8  # of the gated attention, as of the attention of SD 1.x


@dataclass(frozen=True)
class Place:
    """Where in a UNet a gated attention stands, as hooks count blocks and layers."""

    part: str
    index: int
    layer: int

    @property
    def key(self) -> str:
        return f"{self.part}_{self.index}_{self.layer}"


@dataclass(frozen=True)
class GligenFile:
    """The tensors of a file: `position_net.…`, and `fusers.{place}.…`; the widths of the UNet's tokens by place."""

    tensors: Tensors
    widths: dict[Place, int]
    text: int  # width of the text of a box
    box: int  # width of what a box becomes


def gligen_file(tensors: Tensors) -> GligenFile:
    """What is GLIGEN's in a file, which may be a whole UNet. Raises BadFile."""
    prefix = next((each for each in _PREFIXES if each + _FIRST in tensors), None)
    if prefix is None:
        msg = f"is no GLIGEN model that takes boxes with texts: wanted is a file with {_FIRST} and the gated attention"
        raise BadFile(tensors.path, msg)
    bare = tensors.under(prefix)
    named: dict[str, str] = {name: name for name in bare if name.startswith(_POSITION)}
    widths: dict[Place, int] = {}
    for name, old in _original_names(bare).items():
        if found := _FUSER.fullmatch(name):
            place = Place(found[1] or "middle", int(found[2] or 0), int(found[3]))
            named[f"fusers.{place.key}.{found[4]}"] = old
            if found[4] == _WIDTH:
                widths[place] = _rows(bare, old)
    if not widths or any(width == 0 or width % HEADS for width in widths.values()):
        msg = f"it has no gated attention for SD 1.x, whose widths are multiples of {HEADS}"
        raise BadFile(tensors.path, f"is no GLIGEN model that can be loaded: {msg}")
    return GligenFile(bare.renamed(named), widths, _rows(bare, _FIRST), _rows(bare, _LAST))


def _rows(tensors: Tensors, name: str) -> int:
    """The first size of a tensor; 0 where there is none."""
    return tensors.shapes[name][0] if tensors.shapes.get(name) else 0


def _original_names(tensors: Tensors) -> dict[str, str]:
    """The names of a UNet's tensors in the original layout, to those in the file."""
    if not unet_names.is_diffusers_unet(tensors):
        return {name: name for name in tensors}
    unet = [name for name in tensors if not name.startswith(_POSITION)]
    try:
        return {new: old for old, new in unet_names.ldm_names(unet).items()}
    except ValueError as error:
        raise BadFile(tensors.path, f"is no GLIGEN model that can be loaded: {error}") from None
