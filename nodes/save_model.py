"""Nodes that write models to disk, in the original single-file layout, with the prompt that made them."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from engine.api import Clip, Hidden, Model, Vae, deferred, node
from engine.weights import folders

with deferred():
    from engine.diffusion.families import save
    from engine.diffusion.text import clip as clips
    from engine.pictures import files as picture_files

Prompt = Annotated[dict[str, Any] | None, Hidden("PROMPT")]
PngInfo = Annotated[dict[str, Any] | None, Hidden("EXTRA_PNGINFO")]


@node("advanced/model_merging", id="CheckpointSave", title="Save Checkpoint", is_output=True)
def checkpoint_save(
    model: Model,
    clip: Clip,
    vae: Vae,
    filename_prefix: str = "checkpoints/ComfyUI",
    prompt: Prompt = None,
    extra_pnginfo: PngInfo = None,
) -> None:
    """Save a model, its text encoders and its VAE in one file below the output folder."""
    _write(filename_prefix, save.checkpoint_tensors(model, clip, vae), prompt, extra_pnginfo)


@node("advanced/model_merging", id="ModelSave", title="ModelSave", is_output=True)
def model_save(
    model: Model,
    filename_prefix: str = "diffusion_models/ComfyUI",
    prompt: Prompt = None,
    extra_pnginfo: PngInfo = None,
) -> None:
    """Save the model that denoises in a file of its own below the output folder."""
    _write(filename_prefix, save.checkpoint_tensors(model), prompt, extra_pnginfo)


@node("advanced/model_merging", id="VAESave", title="VAESave", is_output=True)
def vae_save(
    vae: Vae, filename_prefix: str = "vae/ComfyUI_vae", prompt: Prompt = None, extra_pnginfo: PngInfo = None
) -> None:
    """Save a VAE in a file of its own below the output folder."""
    _write(filename_prefix, save.vae_tensors(vae), prompt, extra_pnginfo)


@node("advanced/model_merging", id="CLIPSave", title="CLIPSave", is_output=True)
def clip_save(
    clip: Clip, filename_prefix: str = "clip/ComfyUI", prompt: Prompt = None, extra_pnginfo: PngInfo = None
) -> None:
    """Save text encoders below the output folder, each in a file of its own."""
    towers = clips.required(clip).towers
    for tower in towers:
        prefix = filename_prefix if len(towers) == 1 else f"{filename_prefix}_clip_{tower}"
        _write(prefix, save.text_tensors(clip, tower), prompt, extra_pnginfo)


def _write(prefix: str, tensors: Mapping[str, Any], prompt: Prompt, extra_pnginfo: PngInfo) -> None:
    """Write to the first free `prefix_00001_.safetensors`, with the prompt in the file's metadata."""
    texts = picture_files.metadata(prompt, extra_pnginfo)
    write = partial(save.write, tensors=tensors, texts=texts)
    folders.current().save_target(prefix).write("safetensors", write)
