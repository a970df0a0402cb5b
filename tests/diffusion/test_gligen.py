"""GLIGEN: boxes with texts reach a UNet as in diffusers' own, from files of either layout, beside other controls."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.device.place import Placement
from engine.diffusion.calls import Piece, predictions
from engine.diffusion.control import Control
from engine.diffusion.entries import resolve
from engine.diffusion.families.control_files import load_control_net
from engine.diffusion.families.gligen_files import load_gligen
from engine.diffusion.families.load import Checkpoint
from engine.diffusion.gligen import MOST, Box, Gligen, Grounded, put_box
from engine.diffusion.model import Model
from engine.diffusion.text.clip import Clip
from engine.diffusion.tiling import Window
from engine.weights.read import BadFile
from tests.tiny.controls import make_tiny_control
from tests.tiny.gligens import tiny_gligen, tiny_gligen_unet

GENERATOR = torch.Generator().manual_seed(3)
X, TEXT = torch.randn(2, 4, 8, 12, generator=GENERATOR), torch.randn(1, 7, 32, generator=GENERATOR)
SIGMA = torch.full((2,), 3.0)
BOXES = (
    Box(torch.randn(1, 32, generator=GENERATOR), height=4, width=6, y=2, x=3),
    Box(torch.randn(1, 32, generator=GENERATOR), height=8, width=3, y=0, x=9),
)
CORNERS = [[3 / 12, 2 / 8, 9 / 12, 6 / 8], [9 / 12, 0.0, 1.0, 1.0]]


@pytest.fixture(scope="module")
def model(tiny: Callable[[str], Checkpoint]) -> Model:
    return tiny("sd15").model


@pytest.fixture(scope="module")
def net(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Gligen:
    path = tmp_path_factory.mktemp("g") / "boxes.safetensors"
    save_file(tiny_gligen(model.network), path)
    return load_gligen(path, Placement())


@torch.inference_mode()
def predicted(model: Model, control: Any, x: Tensor = X, window: Window | None = None) -> Tensor:
    (x0,) = predictions([Piece(model, x, SIGMA[: len(x)], TEXT, {}, control, window)])
    return x0


@torch.inference_mode()
def theirs(model: Model, boxes: tuple[Box, ...]) -> Tensor:
    unet: Any = tiny_gligen_unet(model.network)
    corners, masks, texts = torch.zeros(2, MOST, 4), torch.zeros(2, MOST), torch.zeros(2, MOST, 32)
    for index, box in enumerate(boxes):
        corners[:, index], masks[:, index], texts[:, index] = torch.tensor(CORNERS[index]), 1, box.text[0]
    given = {"boxes": corners, "masks": masks, "positive_embeddings": texts}
    scaled, t = model.parameterisation.scale_input(X, SIGMA), model.levels.timestep(SIGMA)
    out = unet(scaled, t, TEXT.expand(2, -1, -1), cross_attention_kwargs={"gligen": given}).sample
    return model.parameterisation.x0(X, SIGMA, out)


@pytest.mark.parametrize("boxes", [BOXES, BOXES[:1], ()], ids=len)
def test_boxes_reach_the_network_as_in_diffusers_own(boxes: tuple[Box, ...], model: Model, net: Gligen) -> None:
    made = predicted(model, Grounded(net, boxes, None))
    torch.testing.assert_close(made, theirs(model, boxes), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(made, predicted(model, None), atol=1e-2)


def test_a_whole_unet_of_diffusers_is_read_too(model: Model, net: Gligen, tmp_path: Path) -> None:
    save_file(tiny_gligen_unet(model.network).state_dict(), tmp_path / "unet.safetensors")
    other = load_gligen(tmp_path / "unet.safetensors", Placement())
    assert torch.equal(predicted(model, Grounded(other, BOXES, None)), predicted(model, Grounded(net, BOXES, None)))


def test_a_control_net_steers_beside_boxes(model: Model, net: Gligen, tmp_path: Path) -> None:
    edges = load_control_net(make_tiny_control(tmp_path / "c.safetensors"), Placement())
    control = Control(edges, torch.rand(1, 64, 96, 3, generator=GENERATOR))
    both = predicted(model, Grounded(net, BOXES, control))
    for one in (control, Grounded(net, BOXES, None)):
        assert not torch.allclose(both, predicted(model, one), atol=1e-3)


def test_a_tile_is_shown_what_lies_in_it(model: Model, net: Gligen) -> None:
    window = Window((8, 12), 0, 6, 8, 6)
    shown = predicted(model, Grounded(net, BOXES, None), window.crop(X), window)
    inside = (replace(BOXES[0], width=3, x=0), replace(BOXES[1], x=3))
    assert torch.equal(shown, predicted(model, Grounded(net, inside, None), window.crop(X)))
    left = Window((8, 12), 0, 0, 8, 3)
    nothing = predicted(model, Grounded(net, (), None), left.crop(X))
    assert torch.equal(predicted(model, Grounded(net, BOXES, None), left.crop(X), left), nothing)


def test_lists_without_boxes_are_shown_empty_ones_beside_a_list_that_has_some(model: Model, net: Gligen) -> None:
    plain: Any = [(TEXT, {})]
    lists = {"positive": put_box(plain, net, BOXES[0]), "negative": plain}
    made = resolve(lists, model, X, None)
    positive, negative = made["positive"][0].control, made["negative"][0].control
    assert ([len(each.boxes) for each in (positive, negative)], negative.net) == ([1, 0], net)
    assert resolve({"positive": plain, "negative": plain}, model, X, None)["negative"][0].control is None


def test_boxes_add_up_to_as_many_as_there_may_be(net: Gligen) -> None:
    entries: Any = [(TEXT, {})]
    for _ in range(MOST):
        entries = put_box(entries, net, BOXES[0])
    assert len(entries[0][1]["gligen"][2]) == MOST
    with pytest.raises(ValueError, match="this prompt has 30 boxes"):
        put_box(entries, net, BOXES[0])
    with pytest.raises(ValueError, match=r"the text of the box is 7 wide, and boxes\.safetensors wants 32"):
        put_box(entries, net, replace(BOXES[0], text=torch.zeros(1, 7)))


def test_the_text_of_a_box_is_pooled_before_the_projection(tiny: Callable[[str], Checkpoint]) -> None:
    clip = tiny("sdxl").clip
    assert isinstance(clip, Clip)
    tokens = clip.tokenize("a (red:1.3) fox")
    tower = clip.towers[clip.layout.pooled].network
    encoded = clip.encode(tokens).pooled
    assert encoded is not None
    with torch.inference_mode():
        projected = tower.project(clip.pool(tokens))
    torch.testing.assert_close(projected, encoded)
    assert not torch.allclose(projected, clip.pool(tokens), atol=1e-2)


def test_models_and_files_that_do_not_fit_are_told(
    net: Gligen, model: Model, tiny: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"boxes\.safetensors is GLIGEN for another kind of model than this sdxl one"):
        predicted(tiny("sdxl").model, Grounded(net, BOXES, None))
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(BadFile, match="is no GLIGEN model that takes boxes with texts"):
        load_gligen(tmp_path / "other.safetensors", Placement())
    parts = tiny_gligen(model.network)
    del parts["input_blocks.4.1.transformer_blocks.0.fuser.norm2.bias"]
    save_file(parts, tmp_path / "short.safetensors")
    with pytest.raises(BadFile, match=r"GLIGEN lacks fusers\.input_4_0\.norm2\.bias"):
        load_gligen(tmp_path / "short.safetensors", Placement())
    narrow = tiny_gligen(model.network) | {
        "middle_block.1.transformer_blocks.0.fuser.linear.weight": torch.zeros(12, 32)
    }
    save_file(narrow, tmp_path / "narrow.safetensors")
    with pytest.raises(BadFile, match="whose widths are multiples of 8"):
        load_gligen(tmp_path / "narrow.safetensors", Placement())
