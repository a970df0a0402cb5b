"""A text encoder of a few channels with random weights, as a checkpoint holds it."""

import torch
from torch import Tensor

WIDTHS = {"l": 16, "h": 24, "g": 32}
DEPTH = 3


def tiny_tensors(width: int, depth: int = DEPTH, projected: int | None = None, seed: int = 0) -> dict[str, Tensor]:
    """A text encoder in transformers' names, with weights large enough for every layer to matter."""
    generator = torch.Generator().manual_seed(seed)

    def matrix(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) * shape[-1] ** -0.5

    def linear(name: str, out: int, into: int) -> dict[str, Tensor]:
        return {f"{name}.weight": matrix(out, into), f"{name}.bias": matrix(out) * 0.1}

    def norm(name: str) -> dict[str, Tensor]:
        return {f"{name}.weight": 1 + 0.1 * matrix(width), f"{name}.bias": 0.1 * matrix(width)}

    tensors = {
        "text_model.embeddings.token_embedding.weight": matrix(49408, width),
        "text_model.embeddings.position_embedding.weight": matrix(77, width),
        **norm("text_model.final_layer_norm"),
    }
    for n in range(depth):
        layer = f"text_model.encoder.layers.{n}"
        for each in ("q_proj", "k_proj", "v_proj", "out_proj"):
            tensors |= linear(f"{layer}.self_attn.{each}", width, width)
        tensors |= linear(f"{layer}.mlp.fc1", 4 * width, width) | linear(f"{layer}.mlp.fc2", width, 4 * width)
        tensors |= norm(f"{layer}.layer_norm1") | norm(f"{layer}.layer_norm2")
    if projected:
        tensors["text_projection.weight"] = matrix(projected, width)
    return tensors
