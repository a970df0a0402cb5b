"""The shape of a Stable Diffusion UNet, read off the names and shapes of its tensors (original layout)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Shapes = Mapping[str, tuple[int, ...]]

_TRANSFORMER = re.compile(r"((?:input|output)_blocks\.\d{1,4}|middle_block)\.1\.transformer_blocks\.(\d{1,4})\.")


class UnknownShape(ValueError):
    """These tensors do not make a UNet of the Stable Diffusion kind; the text says why."""


@dataclass(frozen=True)
class UNetShape:
    """All that differs between UNets of the Stable Diffusion kind.

    Depths are numbers of transformer blocks, 0 for none: `encoder` by level and residual block, `decoder` likewise
    from the coarsest level up with one block more each. `middle` is None where there is no middle block at all.
    """

    in_channels: int
    out_channels: int
    widths: tuple[int, ...]  # channels of each level
    encoder: tuple[tuple[int, ...], ...]
    middle: int | None
    decoder: tuple[tuple[int, ...], ...]
    context: int  # width of the text tokens; 0 without any attention to text
    linear_projection: bool = False
    vector: int | None = None  # width of the vector beside the text, if the network takes one
    classes: int | None = None  # how many numbers there are to tell the network one of, if it is told any
    crossed: tuple[bool, ...] = ()  # levels that read the text twice instead of attending to themselves, if any do

    @property
    def residuals(self) -> int:
        """Residual blocks in each level of the encoder."""
        return len(self.encoder[0])


def read_unet_shape(shapes: Shapes) -> UNetShape:
    """The shape of a UNet from its tensors' names without prefix. Raises UnknownShape."""
    if "input_blocks.0.0.weight" not in shapes or "out.2.weight" not in shapes:
        raise UnknownShape("the tensors of a Stable Diffusion UNet (input_blocks, out) are not there")
    depths = _depths(shapes)
    widths, encoder = _encoder(shapes, depths)
    decoder = _decoder(shapes, depths, len(widths), len(encoder[0]) + 1)
    return _shape(shapes, depths, widths, encoder, decoder, shapes["out.2.weight"][0])


def read_encoder_shape(shapes: Shapes) -> UNetShape:
    """The shape of a UNet of which only the encoder and the middle are there, with the decoder that would mirror it.

    Raises UnknownShape.
    """
    if "input_blocks.0.0.weight" not in shapes:
        raise UnknownShape("the encoder of a Stable Diffusion UNet (input_blocks) is not there")
    depths = _depths(shapes)
    widths, encoder = _encoder(shapes, depths)
    decoder = tuple((level[-1],) * (len(level) + 1) for level in reversed(encoder))
    return _shape(shapes, depths, widths, encoder, decoder, shapes["input_blocks.0.0.weight"][1])


def _shape(
    shapes: Shapes,
    depths: Mapping[str, int],
    widths: tuple[int, ...],
    encoder: tuple[tuple[int, ...], ...],
    decoder: tuple[tuple[int, ...], ...],
    out_channels: int,
) -> UNetShape:
    attention = [name for name in shapes if name.endswith(".transformer_blocks.0.attn2.to_k.weight")]
    projection = next((shapes[name] for name in shapes if name.endswith(".1.proj_in.weight")), ())
    vector = shapes.get("label_emb.0.0.weight")
    return UNetShape(
        in_channels=shapes["input_blocks.0.0.weight"][1],
        out_channels=out_channels,
        widths=widths,
        encoder=encoder,
        middle=_middle(shapes, depths),
        decoder=decoder,
        context=shapes[attention[0]][1] if attention else 0,
        linear_projection=len(projection) == 2,
        vector=vector[1] if vector else None,
        classes=shapes["label_emb.weight"][0] if "label_emb.weight" in shapes else None,
        crossed=_crossed(shapes, len(widths), len(encoder[0])),
    )


def _crossed(shapes: Shapes, levels: int, residuals: int) -> tuple[bool, ...]:
    """Levels whose first attention takes keys of another width than the picture's; none where no level does."""

    def is_crossed(level: int) -> bool:
        attention = f"input_blocks.{1 + (residuals + 1) * level}.1.transformer_blocks.0.attn1"
        return shapes.get(f"{attention}.to_k.weight", ())[1:] != shapes.get(f"{attention}.to_q.weight", ())[1:]

    crossed = tuple(is_crossed(level) for level in range(levels))
    return crossed if any(crossed) else ()


def _depths(shapes: Shapes) -> dict[str, int]:
    """Transformer blocks of each block that has any."""
    depths: dict[str, int] = {}
    for name in shapes:
        if found := _TRANSFORMER.match(name):
            depths[found[1]] = max(depths.get(found[1], 0), int(found[2]) + 1)
    return depths


def _encoder(shapes: Shapes, depths: Mapping[str, int]) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    widths: list[int] = []
    levels: list[list[int]] = [[]]
    step = 1
    while True:
        block = f"input_blocks.{step}"
        if f"{block}.0.op.weight" in shapes:
            levels.append([])
        elif convolution := shapes.get(f"{block}.0.in_layers.2.weight"):
            widths[len(levels) - 1 :] = [convolution[0]]
            levels[-1].append(depths.get(block, 0))
        else:
            break
        step += 1
    if len({len(level) for level in levels}) != 1 or not levels[0]:
        raise UnknownShape("the levels of its encoder do not have equally many residual blocks")
    return tuple(widths), tuple(tuple(level) for level in levels)


def _decoder(shapes: Shapes, depths: Mapping[str, int], levels: int, per_level: int) -> tuple[tuple[int, ...], ...]:
    steps = range(levels * per_level)
    missing = [step for step in steps if f"output_blocks.{step}.0.in_layers.2.weight" not in shapes]
    if missing:
        raise UnknownShape(f"output_blocks.{missing[0]} of its decoder is missing")
    flat = [depths.get(f"output_blocks.{step}", 0) for step in steps]
    return tuple(tuple(flat[start : start + per_level]) for start in range(0, len(flat), per_level))


def _middle(shapes: Shapes, depths: Mapping[str, int]) -> int | None:
    if "middle_block.0.in_layers.2.weight" not in shapes:
        return None
    return depths.get("middle_block", 0)
