"""Style models make the tokens that their peers make, and how much those are attended to is as asked."""

import math
from pathlib import Path

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.flux.modeling_flux import ReduxImageEncoder
from torch import Tensor, nn

from engine.device.place import Placement
from engine.diffusion.calls import Piece, predictions
from engine.diffusion.conditioning import TOKEN_BIAS, concat
from engine.diffusion.families.assign import hollow
from engine.diffusion.families.attention import WideAttention
from engine.diffusion.families.load import load_checkpoint
from engine.diffusion.families.style_files import load_style_model
from engine.diffusion.families.unet_walk import walk
from engine.diffusion.model import Model
from engine.diffusion.style import StyleModel, styled
from engine.diffusion.vision import Seen
from engine.weights.read import BadFile
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.layouts import WIDTH
from tests.tiny.styles import make_tiny_style, tiny_redux, tiny_style
from tests.tiny.visions import make_tiny_vision


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def seen(pictures: int = 1, width: int = WIDTH) -> Seen:
    places = drawn(1, pictures, 5, width)
    return Seen(places[:, 0], places, places)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load_checkpoint(make_tiny_checkpoint(tmp_path_factory.mktemp("s") / "sd.safetensors"), Placement()).model


@pytest.fixture
def adapter(tmp_path: Path) -> StyleModel:
    return load_style_model(make_tiny_style(tmp_path / "style.safetensors"), Placement())


class QuickGelu(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


def test_the_adapter_s_tokens_are_those_of_the_paper_s_layers(adapter: StyleModel) -> None:
    weights = {name: each.float() for name, each in tiny_style().items()}
    layers: list[nn.Module] = []
    inside = {"ln_1": "norm1", "ln_2": "norm2", "mlp.c_fc": "linear1", "mlp.c_proj": "linear2", "attn": "self_attn"}
    for number in range(2):
        layer = nn.TransformerEncoderLayer(
            WIDTH, 8, 4 * WIDTH, activation=QuickGelu(), batch_first=True, norm_first=True
        )
        stem = f"transformer_layes.{number}."
        renamed = {
            name.removeprefix(stem).replace(old, new): each
            for name, each in weights.items()
            for old, new in inside.items()
            if name.startswith(f"{stem}{old}.")
        }
        layer.load_state_dict(renamed)
        layers.append(layer.eval())
    h = torch.cat([seen(2).last_hidden_state, weights["style_embedding"].expand(2, -1, -1)], dim=1)
    h = nn.functional.layer_norm(h, (WIDTH,), weights["ln_pre.weight"], weights["ln_pre.bias"])
    with torch.no_grad():
        for layer in layers:
            h = layer(h)
    h = nn.functional.layer_norm(h[:, -3:], (WIDTH,), weights["ln_post.weight"], weights["ln_post.bias"])
    torch.testing.assert_close(adapter.get_cond(seen(2)), h @ weights["proj"], atol=1e-5, rtol=1e-5)


def test_redux_makes_the_tokens_of_its_peer(tmp_path: Path) -> None:
    redux = load_style_model(make_tiny_style(tmp_path / "redux.safetensors", tiny_redux()), Placement())
    peer = ReduxImageEncoder(WIDTH, WIDTH)
    peer.load_state_dict({name: each.float() for name, each in tiny_redux().items()})
    with torch.no_grad():
        wanted = peer(seen().last_hidden_state).image_embeds
    torch.testing.assert_close(redux.get_cond(seen()), wanted)


def test_tokens_of_all_pictures_stand_behind_the_text(adapter: StyleModel) -> None:
    text = drawn(2, 1, 7, WIDTH)
    ((tokens, settings),) = styled([(text, {"kept": 1})], adapter, seen(2), 2.0, "multiply")
    assert torch.equal(tokens[:, :7], text)
    torch.testing.assert_close(tokens[0, 7:], 2 * adapter.get_cond(seen(2)).flatten(0, 1))
    assert settings == {"kept": 1}


def test_a_bias_counts_for_the_tokens_it_was_given_for(adapter: StyleModel) -> None:
    text = drawn(2, 1, 7, WIDTH)
    once = styled([(text, {})], adapter, seen(), 2.0, "attn_bias")
    twice = styled(once, adapter, seen(), 0.5, "attn_bias")
    ((_, settings),) = concat(twice, [(text[:, :2], {})])
    wanted = [0.0] * 7 + [math.log(2.0)] * 3 + [math.log(0.5)] * 3 + [0.0] * 2
    torch.testing.assert_close(settings[TOKEN_BIAS], torch.tensor([wanted]))
    ((_, plain),) = styled([(text, {})], adapter, seen(), 1.0, "attn_bias")
    assert TOKEN_BIAS not in plain


def predicted(model: Model, text: Tensor, bias: Tensor | None = None, beside: int = 0) -> Tensor:
    x, sigma = drawn(3, 1, 4, 8, 8), torch.full((1,), 5.0)
    extras = {} if bias is None else {"bias": bias}
    pieces = [Piece(model, x, sigma, text, extras)]
    if beside:
        pieces.append(Piece(model, x, sigma, drawn(9, 1, beside, WIDTH), {"bias": torch.zeros(1, beside)}))
    with torch.no_grad():
        return predictions(pieces)[0]


def test_twice_the_attention_is_that_of_the_tokens_given_twice(model: Model) -> None:
    text = drawn(2, 1, 6, WIDTH)
    bias = torch.tensor([[0.0] * 4 + [math.log(2.0)] * 2])
    twice = torch.cat([text, text[:, 4:]], dim=1)
    torch.testing.assert_close(predicted(model, text, bias), predicted(model, twice), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(predicted(model, text, bias, beside=4), predicted(model, twice), atol=1e-4, rtol=1e-4)
    none = torch.tensor([[0.0] * 4 + [-math.inf] * 2])
    torch.testing.assert_close(predicted(model, text, none), predicted(model, text[:, :4]), atol=1e-5, rtol=1e-5)


def test_hooks_and_wide_attention_heed_the_bias_too(model: Model) -> None:
    bias, text = torch.tensor([[0.0, 1.0, -1.0]]), drawn(2, 1, 3, WIDTH)
    hooked = model.hooked(attention=(lambda tokens, attend, _place: attend(tokens),))
    assert torch.equal(predicted(hooked, text, bias), predicted(model, text, bias))
    unet = model.network
    assert isinstance(unet, UNet2DConditionModel)
    wide = hollow(lambda: UNet2DConditionModel(**unet.config))  # pyright: ignore[reportCallIssue]
    wide.load_state_dict(unet.state_dict(), assign=True)
    wide.set_attn_processor(WideAttention())  # pyright: ignore[reportArgumentType]
    x, t = drawn(3, 1, 4, 8, 8), torch.tensor([300])
    with torch.no_grad():
        made, wanted = (walk(each, x, t, text, bias=bias) for each in (wide.eval(), unet))
    torch.testing.assert_close(made, wanted, atol=1e-5, rtol=1e-5)


def test_what_does_not_fit_is_told(adapter: StyleModel, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"style\.safetensors reads .* encoder of width 32 saw, and this one is 16 wide"
    ):
        adapter.get_cond(seen(width=16))
    with pytest.raises(ValueError, match="makes tokens of 32 numbers and this text has 48"):
        styled([(torch.zeros(1, 2, 48), {})], adapter, seen(), 1.0, "multiply")
    with pytest.raises(BadFile, match="is an encoder of pictures: load it with CLIPVisionLoader"):
        load_style_model(make_tiny_vision(tmp_path / "eye.safetensors"), Placement())
    tensors = tiny_style()
    del tensors["ln_post.bias"]
    with pytest.raises(BadFile, match=r"the style model lacks ln_post\.bias"):
        load_style_model(make_tiny_style(tmp_path / "less.safetensors", tensors), Placement())
