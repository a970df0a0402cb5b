"""Attention by every kernel that runs here is the same, in layers, networks and pictures; others are refused."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from engine.app import start
from engine.device import place
from engine.diffusion import attention
from engine.diffusion.drive import alone
from engine.diffusion.families.attention import ChosenAttention
from engine.diffusion.families.load import Checkpoint
from engine.settings import ATTENTIONS, Settings
from nodes.sample import ksampler

Tiny = Callable[[str], Checkpoint]
CPU = torch.device("cpu")
HERE = ("sdpa", "math", "flash", "split")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    placed = place.current()
    yield
    place.use(placed)
    attention.use("auto", CPU, torch.float32)


def use(name: str) -> None:
    attention.use(name, CPU, torch.float32)


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("bias", [None, noise(2, 1, 1, 9), noise(1, 4, 33, 9)])
def test_every_kernel_computes_the_same(name: str, bias: Tensor | None) -> None:
    q, k, v = noise(2, 4, 33, 24), noise(2, 4, 9, 24, seed=2), noise(2, 4, 9, 24, seed=3)
    wanted = scaled_dot_product_attention(q, k, v, bias)
    use(name)
    assert torch.allclose(attention.attend(q, k, v, bias), wanted, atol=1e-5)


@pytest.mark.parametrize("bias", [None, noise(2, 1, 1, 9), noise(1, 4, 33, 9)])
@pytest.mark.parametrize("most_scores", [1, 2 * 4 * 9 * 7, 1 << 20])
def test_slices_of_any_size_make_up_the_whole(most_scores: int, bias: Tensor | None) -> None:
    q, k, v = noise(2, 4, 33, 24), noise(2, 4, 9, 24, seed=2), noise(2, 4, 9, 24, seed=3)
    wanted = scaled_dot_product_attention(q, k, v, bias)
    assert torch.allclose(attention.in_slices(q, k, v, bias, most_scores), wanted, atol=1e-5)


@pytest.mark.parametrize("family", ["sd15", "sd2", "upscaler", "sdxl"])
@torch.no_grad()
def test_layers_compute_what_those_of_the_library_do(family: str, tiny: Tiny) -> None:
    checkpoint = tiny(family)
    network: Any = checkpoint.model.network
    assert isinstance(network, UNet2DConditionModel)
    module: Any = checkpoint.vae.module if checkpoint.vae else None
    for layer in (*network.modules(), *module.modules()):
        if isinstance(layer, Attention):
            ours: Any = layer.processor
            assert isinstance(ours, ChosenAttention)
            is_picture = bool(layer.residual_connection)
            tokens = noise(2, layer.query_dim, 4, 3) if is_picture else noise(2, 12, layer.query_dim)
            width = layer.cross_attention_dim
            others = None if is_picture or width == layer.query_dim else noise(2, 7, width, seed=2)
            theirs = AttnProcessor2_0()(layer, tokens, others)
            assert torch.equal(ours(layer, tokens, others), theirs)


@pytest.mark.parametrize("name", HERE)
@torch.inference_mode()
def test_a_picture_is_the_same_by_every_kernel(name: str, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = tiny("sd15")
    assert checkpoint.vae is not None
    settings: dict[str, Any] = {"seed": 5, "steps": 2, "cfg": 3.0, "sampler_name": "euler", "scheduler": "normal"}
    positive, negative = ([(noise(1, 77, 32, seed=seed), {})] for seed in (1, 2))
    empty = {"samples": torch.zeros(1, 4, 8, 8)}

    def painted() -> Tensor:
        run = ksampler(checkpoint.model, **settings, positive=positive, negative=negative, latent_image=empty)
        return checkpoint.vae.decode(alone(run)["samples"]) if checkpoint.vae else torch.zeros(0)

    wanted = painted()
    asked: list[int] = []
    kernel = attention._KERNELS.get(name, attention.in_slices)
    monkeypatch.setitem(attention._KERNELS, name, lambda *given: asked.append(1) or kernel(*given))
    use(name)
    assert torch.allclose(painted(), wanted, atol=1e-5)
    assert bool(asked) == (name != "sdpa")


@torch.no_grad()
def test_a_compiled_layer_attends_by_the_kernel_that_was_chosen(tiny: Tiny) -> None:
    network: Any = tiny("sd15").model.network
    layer = deepcopy(network.mid_block.attentions[0].transformer_blocks[0])
    tokens, text = noise(1, 9, 64), noise(1, 77, 32, seed=2)
    wanted = layer(tokens, encoder_hidden_states=text)
    use("split")
    layer.compile(backend="eager")
    assert torch.allclose(layer(tokens, encoder_hidden_states=text), wanted, atol=1e-5)


def test_what_a_kernel_does_not_do_is_done_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    def picky(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        if q.shape[-1] != 64:
            raise ValueError("heads are 64 wide")
        return torch.zeros_like(q)

    monkeypatch.setitem(attention._KERNELS, "picky", picky)
    use("picky")
    narrow, wide = noise(1, 1, 5, 24), noise(1, 1, 5, 64)
    assert torch.equal(attention.attend(narrow, narrow, narrow), scaled_dot_product_attention(narrow, narrow, narrow))
    assert attention.attend(wide, wide, wide).count_nonzero() == 0


def test_what_does_not_work_here_is_refused_with_what_does(tmp_path: Path) -> None:
    app = start(Settings(base=tmp_path, device="cpu", precision="fp32", attention="cudnn"))
    with pytest.raises(ValueError, match=r"attention 'cudnn' does not work on cpu in float32: .*; there are auto, sd"):
        app.place()
    with pytest.raises(ValueError, match="sageattention is not installed; there are auto, sdpa, math, flash, split"):
        use("sage")
    start(Settings(base=tmp_path, device="cpu", precision="fp32", attention="split")).place()
    assert {*attention._PLAIN, *attention._KERNELS} == set(ATTENTIONS)
