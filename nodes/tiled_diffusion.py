"""A node that lets a model paint pictures larger than it was trained for, or than memory allows."""

from dataclasses import replace
from typing import Annotated, Literal

from engine.api import MAX_RESOLUTION, Model, Number, deferred, node

with deferred():
    from engine.diffusion import tiling

Side = Annotated[int, Number(16, MAX_RESOLUTION, step=16)]


@node("model_patches/unet", id="TiledDiffusion", title="Tiled Diffusion")
def tiled_diffusion(
    model: Model,
    method: Literal["MultiDiffusion", "Mixture of Diffusers", "SpotDiffusion"] = "MultiDiffusion",
    tile_width: Side = 768,
    tile_height: Side = 768,
    tile_overlap: Annotated[int, Number(0, 2048, step=32)] = 64,
    tile_batch_size: Annotated[int, Number(1, MAX_RESOLUTION)] = 4,
) -> Model:
    """Show a model large pictures in tiles that overlap and are averaged, or that move from step to step."""
    moves = method == "SpotDiffusion"
    if not moves and tile_overlap >= min(tile_width, tile_height):
        msg = f"tile_overlap is {tile_overlap} and tiles are {tile_width} x {tile_height} pixels"
        raise ValueError(f"{msg}: tile_overlap has to be smaller than both")
    cell = model.latent_format.cell
    height, width = max(1, tile_height // cell), max(1, tile_width // cell)
    weighting = "gaussian" if method == "Mixture of Diffusers" else "even"
    overlap = 0 if moves else tile_overlap // cell
    tiles = tiling.Tiling(height, width, overlap, tile_batch_size, weighting, moves)
    return replace(model, hooks=replace(model.hooks, tiling=tiles))
