"""Compiled layers compute what the others do, in a twin of the network."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers.models.attention import BasicTransformerBlock
from torch import Tensor, nn

from engine.diffusion.compiled import check_backend, compiled
from engine.diffusion.families.load import Checkpoint
from engine.diffusion.model import Model

Tiny = Callable[[str], Checkpoint]
CPU = torch.device("cpu")


def predicted(model: Model) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, 4, 8, 8, generator=generator)
    context = torch.randn(2, 77, 32, generator=generator)
    return model.predict(x, torch.tensor([3.0, 1.0]), context, {})


@torch.inference_mode()
def test_the_layers_of_a_twin_are_compiled_and_the_network_stays_as_it_was(tiny: Tiny) -> None:
    model = tiny("sd15").model
    before = predicted(model)
    fast = replace(model, backend="eager")  # traces as the others do, and compiles nothing
    assert torch.allclose(predicted(fast), before, atol=1e-5)
    layers = [each for each in fast.patched.modules() if isinstance(each, BasicTransformerBlock)]
    assert layers
    assert all(each._compiled_call_impl is not None for each in layers)
    assert fast.patched is fast.patched
    assert fast.patched is not model.network
    assert next(fast.patched.parameters()) is next(model.network.parameters())
    assert torch.equal(predicted(model), before)


@pytest.mark.skipif(torch.cuda.is_available(), reason="compiles for the CPU")
@torch.inference_mode()
def test_a_layer_compiled_for_the_cpu_computes_what_it_did() -> None:
    check_backend("inductor", CPU)
    layer = BasicTransformerBlock(16, 1, 16, cross_attention_dim=8).eval()
    tokens, text = torch.randn(2, 24, 16), torch.randn(2, 7, 8)
    before = layer(tokens, encoder_hidden_states=text)
    (fast,) = compiled(nn.ModuleList([layer]), "inductor")
    assert torch.allclose(fast(tokens, encoder_hidden_states=text), before, atol=1e-5)


def test_backends_that_cannot_work_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="the model is on cpu: take inductor"):
        check_backend("cudagraphs", CPU)
    found: Any = None
    monkeypatch.setattr("shutil.which", lambda name: found)
    with pytest.raises(ValueError, match="none was found: install g"):
        check_backend("inductor", CPU)
