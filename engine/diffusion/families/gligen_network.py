"""GLIGEN's networks: one reads boxes with their texts, others let a UNet's tokens attend to them (Li et al. 2023)."""

from collections.abc import Mapping

from diffusers.models.attention import GatedSelfAttentionDense
from diffusers.models.embeddings import GLIGENTextBoundingboxProjection
from torch import Tensor, nn

from engine.weights.gligen_names import HEADS, Place


class GligenNetwork(nn.Module):
    """The parts that GLIGEN adds to a UNet; parameters are named as in `GligenFile`."""

    def __init__(self, widths: Mapping[Place, int], text: int, box: int) -> None:
        super().__init__()
        self.position_net = GLIGENTextBoundingboxProjection(text, box)
        self.fusers = nn.ModuleDict(
            {place.key: GatedSelfAttentionDense(width, box, HEADS, width // HEADS) for place, width in widths.items()}
        )

    def read(self, boxes: Tensor, is_there: Tensor, texts: Tensor) -> Tensor:
        """What boxes (B, n, 4), left, top, right and bottom in 0..1, and texts (B, n, T) become: (B, n, width).

        `is_there` (B, n) is 1 for a box and 0 for none, for which there are vectors of their own.
        """
        return self.position_net(boxes, is_there, positive_embeddings=texts)

    def fuse(self, tokens: Tensor, read: Tensor, place: Place) -> Tensor:
        """A UNet's tokens (B, n, C) after they attended to boxes as they were read, at this place."""
        return self.fusers[place.key](tokens, read)
