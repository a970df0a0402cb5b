"""Nodes that turn text into conditioning."""

from typing import Annotated

from engine.api import MAX_RESOLUTION, Clip, Conditioning, Number, Text, deferred, node

with deferred():
    from engine.diffusion.text import clip as clips

Pixels = Annotated[int, Number(0, MAX_RESOLUTION)]
Prompt = Annotated[str, Text(multiline=True, dynamic_prompts=True)]


@node("conditioning", id="CLIPTextEncode", title="CLIP Text Encode (Prompt)")
def clip_text_encode(text: Prompt, clip: Clip) -> Conditioning:
    """Encode a prompt; `(words:1.2)` weights words, `embedding:name` inserts a textual inversion."""
    clip = clips.required(clip)
    return clips.conditioning(clip.encode(clip.tokenize(text)))


@node("conditioning", id="CLIPSetLastLayer", title="CLIP Set Last Layer")
def clip_set_last_layer(clip: Clip, stop_at_clip_layer: Annotated[int, Number(-24, -1, step=1)] = -1) -> Clip:
    """Read the text encoder after another layer than its last: -2 is known as clip skip 2."""
    return clips.required(clip).with_layer(stop_at_clip_layer)


@node("advanced/conditioning", id="CLIPTextEncodeSDXL")
def clip_text_encode_sdxl(
    clip: Clip,
    width: Pixels = 1024,
    height: Pixels = 1024,
    crop_w: Pixels = 0,
    crop_h: Pixels = 0,
    target_width: Pixels = 1024,
    target_height: Pixels = 1024,
    *,
    text_g: Prompt,
    text_l: Prompt,
) -> Conditioning:
    """Encode a prompt for each of SDXL's two text encoders, with the picture sizes it was trained to heed."""
    clip = clips.required(clip)
    return clips.conditioning(
        clip.encode(clip.tokenize_each({"l": text_l, "g": text_g})),
        width=width,
        height=height,
        crop_w=crop_w,
        crop_h=crop_h,
        target_width=target_width,
        target_height=target_height,
    )


@node("advanced/conditioning", id="CLIPTextEncodeSDXLRefiner")
def clip_text_encode_sdxl_refiner(
    ascore: Annotated[float, Number(0.0, 1000.0, step=0.01)] = 6.0,
    width: Pixels = 1024,
    height: Pixels = 1024,
    *,
    text: Prompt,
    clip: Clip,
) -> Conditioning:
    """Encode a prompt for SDXL's refiner, with the aesthetic score to aim for."""
    clip = clips.required(clip)
    encoded = clip.encode(clip.tokenize(text))
    return clips.conditioning(encoded, aesthetic_score=ascore, width=width, height=height)
