"""HyperTile: self-attention within tiles of a large picture, which costs less and keeps its composition (tfernd 2023).

How many tiles there are along each side is drawn by layer, so that no seam lies at the same place in all of them. The
draw depends on the layer alone: the same picture is tiled in the same way in every step, run and batch.
"""

import zlib

from torch import Tensor

from engine.diffusion.model import Attend, AttentionPlace, StandIn

CELL = 8  # pixels along one side of a latent cell
LEAST_TILE = 32  # pixels


def hypertile(tile_size: int, swap_size: int, max_depth: int, *, scale_depth: bool) -> StandIn:
    """Tiles of at least `tile_size` pixels a side, of the `swap_size` smallest sizes that divide it, at `max_depth`
    halvings of the latent and fewer. Tiles have as many tokens at every depth; `scale_depth` doubles their sides with
    each halving.
    """
    least = max(LEAST_TILE, tile_size) // CELL

    def tiled(tokens: Tensor, attend: Attend, place: AttentionPlace) -> Tensor:
        if place.depth > max_depth:
            return attend(tokens)
        wanted = least * 2**place.depth if scale_depth else least
        down, across = (_parts(side, wanted, swap_size, axis, place) for axis, side in enumerate(place.size))
        if down * across == 1:
            return attend(tokens)
        return joined(attend(split(tokens, place.size, down, across)), place.size, down, across)

    return tiled


def split(tokens: Tensor, size: tuple[int, int], down: int, across: int) -> Tensor:
    """Tokens (B, h * w, C) as (B * down * across, tokens of a tile, C)."""
    tall, wide = size[0] // down, size[1] // across
    tiles = tokens.unflatten(1, (down, tall, across, wide)).transpose(2, 3)  # (B, down, across, tall, wide, C)
    return tiles.flatten(3, 4).flatten(0, 2)


def joined(tiles: Tensor, size: tuple[int, int], down: int, across: int) -> Tensor:
    """What `split` made, as it was: (B, h * w, C)."""
    tall, wide = size[0] // down, size[1] // across
    parts = tiles.unflatten(1, (tall, wide)).unflatten(0, (-1, down, across))
    return parts.transpose(2, 3).flatten(1, 4)


def choices(side: int, least: int, most: int) -> list[int]:
    """Into how many tiles a side may be divided: for the `most` smallest tiles of at least `least` tokens, else 1."""
    tiles = [tile for tile in range(min(least, side), side + 1) if side % tile == 0]
    return [side // tile for tile in tiles[:most]]


def _parts(side: int, least: int, most: int, axis: int, place: AttentionPlace) -> int:
    options = choices(side, least, most)
    drawn = zlib.crc32(f"{place.block.part} {place.block.index} {place.layer} {axis}".encode())
    return options[drawn % len(options)]
