"""Resampling, tiles, VAE passes and masks against the reference figures, by way of the code that nodes call."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from engine.diffusion import inpaint
from engine.diffusion.noise_mask import fitted, spread
from engine.diffusion.vae import Vae, crop_to_cells
from engine.pictures import masks, resample
from engine.pictures.tiled import tiled

Record = dict[str, Any]


class Averaging(nn.Module):
    """Stands in for an autoencoder: averages to encode, repeats to decode, and is moved by what its tile looks like."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.config = {"latent_channels": 4, "block_out_channels": (1, 1, 1, 1)}

    def encode(self, x: Tensor, return_dict: bool = True) -> tuple[Any]:
        means = avg_pool2d(x, 8)
        fourth = 0.5 * means[:, :1] + 0.01 * x.mean() + 0.0001 * x.shape[-2]
        return (SimpleNamespace(mode=lambda: torch.cat([means, fourth], 1)),)

    def decode(self, z: Tensor, return_dict: bool = True) -> tuple[Tensor]:
        wide = interpolate(z[:, :3], scale_factor=8, mode="nearest")
        return (0.5 * wide + 0.02 * z.mean() + 0.001 * z.shape[-1],)


def wave(shape: list[int], unit: bool) -> Tensor:
    axes = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in shape), indexing="ij")
    f = torch.sin(torch.stack([factor * axis for factor, axis in zip((0.13, 0.3, 0.7, 1.1), axes, strict=True)]).sum(0))
    return (0.5 + 0.5 * f if unit else f).float()


def drawn(mask: Record) -> Tensor:
    height, width = mask["size"]
    if mask["type"] == "rect":
        y0, y1, x0, x1 = mask["rect"]
        rect = torch.zeros(1, height, width)
        rect[:, y0:y1, x0:x1] = 1
        return rect
    rows, columns = torch.arange(height).double()[:, None], torch.arange(width).double()[None]
    return (0.5 + 0.5 * torch.sin(mask["a"] * rows + mask["b"] * columns)).float()[None]


def agree(x: Tensor, record: Record, tolerance: float = 2e-5) -> None:
    values = x.flatten()[:: record["stride"]][: len(record["values"])]
    torch.testing.assert_close(values, torch.tensor(record["values"]), rtol=0, atol=tolerance)
    if "mean" in record:
        assert math.isclose(x.double().mean().item(), record["mean"], abs_tol=tolerance)
        assert math.isclose(x.double().std(correction=0).item(), record["std"], abs_tol=tolerance)


def check_resize(record: Record) -> None:
    x = wave(record["input"], record["unit"])
    agree(resample.resize(x, record["width"], record["height"], record["method"], record["crop"]), record)


def check_tiled(record: Record) -> None:
    def f(t: Tensor) -> Tensor:
        wide = interpolate(t, scale_factor=record["scale"], mode="nearest")
        return wide * (1 + 0.1 * t.mean()) + 0.01 * t.shape[-1] - 0.02 * t.shape[-2]

    x = wave(record["input"], False)
    agree(tiled(x, f, (record["tile_h"], record["tile_w"]), record["overlap"], record["scale"]), record)


def check_decode_tiled(record: Record) -> None:
    latent, tile = wave(record["input"], False), record["tile"]
    agree(Vae(Averaging()).decode_tiled(latent, tile, tile, record["overlap"]).movedim(-1, 1), record)


def check_encode_tiled(record: Record) -> None:
    pixels, tile = wave(record["input"], True).movedim(1, -1), record["tile"]
    agree(Vae(Averaging()).encode_tiled(pixels, tile, tile, record["overlap"]), record)


def check_crop(record: Record) -> None:
    cropped = crop_to_cells(wave(record["input"], True).movedim(1, -1)).movedim(-1, 1)
    assert list(cropped.shape[-2:]) == record["output_hw"]
    agree(cropped, record)


def check_inpaint_conditioning(record: Record) -> None:
    prepared = inpaint.prepare(wave(record["input"], True).movedim(1, -1), drawn(record["mask"]))
    agree(prepared.pixels.movedim(-1, 1), record["pixels"])
    assert list(prepared.original.shape) == record["orig_shape"]
    assert list(prepared.mask.shape) == record["concat_mask_shape"]
    agree(prepared.mask, record["concat_mask"])


def check_inpaint_encode(record: Record) -> None:
    prepared = inpaint.prepare(wave(record["input"], True).movedim(1, -1), drawn(record["mask"]))
    widened = inpaint.widened(prepared.mask, record["grow"])
    agree(prepared.pixels.movedim(-1, 1), record["pixels"])
    assert list(widened.shape) == record["noise_mask_shape"]
    agree(widened, record["noise_mask"])


def check_grow(record: Record) -> None:
    rect = drawn({"type": "rect", "size": record["size"], "rect": record["rect"]})
    grown = masks.grow(rect, record["expand"], tapered=record["tapered"])[0]
    assert grown.sum(1).tolist() == record["rows"]
    assert grown.sum(0).tolist() == record["cols"]


def check_feather(record: Record) -> None:
    sides = (record[side] for side in ("left", "top", "right", "bottom"))
    faded = masks.feather(torch.ones(1, *record["size"]), *sides)[0]
    torch.testing.assert_close(faded.sum(1), torch.tensor(record["rows"]), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(faded.sum(0), torch.tensor(record["cols"]), rtol=1e-5, atol=1e-5)


def check_outpaint(record: Record) -> None:
    sides = (record[side] for side in ("left", "top", "right", "bottom", "feathering"))
    padded = inpaint.pad(wave(record["input"], True).movedim(1, -1), *sides)
    assert list(padded.mask.shape) == record["mask_shape"]
    agree(padded.mask, record["mask"])
    agree(padded.image.movedim(-1, 1), record["image"])


def check_noise_mask(record: Record) -> None:
    latent = torch.zeros(record["to"])
    agree(spread(fitted(drawn(record["mask"]), latent), latent), record)


CHECKS: dict[str, Callable[[Record], None]] = {
    "resize": check_resize,
    "tiled": check_tiled,
    "vae_decode_tiled": check_decode_tiled,
    "vae_encode_tiled": check_encode_tiled,
    "crop8": check_crop,
    "inpaint_cond": check_inpaint_conditioning,
    "inpaint_encode": check_inpaint_encode,
    "grow_mask": check_grow,
    "feather_mask": check_feather,
    "outpaint_pad": check_outpaint,
    "noise_mask_resize": check_noise_mask,
}


@pytest.mark.parametrize("op", CHECKS)
def test_figures_of_the_reference_are_met(op: str, golden: Any) -> None:
    records = [record for record in golden("resize") if record["op"] == op]
    assert records
    for record in records:
        CHECKS[op](record)


def test_no_figure_is_passed_over(golden: Any) -> None:
    assert {record["op"] for record in golden("resize")} <= set(CHECKS)
