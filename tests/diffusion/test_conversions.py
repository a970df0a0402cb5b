"""What networks predict, each turned into any other and back."""

from itertools import product
from typing import Any, get_args

import pytest
import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

from engine.diffusion import beta_schedules
from engine.diffusion.conversions import Quantity, convert, velocity
from engine.diffusion.forward_process import noise_like, noised

X0, NOISE = noise_like(torch.empty(2, 3, 4).double(), 1).double(), noise_like(torch.empty(2, 3, 4), 2).double()
KINDS: tuple[Quantity, ...] = get_args(Quantity)


def quantities(signal: float) -> dict[Quantity, torch.Tensor]:
    v = velocity(X0, NOISE, signal)
    return {"x0": X0, "epsilon": NOISE, "v": v, "score": -NOISE / (1 - signal) ** 0.5 if signal < 1 else NOISE}


@pytest.mark.parametrize(("given", "wanted"), [*product(KINDS, KINDS)])
@pytest.mark.parametrize("signal", [0.999, 0.5, 0.004])
def test_any_quantity_gives_any_other(given: Quantity, wanted: Quantity, signal: float) -> None:
    known = quantities(signal)
    found = convert(noised(X0, NOISE, signal), known[given], given, wanted, signal)
    torch.testing.assert_close(found, known[wanted], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("given", "kind"), [("epsilon", "epsilon"), ("v", "v_prediction")])
def test_x0_is_that_of_diffusers(given: Quantity, kind: Any) -> None:
    theirs = DDPMScheduler(100, beta_schedule="linear", prediction_type=kind, clip_sample=False)
    signal = beta_schedules.linear(100).alpha_bar(41)
    output = quantities(signal)[given].float()
    x = noised(X0, NOISE, signal).float()
    torch.manual_seed(0)
    wanted = theirs.step(output, 40, x).pred_original_sample  # pyright: ignore - an output or a tuple
    torch.testing.assert_close(convert(x, output, given, "x0", signal), wanted, rtol=1e-4, atol=1e-4)


def test_the_ends_say_what_they_can_and_refuse_the_rest() -> None:
    v = velocity(X0, NOISE, 0)
    torch.testing.assert_close(convert(NOISE, v, "v", "x0", 0), X0)
    torch.testing.assert_close(convert(NOISE, X0, "x0", "v", 0), v)
    torch.testing.assert_close(convert(X0, velocity(X0, NOISE, 1), "v", "epsilon", 1), NOISE)
    refused: tuple[tuple[Quantity, Quantity, float], ...] = (
        ("epsilon", "x0", 0),
        ("epsilon", "v", 0),
        ("score", "x0", 0),
        ("x0", "epsilon", 1),
        ("v", "score", 1),
    )
    for given, wanted, signal in refused:
        with pytest.raises(ValueError, match="at this t"):
            convert(NOISE, NOISE, given, wanted, signal)
    with pytest.raises(ValueError, match="should be alike"):
        convert(NOISE, NOISE[:1], "v", "x0", 0.5)
