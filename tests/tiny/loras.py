"""LoRA files for the very small models: random low-rank changes of a few modules, in the names of kohya's scripts."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.tiny.layouts import WIDTH

RANK = 2


def tiny_lora(context: int = WIDTH, text: str = "lora_te", seed: int = 0) -> dict[str, Tensor]:
    """Changes of two attention blocks, a convolution and two layers of a text encoder; six modules in all.

    `context` is how wide the text is that the network reads: twice `WIDTH` in SDXL's tiny models.
    """
    generator = torch.Generator("cpu").manual_seed(seed)
    shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
        "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q": ((64, RANK), (RANK, 64)),
        "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k": ((64, RANK), (RANK, context)),
        "lora_unet_up_blocks_1_attentions_1_transformer_blocks_0_attn1_to_out_0": ((64, RANK), (RANK, 64)),
        "lora_unet_mid_block_resnets_0_conv1": ((64, RANK, 1, 1), (RANK, 64, 3, 3)),
        f"{text}_text_model_encoder_layers_0_self_attn_q_proj": ((WIDTH, RANK), (RANK, WIDTH)),
        f"{text}_text_model_encoder_layers_1_mlp_fc1": ((4 * WIDTH, RANK), (RANK, WIDTH)),
    }
    tensors: dict[str, Tensor] = {}
    for name, (up, down) in shapes.items():
        tensors[f"{name}.lora_up.weight"] = torch.randn(up, generator=generator).half()
        tensors[f"{name}.lora_down.weight"] = (0.2 * torch.randn(down, generator=generator)).half()
        tensors[f"{name}.alpha"] = torch.tensor(1.0)
    return tensors


def make_tiny_lora(path: Path, tensors: dict[str, Tensor] | None = None) -> Path:
    """Write a LoRA file, that of `tiny_lora` if nothing else is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tiny_lora() if tensors is None else tensors, path, {"format": "pt"})
    return path
