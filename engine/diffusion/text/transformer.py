"""The CLIP text transformer as a module: any width and depth, built from its tensors alone. Radford et al. (2021)."""

import re
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel

from engine.device.held import Read
from engine.diffusion.families.assign import give
from engine.diffusion.text.naming import PROJECTION, in_transformers_names
from engine.diffusion.text.vocabulary import CLIP_END, CLIP_SIZE, CLIP_START

_CPU = torch.device("cpu")
_HEAD = 64  # channels per attention head in all published encoders
_TABLE = "embeddings.token_embedding.weight"
_LAYER = re.compile(r"text_model\.encoder\.layers\.(\d+)\..+")


class RoundedLinear(nn.Linear):
    """A linear layer that computes in the type of its input, whatever smaller type its weights are kept in."""

    def forward(self, input: Tensor) -> Tensor:
        bias = cast("Tensor | None", self.bias)
        return functional.linear(input, self.weight.to(input.dtype), None if bias is None else bias.to(input.dtype))


class ClipTransformer(nn.Module):
    """A text encoder. Its parameters are named as in transformers 4, `text_model.…` and `text_projection.weight`."""

    def __init__(self, config: CLIPTextConfig, projected: int | None) -> None:
        super().__init__()
        model: Any = CLIPTextModel(config)
        self.text_model: Any = getattr(model, "text_model", model)  # since transformers 5 there is no inner model
        self.width: int = cast(Any, config).hidden_size
        self.depth: int = cast(Any, config).num_hidden_layers
        self.text_projection = None if projected is None else nn.Linear(self.width, projected, bias=False)
        for name, layer in list(self.named_modules()):
            if type(layer) is nn.Linear:
                rounded = RoundedLinear(layer.in_features, layer.out_features, bias=cast(Any, layer.bias) is not None)
                self.set_submodule(name, rounded)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def embed(self, ids: Tensor) -> Tensor:
        """The learned vectors (…, width) float32 of vocabulary ids (…)."""
        return self.text_model.embeddings.token_embedding(ids).float()

    def forward(self, vectors: Tensor) -> tuple[Tensor, ...]:
        """The states of token vectors (B, T, width): before the first layer and after each, all (B, T, width).

        None of them went through the final norm.
        """
        # Any vectors, where the model takes ids only: they become its table, and the ids count through it.
        batch, length, width = vectors.shape
        ids = torch.arange(batch * length, device=vectors.device).view(batch, length)
        table = {_TABLE: vectors.reshape(-1, width)}
        return functional_call(self.text_model, table, (ids,), {"output_hidden_states": True}).hidden_states

    def norm(self, states: Tensor) -> Tensor:
        """The final norm of states (…, width)."""
        return self.text_model.final_layer_norm(states)

    def project(self, states: Tensor) -> Tensor:
        """States (…, width) as they stand beside images (…, projected); unchanged where the file has no projection."""
        return states if self.text_projection is None else self.text_projection(states)


def transformer_from_tensors(
    tensors: Mapping[str, Tensor],
    activation: str,
    rounding: torch.dtype,
    device: torch.device = _CPU,
    what: str = "the text encoder",
) -> ClipTransformer:
    """Build an encoder from its tensors, in any of the usual namings (see `naming`).

    `activation` is `quick_gelu` or `gelu`. All weights are rounded to `rounding`, the large ones are also kept in it;
    computed is in float32, on `device`. `what` names it in the account of memory. Raises ValueError if tensors are
    missing or do not fit together.
    """
    named = in_transformers_names(tensors)
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced at once
        network = ClipTransformer(
            _config(named, activation), named[PROJECTION].shape[0] if PROJECTION in named else None
        )
    wanted = network.state_dict()
    _complain(wanted, named)
    for layer in network.modules():
        if isinstance(layer, (RoundedLinear, nn.Embedding)):
            layer.to(rounding)
    _count_positions(network, device)
    reads = {name: _reading(named[name], rounding) for name in wanted}
    give(network, reads, device, what, tensors)
    return network


def _reading(stored: Tensor, rounding: torch.dtype) -> Read:
    return lambda: stored.to(rounding)


def _config(named: Mapping[str, Tensor], activation: str) -> CLIPTextConfig:
    try:
        vocabulary, width = named["text_model.embeddings.token_embedding.weight"].shape
        positions = named["text_model.embeddings.position_embedding.weight"].shape[0]
        hidden = named["text_model.encoder.layers.0.mlp.fc1.weight"].shape[0]
    except KeyError as missing:
        msg = f"no CLIP text encoder: {missing} is not among its {len(named)} tensors"
        raise ValueError(msg) from None
    if vocabulary < CLIP_SIZE:
        msg = f"the text encoder knows {vocabulary} tokens, but CLIP's vocabulary has {CLIP_SIZE}"
        raise ValueError(msg)
    return CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=hidden,
        num_hidden_layers=1 + max(int(found[1]) for name in named if (found := _LAYER.fullmatch(name))),
        num_attention_heads=_heads(width),
        max_position_embeddings=positions,
        hidden_act=activation,
        bos_token_id=CLIP_START,
        eos_token_id=CLIP_END,
    )


def _heads(width: int) -> int:
    """One head per 64 channels; for widths that this does not divide, the next smaller number that does."""
    return next(heads for heads in range(max(1, width // _HEAD), 0, -1) if width % heads == 0)


def _complain(wanted: Mapping[str, Tensor], named: Mapping[str, Tensor]) -> None:
    missing = [name for name in wanted if name not in named]
    if missing:
        msg = f"the text encoder lacks {len(missing)} of its {len(wanted)} tensors: {', '.join(missing[:3])}, …"
        raise ValueError(msg)
    for name, tensor in wanted.items():
        if tensor.shape != named[name].shape:
            msg = (
                f"the text encoder's {name} is {tuple(named[name].shape)}, its other tensors ask {tuple(tensor.shape)}"
            )
            raise ValueError(msg)


def _count_positions(network: nn.Module, device: torch.device) -> None:
    """Fill in the one buffer that no file holds: the positions 0, 1, 2, …"""
    for name, buffer in list(network.named_buffers()):
        owner, _, own_name = name.rpartition(".")
        counted = torch.arange(buffer.numel(), device=device).view(buffer.shape)
        network.get_submodule(owner).register_buffer(own_name, counted, persistent=False)
