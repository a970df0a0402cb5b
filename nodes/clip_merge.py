"""Nodes that make the text encoders of two models into one."""

from typing import Annotated

from engine.api import Clip, Number, deferred, node

with deferred():
    from engine.diffusion import merge
    from engine.diffusion.text import clip as clips

CATEGORY = "advanced/model_merging"


@node(CATEGORY, id="CLIPMergeSimple", title="CLIPMergeSimple")
def clip_merge_simple(clip1: Clip, clip2: Clip, ratio: Annotated[float, Number(0.0, 1.0, step=0.01)] = 1.0) -> Clip:
    """Mix the text encoders of two models: ratio 1 is the first, 0 the second."""
    return merge.merge_clips(clips.required(clip1), clips.required(clip2), merge.between(ratio))


@node(CATEGORY, id="CLIPMergeAdd", title="CLIPMergeAdd")
def clip_merge_add(clip1: Clip, clip2: Clip) -> Clip:
    """Add the weights of the second text encoders to those of the first."""
    return merge.merge_clips(clips.required(clip1), clips.required(clip2), merge.Mix(1.0, 1.0))


@node(CATEGORY, id="CLIPMergeSubtract", title="CLIPMergeSubtract")
def clip_merge_subtract(
    clip1: Clip, clip2: Clip, multiplier: Annotated[float, Number(-10.0, 10.0, step=0.01)] = 1.0
) -> Clip:
    """The difference of the text encoders of two models, times a number."""
    return merge.merge_clips(clips.required(clip1), clips.required(clip2), merge.Mix(multiplier, -multiplier))
