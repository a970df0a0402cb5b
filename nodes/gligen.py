"""Nodes that say what should be where: boxes with texts, for GLIGEN."""

from typing import Annotated

from engine.api import MAX_RESOLUTION, Choice, Clip, Conditioning, Gligen, Number, Text, deferred, node
from engine.weights import folders

with deferred():
    from engine.device import place
    from engine.diffusion import gligen
    from engine.diffusion.families import gligen_files
    from engine.diffusion.text import clip as clips
    from engine.weights import shelf

_CELL = 8  # pixels along one side of a latent cell

Extent = Annotated[int, Number(8, MAX_RESOLUTION, step=8)]
Offset = Annotated[int, Number(0, MAX_RESOLUTION, step=8)]


@node("loaders", id="GLIGENLoader", title="GLIGENLoader")
def gligen_loader(gligen_name: Annotated[str, Choice(folders.listing("gligen"))]) -> Gligen:
    """Load a GLIGEN model for SD 1.x, which puts what is named in boxes."""
    path = folders.current().require("gligen", gligen_name)
    return shelf.current().get(lambda: gligen_files.load_gligen(path), (path,), "gligen", place.current())


@node("conditioning/gligen", id="GLIGENTextBoxApply", title="GLIGENTextBoxApply")
def gligen_text_box_apply(
    conditioning_to: Conditioning,
    clip: Clip,
    gligen_textbox_model: Gligen,
    text: Annotated[str, Text(multiline=True, dynamic_prompts=True)],
    width: Extent = 64,
    height: Extent = 64,
    x: Offset = 0,
    y: Offset = 0,
) -> Conditioning:
    """Say what should be in a box of the picture, in pixels; one prompt takes up to 30 of them."""
    clip = clips.required(clip)
    pooled = clip.pool(clip.tokenize(text))
    box = gligen.Box(pooled, height // _CELL, width // _CELL, y // _CELL, x // _CELL)
    return gligen.put_box(conditioning_to, gligen_textbox_model, box)
