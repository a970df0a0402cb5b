"""Where models live and in which numbers they compute: one frozen value, chosen when the program starts."""

from dataclasses import dataclass
from typing import Literal

import torch

from engine.device.probe import Accelerator, Hardware, probe

Precision = Literal["auto", "fp32", "bf16", "fp16"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Placement:
    """The device of all parts, and the numbers each part computes in.

    Text encoders compute in float32 whatever the network does, with weights rounded to float16 as the ecosystem
    keeps them; `text_dtype` is that rounding.
    """

    device: torch.device = torch.device("cpu")
    dtype: torch.dtype = torch.float32  # of the network that denoises
    vae_dtype: torch.dtype = torch.float32
    text_dtype: torch.dtype = torch.float16


def choose(
    device: str = "auto",
    precision: Precision = "auto",
    vae_precision: Precision = "auto",
    hardware: Hardware | None = None,
) -> Placement:
    """The placement for these wishes on this machine.

    `auto` takes the first accelerator, else the processor. Networks then compute in float16 on accelerators and in
    float32 on the processor; VAEs in bfloat16 where the device is good at it, else float32, and in float16 only when
    asked. Raises ValueError for a device that is not there or a precision that does not exist.
    """
    hardware = hardware or probe()
    accelerator = _accelerator(device, hardware)
    return Placement(
        device=torch.device(accelerator.device if accelerator else "cpu"),
        dtype=_dtype(precision, torch.float16 if accelerator and accelerator.has_float16 else torch.float32),
        vae_dtype=_dtype(vae_precision, torch.bfloat16 if accelerator and accelerator.has_bfloat16 else torch.float32),
    )


def _accelerator(device: str, hardware: Hardware) -> Accelerator | None:
    """The accelerator that a wish such as `auto`, `cpu`, `cuda` or `cuda:1` means; None for the processor."""
    if device == "cpu":
        return None
    for each in hardware.accelerators:
        if device in ("auto", each.device, each.device.partition(":")[0]):
            return each
    if device == "auto":
        return None
    there = ", ".join(["cpu", *(each.device for each in hardware.accelerators)])
    msg = f"device {device!r} is not there; this machine has {there}"
    raise ValueError(msg)


def _dtype(precision: Precision, auto: torch.dtype) -> torch.dtype:
    if precision == "auto":
        return auto
    if precision not in _DTYPES:
        msg = f"precision {precision!r} does not exist; there are auto, {', '.join(_DTYPES)}"
        raise ValueError(msg)
    return _DTYPES[precision]


class _Current:
    placement: Placement | None = None


def current() -> Placement:
    """The placement of this process; before one was chosen, what `choose` takes by itself."""
    if _Current.placement is None:
        _Current.placement = choose()
    return _Current.placement


def use(placement: Placement | None) -> None:
    """Make this the placement of this process; None goes back to choosing."""
    _Current.placement = placement
