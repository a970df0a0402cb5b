"""How a fresh autoencoder begins: as a thumbnail, the mean colour of each cell in, a smooth enlargement out.

Drawn weights alone take thousands of steps to find what a bicubic thumbnail of as many numbers gives at once. Here the
path from pixels through the latent and back is set up to be linear from the start; all that is left to learn is what
a thumbnail lacks. Nothing but weights is set: the architecture is that of any SD 1.x autoencoder.

Norms and activations on the path are undone. silu(x) - silu(-x) = x, so a value travels in two channels, with both
signs. A group norm divides by the spread of its group, which a constant of known size in a third channel keeps nearly
the same for all pictures; groups of fewer than three channels (widths below 96) have no place for one, and contrast
then follows each picture's own.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

_COLOURS = 3
_STEADY = 3.0  # the constant beside colours of -1..1
_USUAL = 0.5  # the spread of a colour within a picture
_GAIN = 3.0  # of latents: far above the spread that they are drawn with
_CERTAIN = -6.0  # the logarithm of the variance that latents are drawn with


@torch.no_grad()
def start_as_thumbnail(autoencoder: Any) -> None:
    """Set the weights of a fresh autoencoder whose residual blocks add nothing yet. In place."""
    encoder, decoder = autoencoder.encoder, autoencoder.decoder
    _pass_on(encoder.conv_in)
    for layer in _stream(encoder.down_blocks):
        _pass_on(layer, _halving if layer.stride[0] == 2 else _centre)
    _spread_out(_stream(encoder.down_blocks)[-1], encoder.conv_norm_out, 1.0)
    _gather(encoder.conv_out, encoder.conv_norm_out, _GAIN)
    channels = autoencoder.config.latent_channels
    quant, post_quant = autoencoder.quant_conv, autoencoder.post_quant_conv
    for layer, size in ((quant, 2 * channels), (post_quant, channels)):
        layer.weight.copy_(torch.eye(size)[:, :, None, None])
        layer.bias.zero_()
    encoder.conv_out.weight[channels:] = 0
    encoder.conv_out.bias[channels:] = _CERTAIN
    _pass_on(decoder.conv_in)
    for layer in _stream(decoder.up_blocks):
        _pass_on(layer, _smoothing if layer.kernel_size[0] == 3 else _centre)
    _spread_out(_stream(decoder.up_blocks)[-1], decoder.conv_norm_out, 1 / _GAIN)
    _gather(decoder.conv_out, decoder.conv_norm_out, 1.0)


def _stream(blocks: Any) -> list[nn.Conv2d]:
    """The convolutions on the path beside the residual blocks, in order."""
    found: list[nn.Conv2d] = []
    for block in blocks:
        found += [each.conv_shortcut for each in block.resnets if each.conv_shortcut is not None]
        for resize in (*(getattr(block, "downsamplers", None) or ()), *(getattr(block, "upsamplers", None) or ())):
            found.append(resize.conv)
    return found


def _centre(kernel: Tensor) -> None:
    kernel[kernel.shape[0] // 2, kernel.shape[1] // 2] = 1


def _halving(kernel: Tensor) -> None:
    kernel[:2, :2] = 1 / 4  # the mean of four pixels: diffusers pads on the right and below


def _smoothing(kernel: Tensor) -> None:
    kernel.copy_(torch.tensor([1.0, 2.0, 1.0]).outer(torch.tensor([1.0, 2.0, 1.0])) / 16)  # after doubling: bilinear


def _pass_on(layer: nn.Conv2d, way: Callable[[Tensor], None] = _centre) -> None:
    """Let the first three channels through, each by itself."""
    assert layer.bias is not None
    layer.weight[:_COLOURS] = 0
    layer.bias[:_COLOURS] = 0
    for colour in range(_COLOURS):
        way(layer.weight[colour, colour])


def _places(norm: nn.GroupNorm) -> list[tuple[int, int, int | None]]:
    """For each colour its channel, that of its negative, and that of the constant beside them where there is room."""
    each = norm.num_channels // norm.num_groups
    if each == 1:
        return [(colour, _COLOURS + colour, None) for colour in range(_COLOURS)]
    return [(each * k, each * k + 1, each * k + 2 if each > 2 else None) for k in range(_COLOURS)]


def _spread_out(layer: nn.Conv2d, norm: nn.GroupNorm, scale: float) -> None:
    """Let the last convolution before a norm write each colour, times `scale`, with both signs and a constant."""
    kernels = layer.weight[:_COLOURS].clone() * scale
    bias = layer.bias
    assert bias is not None
    groups = _COLOURS * max(2, norm.num_channels // norm.num_groups)
    layer.weight[:groups] = 0
    bias[:groups] = 0
    for kernel, (plus, minus, steady) in zip(kernels, _places(norm), strict=True):
        layer.weight[plus], layer.weight[minus] = kernel, -kernel
        if steady is not None:
            bias[steady] = _STEADY


def _gather(layer: nn.Conv2d, norm: nn.GroupNorm, gain: float) -> None:
    """Let a norm leave colours as they are, and the convolution behind it put each together again, times `gain`."""
    each = norm.num_channels // norm.num_groups
    steady = _STEADY if each > 2 else 0.0
    spread = ((2 * _USUAL**2 + steady**2 * (each - 1) / each) / each) ** 0.5 if each > 1 else _USUAL
    bias = layer.bias
    assert bias is not None
    layer.weight[:_COLOURS] = 0
    bias[:_COLOURS] = 0
    for colour, (plus, minus, _) in enumerate(_places(norm)):
        for channel, sign in ((plus, 1), (minus, -1)):
            norm.weight[channel] = spread
            norm.bias[channel] = steady / each
            layer.weight[colour, channel, 1, 1] = sign * gain
