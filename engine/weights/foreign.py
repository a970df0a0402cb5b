"""Files that hold something else than a model that can be loaded: their telling tensors, and what to say of them."""

from collections.abc import Mapping
from dataclasses import dataclass

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Telltale:
    """A tensor, by the end of its name, that only one kind of file has."""

    words: str
    name: str


# Looked for among the network's names, in this order: the narrower kind first.
MODELS = (
    Telltale("Chroma", "distilled_guidance_layer.in_proj.weight"),
    Telltale("Flux", "double_blocks.0.img_attn.norm.key_norm.scale"),
    Telltale("Flux (diffusers names)", "single_transformer_blocks.0.proj_mlp.weight"),
    Telltale("Stable Diffusion 3", "joint_blocks.0.context_block.attn.qkv.weight"),
    Telltale("Stable Diffusion 3 (diffusers names)", "transformer_blocks.0.attn.add_q_proj.weight"),
    Telltale("AuraFlow", "double_layers.0.attn.w1q.weight"),
    Telltale("Hunyuan-DiT", "mlp_t5.0.weight"),
    Telltale("PixArt", "t_block.1.weight"),
    Telltale("Stable Cascade, stage C", "clip_txt_mapper.weight"),
    Telltale("Stable Cascade, stage B", "effnet_mapper.0.weight"),
    Telltale("Stable Video Diffusion", "input_blocks.1.0.time_stack.in_layers.0.weight"),
    Telltale("Stable Audio", "preprocess_conv.weight"),
    Telltale("Wan", "blocks.0.self_attn.norm_q.weight"),
)

# Looked for among all names of a file that holds no UNet.
OTHER_FILES = (
    Telltale("a LoRA: load it with a LoRA loader, on top of a model", ".lora_down.weight"),
    Telltale("a LoRA: load it with a LoRA loader, on top of a model", ".lora_A.weight"),
    Telltale("a ControlNet: load it with ControlNetLoader", "input_hint_block.0.weight"),
    Telltale("a ControlNet: load it with ControlNetLoader", "controlnet_cond_embedding.conv_in.weight"),
    Telltale("a T5 text encoder", "encoder.block.0.layer.0.SelfAttention.q.weight"),
    Telltale("a CLIP text encoder: load it with CLIPLoader", "encoder.layers.0.self_attn.q_proj.weight"),
    Telltale("a model that enlarges pictures (ESRGAN): load it with UpscaleModelLoader", "RDB1.conv1.0.weight"),
    Telltale("a model that enlarges pictures (ESRGAN): load it with UpscaleModelLoader", "rdb1.conv1.weight"),
    Telltale("an image autoencoder: load it with VAELoader", "decoder.conv_in.weight"),
)


def describe(names: Shapes, network: Shapes) -> str | None:
    """What a file is, in words, if it holds no model that can be loaded; None if it may be one.

    `network` are the network's names without their prefix, in the original layout.
    """
    for telltale in MODELS:
        if telltale.name in network:
            return telltale.words
    if "input_blocks.0.0.weight" in network and not any("input_hint_block.0.weight" in name for name in network):
        return _unet(network)
    for telltale in OTHER_FILES:
        if any(name.endswith(telltale.name) for name in names):
            return telltale.words
    return None


def _unet(network: Shapes) -> str | None:
    if network["input_blocks.0.0.weight"][1:2] == (5,):
        return "SD 2 depth-to-image, which takes a depth map"
    return None
