"""A union ControlNet is told which kind of picture it sees, and that alone changes what it tells."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.controlnets.controlnet_union import ControlNetUnionModel

from engine.device.place import Placement
from engine.diffusion.calls import Call
from engine.diffusion.control import Control, ControlNet, of_kind
from engine.diffusion.families.control_files import load_control_net
from engine.diffusion.families.control_network import Residuals
from engine.diffusion.families.load import load_checkpoint
from engine.diffusion.model import Model
from engine.weights.read import BadFile
from nodes.control import set_union_control_net_type
from tests.tiny.checkpoints import make_tiny_checkpoint
from tests.tiny.controls import make_tiny_control, tiny_union, tiny_union_control

HINT = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = make_tiny_checkpoint(tmp_path_factory.mktemp("u") / "xl.safetensors", "sdxl")
    return load_checkpoint(path, Placement()).model


@pytest.fixture(scope="module")
def union(tmp_path_factory: pytest.TempPathFactory) -> ControlNet:
    path = tmp_path_factory.mktemp("u") / "promax.safetensors"
    return load_control_net(make_tiny_control(path, tiny_union_control()), Placement())


def told(net: ControlNet, model: Model, rows: int = 1) -> Residuals:
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(rows, 4, 8, 8, generator=generator)
    context = torch.randn(1, 77, 64, generator=generator).expand(rows, -1, -1)
    vector = torch.randn(1, 1568, generator=generator).expand(rows, -1)
    with torch.no_grad():
        made = Control(net, HINT).residuals(Call(model, x, torch.full((rows,), 3.0), context, {"y": vector}, (rows,)))
    assert made is not None
    return made


def test_each_kind_tells_something_else_and_auto_too(union: ControlNet, model: Model) -> None:
    made = [told(of_kind(union, kind), model).middle for kind in (None, 0, 6, 7)]
    assert all(torch.isfinite(each).all() for each in made)
    for at, one in enumerate(made):
        assert all(not torch.allclose(one, other, atol=1e-3) for other in made[at + 1 :])
    assert torch.equal(told(union, model).middle, made[0])


def test_the_parts_that_read_kinds_agree_with_the_paper_s_network(union: ControlNet) -> None:
    theirs = ControlNetUnionModel(
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "DownBlock2D"),
        cross_attention_dim=8,
        addition_embed_type=None,
        addition_time_embed_dim=256,
        conditioning_embedding_out_channels=(16, 32, 96, 256),
        num_control_type=8,
        num_trans_channel=32,
        num_proj_channel=32,
        num_trans_layer=2,
    ).eval()
    missing = theirs.load_state_dict({name: each.float() for name, each in tiny_union().items()}, strict=False)
    assert missing.unexpected_keys == []
    ours = union.network.union
    assert ours is not None
    generator = torch.Generator().manual_seed(9)
    h, features = (torch.randn(2, 32, 4, 4, generator=generator) for _ in range(2))
    with torch.no_grad():
        one_hot = torch.eye(8)[5]
        wanted = theirs.control_add_embedding(theirs.control_type_proj(one_hot).reshape(1, -1))
        torch.testing.assert_close(ours.time((5,)), wanted)
        tokens = torch.stack([features.mean(dim=(2, 3)) + theirs.task_embedding[5], h.mean(dim=(2, 3))])
        for layer in theirs.transformer_layes:
            tokens = layer(tokens)
        alpha = theirs.spatial_ch_projs(tokens[0])
        torch.testing.assert_close(ours.guided(h, features, 5), features + alpha[:, :, None, None])


def test_a_row_does_not_depend_on_those_beside_it(union: ControlNet, model: Model) -> None:
    net = of_kind(union, 1)
    ours = net.network.union
    assert ours is not None
    h = torch.randn(3, 32, 8, 8, generator=torch.Generator().manual_seed(1))
    features = h.flip(0)
    with torch.no_grad():
        together, alone = ours.guided(h, features, 1), ours.guided(h[:1], features[:1], 1)
    torch.testing.assert_close(together[:1], alone)


def kinds(net: ControlNet, kind: Any) -> tuple[int, ...]:
    made = set_union_control_net_type(net, kind)
    assert isinstance(made, ControlNet)
    return made.kinds


def test_the_node_counts_kinds_as_files_do(union: ControlNet) -> None:
    assert kinds(union, "auto") == ()
    assert kinds(union, "openpose") == (0,)
    assert kinds(union, "repaint") == (7,)
    assert union.kinds == ()


def test_a_kind_that_a_union_lacks_is_told(tmp_path: Path) -> None:
    path = make_tiny_control(tmp_path / "six.safetensors", tiny_union_control(kinds=6))
    net = load_control_net(path, Placement())
    assert kinds(net, "segment") == (5,)
    with pytest.raises(ValueError, match=r"six\.safetensors knows the first 6 kinds of hints.* number 7"):
        set_union_control_net_type(net, "tile")


def test_a_plain_control_net_stays_as_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    net = load_control_net(make_tiny_control(tmp_path / "plain.safetensors"), Placement())
    with caplog.at_level(logging.WARNING):
        assert set_union_control_net_type(net, "depth") is net
    assert "plain.safetensors is no union ControlNet" in caplog.text


def test_what_an_incomplete_union_lacks_is_named(tmp_path: Path) -> None:
    tensors = tiny_union_control()
    del tensors["spatial_ch_projs.weight"]
    with pytest.raises(BadFile, match=r"lacks spatial_ch_projs\.weight"):
        load_control_net(make_tiny_control(tmp_path / "net.safetensors", tensors), Placement())
