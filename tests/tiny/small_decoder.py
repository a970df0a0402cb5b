"""Small decoders for previews with random weights, in the layout that the ecosystem's files have."""

from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from safetensors.torch import save_file
from torch import Tensor


def make_small_decoder(path: Path, channels: int = 4, width: int = 8) -> AutoencoderTiny:
    """Write a decoder alone, and give the whole autoencoder that it belongs to."""
    torch.manual_seed(5)
    tiny = AutoencoderTiny(
        latent_channels=channels, encoder_block_out_channels=(width,) * 4, decoder_block_out_channels=(width,) * 4
    ).eval()
    with torch.no_grad():  # as drawn, it makes all latents the same grey
        for weight in tiny.decoder.parameters():
            weight.mul_(1.4)
    save_file(numbered_layers(tiny), path)
    return tiny


def numbered_layers(tiny: AutoencoderTiny) -> dict[str, Tensor]:
    """The decoder's tensors by the numbers of their layers, from 1: the 0th clamps and has none."""
    named = ((*name.removeprefix("layers.").split(".", 1), each) for name, each in tiny.decoder.state_dict().items())
    return {f"{int(number) + 1}.{rest}": tensor for number, rest, tensor in named}
